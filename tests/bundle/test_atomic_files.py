"""Whatever goes wrong, a file is the old one or the new one."""

import errno
import os
from pathlib import Path

import pytest

from bundle.atomic_files import replace_folder, scratch, write_file
from bundle.errors import UserError


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_written_into_a_new_folder_and_replaced(tmp_path: Path):
    path = tmp_path / "a" / "b.txt"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two" and [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_a_full_disk_keeps_the_previous_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "report.md"
    write_file(path, b"one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"Could not write .*report\.md: No space left .* The previous version is kept"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one" and [p.name for p in tmp_path.iterdir()] == ["report.md"]
    with pytest.raises(UserError, match=r"No space left on device\.$"):
        write_file(tmp_path / "new.md", b"one")
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="Could not write"):
        write_file(tmp_path / "file" / "below.txt", b"")


def test_a_scratch_folder_is_gone_afterwards(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path / "mine") as folder:
        assert folder.name == "mine" and folder.parent.parent == tmp_path
        (folder / "half").write_text("x")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "report.md", b"one")
    assert not list(tmp_path.iterdir())


def test_the_next_write_removes_what_a_killed_one_left(tmp_path: Path):
    """But nothing that may still be written, that another program named, or that holds somebody's older folder."""
    old, new = ".state.0123abcd", ".state.ffffffff"
    (tmp_path / old).write_bytes(b"half")
    (tmp_path / new).write_bytes(b"half")
    (tmp_path / ".state.backup").write_bytes(b"mine")
    (tmp_path / ".run.0123abcd" / "run").mkdir(parents=True)
    (tmp_path / ".run.4567abcd" / ".older").mkdir(parents=True)
    for name in (old, ".state.backup", ".run.0123abcd", ".run.4567abcd"):
        os.utime(tmp_path / name, (0, 0))
    write_file(tmp_path / "state", b"whole")
    with scratch(tmp_path / "run"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"state", new, ".state.backup", ".run.4567abcd"}


def test_a_folder_that_cannot_be_moved_along_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, files in (("built/in", ["graph.onnx"]), ("target", ["graph.onnx", "a.txt", "notes.txt"])):
        (tmp_path / name).mkdir(parents=True)
        for file in files:
            (tmp_path / name / file).write_text(f"{name} {file}")
    rename = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if path.name == "notes.txt":
            raise PermissionError(13, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="denied"):
        replace_folder(tmp_path / "built" / "in", tmp_path / "target", ["graph.onnx"])
    there = {path.name: path.read_text() for path in (tmp_path / "target").iterdir()}
    assert there == {name: f"target {name}" for name in ("graph.onnx", "a.txt", "notes.txt")}


@pytest.mark.parametrize("last", ["target", "in", "notes.txt"])
def test_ctrl_c_just_after_a_rename_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str):
    target = tmp_path / "target"
    target.mkdir()
    for name in ("graph.onnx", "notes.txt"):
        (target / name).write_text("older")
    rename, stopped = Path.rename, []

    def interrupted(path: Path, to: Path) -> Path:
        moved = rename(path, to)
        if path.name == last and not stopped:
            stopped.append(path)
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), scratch(target) as around:
        built = around.parent / "in" if last == "in" else around
        if built != around:
            around.rename(built)
        (built / "graph.onnx").write_text("newer")
        replace_folder(built, target, ["graph.onnx"])
    assert stopped and {path.name: path.read_text() for path in target.iterdir()} == {
        "graph.onnx": "older",
        "notes.txt": "older",
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_private_file_stays_private(tmp_path: Path):
    file = tmp_path / "picture.png"
    file.write_bytes(b"older")
    file.chmod(0o600)
    write_file(file, b"newer")
    assert file.read_bytes() == b"newer" and file.stat().st_mode & 0o777 == 0o600


def test_new_files_reach_the_disk_before_the_older_folder_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("built/in", "target"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "graph.onnx").write_bytes(name.encode())
    (tmp_path / "built" / "bundle.json").write_bytes(b"{}")
    flushed: list[int] = []

    def noted(descriptor: int) -> None:
        assert (tmp_path / "target" / "graph.onnx").read_bytes() == b"target"
        flushed.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    replace_folder(tmp_path / "built", tmp_path / "target", ["graph.onnx"])
    files = [path for path in (tmp_path / "target").rglob("*") if path.is_file()]
    assert sorted(flushed) == sorted(path.stat().st_ino for path in files) and len(files) == 2
