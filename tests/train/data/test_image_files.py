"""Folders and zips: what is taken as a class or a split, what is left out, what is refused."""

import errno
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from tests.bundle.test_pictures import saved
from tests.support.pictures import draw_folder
from train.data import folder_files
from train.data.label_files import read_records
from train.data.load import load, load_again
from train.data.open_source import open_source
from train.data.reading import Reading


def zipped(folder: Path, to: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
    return to


@pytest.mark.parametrize("prefix", ["", "wrapped/in/"])
def test_a_zip_reads_like_its_folder(shapes, tmp_path, prefix):
    archive = zipped(shapes, tmp_path / "set.zip", prefix)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("__MACOSX/._a.png", b"x")
        more.writestr(prefix + "disc/.DS_Store", b"x")
    info, train, test = load(str(archive), quiet=True)
    folder_info, folder_train, folder_test = load(str(shapes), quiet=True)
    assert (info.source, info.title, info.classes) == ("set.zip", "set", folder_info.classes)
    assert torch.equal(train.images, folder_train.images) and torch.equal(test.labels, folder_test.labels)


def test_a_zip_is_not_unpacked_and_paths_out_of_it_are_left_out(shapes, tmp_path, capsys):
    archive = zipped(shapes, tmp_path / "set.zip")
    picture = saved(Image.new("L", (16, 16), 9), "PNG")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("../outside.png", picture)
        more.writestr("/absolute.png", picture)
    before = sorted(tmp_path.parent.rglob("*"))
    info, _, _ = load(str(archive))
    assert info.train_images + info.test_images == 150
    assert "left out 2 files (../outside.png, /absolute.png) outside the zip" in capsys.readouterr().out
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_torn_picture_in_a_zip_is_named_and_nothing_else_is_lost(shapes, tmp_path, capsys):
    archive = zipped(shapes, tmp_path / "set.zip")
    with zipfile.ZipFile(archive) as whole:
        entry = whole.getinfo("disc/0003.png")
    data = bytearray(archive.read_bytes())
    data[entry.header_offset + 30 + len(entry.filename) + 20] ^= 255  # the check sum no longer fits
    archive.write_bytes(bytes(data))
    info, _, _ = load(str(archive))
    assert info.train_images + info.test_images == 149
    assert "skipped 1 unreadable: disc/0003.png (Bad CRC-32" in capsys.readouterr().out


def test_bad_zips_are_sentences(shapes, tmp_path, monkeypatch):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"not a zip")
    with pytest.raises(UserError, match="not a zip file"):
        load(str(bad))
    with zipfile.ZipFile(bad, "w"):
        pass
    with pytest.raises(UserError, match="is empty"):
        load(str(bad))
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(UserError, match="holds no picture"):
        load(str(bad))
    locked = bytearray(zipped(shapes, bad).read_bytes())
    start = locked.index(b"PK\x01\x02")
    locked[start + 8] |= 1  # the flag of an encrypted entry
    bad.write_bytes(bytes(locked))
    with pytest.raises(UserError, match="encrypted"):
        load(str(bad))
    with pytest.raises(UserError, match="does not exist"):
        load("nowhere.zip")
    zipped(shapes, bad)
    monkeypatch.setattr("train.data.zip_files.MOST_BYTES", 10_000)
    with pytest.raises(UserError, match="too large"):
        load(str(bad))
    monkeypatch.undo()
    monkeypatch.setattr("train.data.zip_files.MOST_ENTRIES", 149)
    with pytest.raises(UserError, match="too large"):
        load(str(bad))


def test_train_and_test_folders_keep_their_split(shapes, tmp_path, capsys):
    shutil.copytree(shapes, tmp_path / "all" / "train")
    for name in ("bar", "disc", "square"):
        (tmp_path / "all" / "test" / name).mkdir(parents=True)
        for path in sorted((tmp_path / "all" / "train" / name).iterdir())[:4]:
            path.rename(tmp_path / "all" / "test" / name / path.name)
    info, train, test = load(str(tmp_path / "all"), quiet=True)
    assert (info.train_images, info.test_images) == (138, 12)
    assert info.classes == ("bar", "disc", "square")
    assert torch.bincount(test.labels).tolist() == [4, 4, 4] and torch.bincount(train.labels).tolist() == [46] * 3
    (tmp_path / "all" / "test" / "bar").rename(tmp_path / "all" / "test" / "beam")
    info, _, test = load(str(tmp_path / "all"))
    assert (info.test_images, torch.bincount(test.labels).tolist()) == (8, [0, 4, 4])
    assert "left out 4 test pictures in beam, which no training picture is in" in capsys.readouterr().out


def test_pictures_beside_the_classes_leave_no_classes(shapes, tmp_path, capsys):
    shutil.copytree(shapes, tmp_path / "mixed")
    (tmp_path / "mixed" / "disc" / "0000.png").rename(tmp_path / "mixed" / "loose.png")
    info, train, _ = load(str(tmp_path / "mixed"))
    assert info.classes == () and set(train.labels.tolist()) == {-1}
    assert "(bar, disc, square) are not taken as classes: 1 picture (loose.png) beside" in capsys.readouterr().out


