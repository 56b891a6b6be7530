"""Whatever goes wrong, a file is the old one or the new one."""

import errno
import os
from pathlib import Path

import pytest

from bundle.atomic_files import scratch, write_file
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