def test_one_class_is_no_class(tmp_path, capsys):
    draw_folder(tmp_path / "pets" / "cats", 120, classes=False)
    (tmp_path / "pets" / "cats" / "list.heic").write_bytes(b"x")
    info, train, _ = load(str(tmp_path / "pets"))
    report = capsys.readouterr().out
    assert info.classes == () and set(train.labels.tolist()) == {-1}
    assert "all pictures are in one sub-folder (cats), and one class is none" in report
    assert "left out 1 HEIC photograph (cats/list.heic): convert them to JPEG" in report


def test_labels_that_are_torn_in_a_zip_are_refused_with_a_way_out(shapes, tmp_path):
    archive = zipped(shapes, tmp_path / "set.zip")
    labels = "file_name,label\n" + "".join(f"disc/{i:04d}.png,{i % 3}\n" for i in range(50))
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as more:
        more.writestr("metadata.csv", labels)
        entry = more.getinfo("metadata.csv")
    data = bytearray(archive.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    data[start : start + 8] = b"\xff" * 8  # no deflate stream begins so
    archive.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"metadata\.csv cannot be read .* Mend it"):
        load(str(archive), quiet=True)


def test_a_torn_zip_in_a_zip_is_left_out_with_a_note(shapes, tmp_path, capsys):
    whole = zipped(shapes, tmp_path / "whole.zip").read_bytes()
    inner = zipped(shapes / "disc", tmp_path / "inner.zip").read_bytes()
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as more:
        more.writestr("whole.zip", whole)
        more.writestr("more.zip", inner)
        entry = more.getinfo("more.zip")
    data = bytearray(archive.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    data[start : start + 8] = b"\xff" * 8
    archive.write_bytes(bytes(data))
    info, _, _ = load(str(archive))
    assert info.train_images + info.test_images == 150
    assert "left out 1 zip (more.zip: " in capsys.readouterr().out


def test_zips_in_a_folder_share_the_limits_and_one_that_is_damaged_is_named(shapes, tmp_path, monkeypatch):
    home = tmp_path / "set"
    home.mkdir()
    for name in ("one", "two"):
        zipped(shapes / "disc", home / f"{name}.zip")  # 50 files each
    info, train, _ = load(str(home), quiet=True)
    assert (info.classes, info.train_images + info.test_images) == (("one", "two"), 100)
    again = load_again(str(home), info)
    assert torch.equal(again[1].images, train.images)
    with monkeypatch.context() as patch:
        patch.setattr("train.data.zip_files.MOST_ENTRIES", 99)
        with pytest.raises(UserError, match="too large"):
            load(str(home))
    (home / "two.zip").write_bytes(b"torn")
    with pytest.raises(UserError, match=r"two\.zip is not a zip file"):
        load(str(home))


def test_a_folder_that_cannot_be_opened_is_left_out_with_a_note(shapes, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "set"
    shutil.copytree(shapes, folder)
    (folder / "closed").mkdir()
    is_file, scandir = Path.is_file, os.scandir

    def refuse(path: os.PathLike) -> None:  # as a folder without permissions does, also where root runs the tests
        if "closed" in Path(path).parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", lambda path: refuse(path) or is_file(path))
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or scandir(path))
    load(str(folder))
    assert "left out 1 folder (closed) that cannot be opened" in capsys.readouterr().out


def test_a_cell_of_labels_may_hold_any_line_separator():
    text = '{"file_name": "a.png", "label": "x", "caption": "one\u2028two"}\n'
    (record,) = read_records(PurePosixPath("metadata.jsonl"), text.encode())
    assert record["caption"] == "one\u2028two"


def test_text_that_begins_like_a_picture_is_no_picture(tmp_path):
    draw_folder(tmp_path, 60)
    (tmp_path / "patients.csv").write_text("BMI,age\n20,30\n")
    (tmp_path / "notes.txt").write_text("P1 is Anna")
    assert load(str(tmp_path), quiet=True)[0].classes == ("bar", "disc", "square")


def test_a_folder_of_pictures_that_is_also_a_run_hides_no_other_mistake(tmp_path):
    draw_folder(tmp_path, 60)
    (tmp_path / "run.json").write_text('{"data": {}}')
    (tmp_path / "metadata.csv").write_text("file_name,glasses\nbar/0000.png,1\n")
    with pytest.raises(UserError, match="Did you mean glasses"):
        open_source(str(tmp_path), Reading(attributes="glases"))


def test_a_folder_that_holds_a_run_alone_says_why_it_has_no_picture(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "run.json").write_text('{"data": {}}')
    with pytest.raises(UserError, match=r"holds no picture: .*inner"):
        open_source(str(tmp_path))


def test_folders_that_may_be_listed_and_not_entered_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As after chmod -R 644, for all but root."""
    draw_folder(tmp_path, 60)
    known = folder_files.folder_id

    def denied(folder: Path) -> tuple[int, int]:
        if folder.name == "disc":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return known(folder)

    monkeypatch.setattr(folder_files, "folder_id", denied)
    source = open_source(str(tmp_path))
    assert source.classes == ("bar", "square")
    assert "left out 1 folder (disc) that cannot be opened" in source.notes


def test_an_entry_without_a_name_is_left_out(tmp_path: Path):
    archive = zipped(draw_folder(tmp_path / "set", 30), tmp_path / "set.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(".", saved(Image.new("L", (16, 16), 9), "PNG"))
    source = open_source(str(archive))
    assert source.train.count == 30 and "left out 1 file (.) outside the zip" in source.notes
