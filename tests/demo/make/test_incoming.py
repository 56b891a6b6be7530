"""Pictures on their way into a project: whatever a stranger calls or packs them."""

import io
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import InputError
from bundle.picture_files import ENDINGS
from bundle.sessions import choose_provider
from demo.make import incoming
from demo.make.classes import class_counts
from demo.make.groups import Groups
from demo.make.incoming import TOO_DEEP, Incoming
from demo.make.limits import OWN_MACHINE, MakeLimits
from demo.make.maker import Maker
from demo.make.projects import LOOSE, Project, Projects
from demo.make.stored_pictures import picture_file, picture_files
from demo.make.survey import survey
from demo.make.tables import names_of
from tests.support.make_page import zipped


def png(value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def taken(tmp_path: Path, data: bytes, name: str, limits: MakeLimits = OWN_MACHINE):
    file = tmp_path / "arriving"
    file.write_bytes(data)
    into = Incoming(tmp_path / "pictures", limits)
    arrivals = into.take(file, name)
    return arrivals, picture_files(tmp_path / "pictures")


def test_a_zip_of_folders_becomes_groups_and_what_is_no_picture_is_said(tmp_path: Path):
    entries = {"set/cats/a.png": png(), "set/dogs/b.PNG": png(9), "set/readme.txt": b"hello", "__MACOSX/x.png": png()}
    entries |= {"./set/cats/.hidden.png": png(), "./set/cats/c.png": png(3)}
    arrivals, files = taken(tmp_path, zipped(entries), "set.zip")
    assert files == ["cats/000001.png", "cats/000002.png", "dogs/000001.png"]
    assert arrivals.stored == 3 and arrivals.refused == {"no picture": 1}


def test_an_upload_is_moved_and_a_file_that_somebody_keeps_is_copied(tmp_path: Path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(png(1))
    theirs.write_bytes(png(2))
    into = Incoming(tmp_path / "pictures", OWN_MACHINE)
    assert into.take(ours, "a.png", move=True).stored == into.take(theirs, "b.png").stored == 1
    assert not ours.exists() and theirs.read_bytes() == png(2)
    kept = [path.read_bytes() for path in sorted((tmp_path / "pictures" / LOOSE).iterdir())]
    assert kept == [png(1), png(2)]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("a.png", LOOSE),
        ("cats/a.png", "cats"),
        ("../../etc/a.png", "etc"),
        ("..\\..\\a.png", LOOSE),
        ("C:\\Users\\me\\cats\\a.png", "cats"),
        ("/a.png", LOOSE),
        ("weird<name>|?/a.png", "weird name"),
        ("猫/a.png", "猫"),
        (f"{'x' * 300}/a.png", "x" * 40),
        ("./a.png", LOOSE),
        ("", LOOSE),
        ("🐱/a.png", "cat face"),
        ("…/a.png", "horizontal ellipsis"),
        ("❤️/a.png", "heavy black heart"),
        ("☀️/a.png", "black sun with rays"),
        ("\u0301/a.png", "combining acute accent"),
    ],
)
def test_no_name_leads_out_of_the_project(name: str, group: str):
    assert Groups((), {}).of(name) == group


def test_folders_that_differ_are_groups_that_differ(tmp_path: Path):
    folders = ("C++", "C#", "🐱", "🐶", f"{'x' * 50}1", f"{'x' * 50}2")
    _, files = taken(tmp_path, zipped({f"{folder}/a.png": png(i) for i, folder in enumerate(folders)}), "a.zip")
    assert len({file.partition("/")[0] for file in files}) == len(folders)
    assert {"C/000001.png", "C 2/000001.png", "cat face/000001.png", "dog face/000001.png"} < set(files)
    _, files = taken(tmp_path, png(9), "C#/b.png")  # by an Incoming of a later server
    assert "C 2/000002.png" in files


def test_capitals_and_the_ways_of_writing_an_accent_make_no_other_group(tmp_path: Path):
    entries = {f"{folder}/{i}.png": png(i) for i, folder in enumerate(("Bäume", "bäume", "Ba\u0308ume"))}
    _, files = taken(tmp_path, zipped(entries), "trees.zip")
    assert files == [f"Bäume/00000{i}.png" for i in (1, 2, 3)]


def test_a_folder_called_pictures_is_one_beside_the_pictures_without_a_folder(tmp_path: Path):
    _, files = taken(tmp_path, zipped({"Pictures/a.png": png(1), "b.png": png(2), "PICTURES/c.png": png(3)}), "a.zip")
    assert files == ["Pictures/000001.png", "Pictures/000002.png", f"{LOOSE}/000001.png"]
    project = Projects(tmp_path / "home").get(Projects(tmp_path / "home").create("Discs"))
    assert class_counts(project, files) == {"Pictures": 2, "": 1}


def test_a_folder_called_pictures_joins_those_without_a_folder_in_an_older_project():
    """Many disks take the two for one, where a picture of the one would overwrite one of the other."""
    older = Project(title="t", created="2026-01-01T00:00:00+00:00")
    groups = Groups((), {}, older.loose)
    assert {groups.of(name) for name in ("Pictures/a.png", "b.png", "PICTURES/c.png")} == {older.loose}
    assert class_counts(older, ["pictures/000001.png"]) == {"": 1}
    stored = Groups(["Pictures"], {"Pictures/000001.png": "Pictures/a.png"}, older.loose)
    assert stored.of("pictures/b.png") == "Pictures"  # as it is


def test_names_that_are_no_utf_8_are_kept_as_they_are(tmp_path: Path):
    _, files = taken(tmp_path, png(1), "caf\udce9/a.png")
    assert files == ["caf/000001.png"]
    _, files = taken(tmp_path, png(2), "caf\udce9/b.png")  # by an Incoming of a later server
    assert files == ["caf/000001.png", "caf/000002.png"]
    taken(tmp_path, b"file_name,kind\ncaf\xe9/a.png,x\n", "caf\udce9/metadata.csv")
    assert list(names_of(tmp_path).values()) == [f"caf\udce9/{name}" for name in ("a.png", "b.png", "metadata.csv")]


def test_all_list_pictures_in_one_order(tmp_path: Path):
    taken(tmp_path, zipped({f"{group}/a.png": png(i) for i, group in enumerate(("a b", "a", "a-b"))}), "groups.zip")
    project = Project(title="t", created="2026-01-01T00:00:00+00:00", size=32)
    assert survey(tmp_path / "pictures", project).files == tuple(picture_files(tmp_path / "pictures"))


@pytest.mark.parametrize(
    "file", ["", "a", "a/", "/a", "../secret", "..\\secret", "a/b/c.png", "a/\0", "a/" + 300 * "x"]
)
def test_a_path_that_leads_elsewhere_is_no_picture(tmp_path: Path, file: str):
    _, (stored,) = taken(tmp_path, png(), "a/1.png")
    (tmp_path / "secret").write_text("secret")
    assert picture_file(tmp_path / "pictures", file) is None
    assert picture_file(tmp_path / "pictures", stored) == tmp_path / "pictures" / stored


def test_a_name_that_lies_is_stored_by_its_content(tmp_path: Path):
    _, files = taken(tmp_path, png(), "holiday.jpg")
    assert files == [f"{LOOSE}/000001.png"]


def test_a_project_that_is_full_says_so_and_keeps_what_it_has(tmp_path: Path):
    limits = MakeLimits(1_000_000, 1_000_000, 2, 10, 1)
    with pytest.raises(InputError, match="at most 2 pictures"):
        taken(tmp_path, zipped({f"{i}.png": png(i) for i in range(5)}), "five.zip", limits)
    assert len(list((tmp_path / "pictures").glob("*/*"))) == 2


def test_a_bomb_of_a_zip_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(incoming, "TRAINING", replace(incoming.TRAINING, bytes=1_000_000))
    arrivals, files = taken(tmp_path, zipped({"a.png": bytes(50_000_000)}), "bomb.zip")
    assert files == [] and arrivals.refused == {"too large": 1}


def test_a_zip_of_far_more_files_than_fit_is_refused_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    limits, many = MakeLimits(1_000_000, 1_000_000, 2, 10, 1), zipped({f"{i}.txt": b"" for i in range(9)})
    monkeypatch.setattr(incoming.zipfile, "ZipFile", lambda *of: pytest.fail("opened"))
    with pytest.raises(InputError, match="more than 8 files"):
        taken(tmp_path, many, "many.zip", limits)


def test_more_pictures_come_after_those_that_are_there(tmp_path: Path):
    taken(tmp_path, png(1), "cats/a.png")
    _, files = taken(tmp_path, png(2), "cats/a.png")
    assert files == ["cats/000001.png", "cats/000002.png"]


def test_a_damaged_zip_gives_what_can_be_read(tmp_path: Path):
    data = bytearray(zipped({"a.png": png(1), "b.png": png(2)}))
    at = data.find(b"IDAT")
    data[60] ^= 0xFF  # within the first picture
    arrivals, files = taken(tmp_path, bytes(data), "torn.zip")
    assert at != 60 and arrivals.stored == 1 and arrivals.refused.total() == 1 and len(files) == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_damaged_anywhere_is_left_out_or_refused(tmp_path: Path, method: int):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.png", png(1))
    whole = file.getvalue()
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 0xFF
        with suppress(InputError):  # any other error would be a fault of ours
            taken(tmp_path, bytes(data), "torn.zip")


def test_a_zip_that_lost_its_beginning_gives_the_rest(tmp_path: Path):
    arrivals, _ = taken(tmp_path, zipped({"a.png": png(1), "b.png": png(2)})[50:], "torn.zip")
    assert arrivals.stored == 1 and arrivals.refused == {"damaged": 1}


def test_a_zip_of_zips_is_a_folder_of_each(tmp_path: Path):
    inner = {f"{name}.zip": zipped({"1.png": png(i), "2.png": png(i + 5)}) for i, name in enumerate(("anna", "ben"))}
    arrivals, files = taken(tmp_path, zipped(inner), "class.zip")
    assert files == ["anna/000001.png", "anna/000002.png", "ben/000001.png", "ben/000002.png"]
    assert arrivals.stored == 4 and not arrivals.refused
    _, files = taken(tmp_path, png(9), "anna/3.png")
    assert "anna/000003.png" in files


def test_zips_beside_pictures_and_in_zips_within_are_left_out(tmp_path: Path):
    inner = zipped({"1.png": png(1)})
    arrivals, _ = taken(tmp_path, zipped({"a.png": png(2), "copy.zip": inner}), "a.zip")
    assert arrivals.stored == 1 and arrivals.refused == {"a zip beside pictures": 1}
    arrivals, _ = taken(tmp_path, zipped({"b.zip": zipped({"c.zip": inner})}), "a.zip")
    assert arrivals.stored == 0 and arrivals.refused == {TOO_DEEP: 1}


def test_bombs_in_a_zip_of_zips_are_counted_together(tmp_path: Path):
    bomb = zipped({"a.txt": bytes(3_000_000)})
    with pytest.raises(InputError, match="more than 4 MB"):
        taken(
            tmp_path, zipped({f"{i}.zip": bomb for i in range(3)}), "a.zip", MakeLimits(1_000_000, 1_000_000, 9, 10, 1)
        )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90), "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(90), "HEIC"),
        (b"Rar!\x1a\7\1\0" + bytes(90), "an archive"),
        (zipped({"a.png": png()})[:-30], "an archive"),
        (b"%PDF-1.4" + bytes(90), "a PDF"),
        (png()[:20], "damaged"),
        (b"<svg/>", "no picture"),
        (b"", "empty"),
    ],
)
def test_what_is_refused_is_told_by_its_kind(tmp_path: Path, data: bytes, why: str):
    arrivals, _ = taken(tmp_path, data, "a.jpg")
    assert [reason.startswith(why) for reason in arrivals.refused] == [True]


@pytest.mark.parametrize("fmt", [*ENDINGS])
def test_the_beginning_of_a_picture_is_a_damaged_one(tmp_path: Path, fmt: str):
    file = io.BytesIO()
    Image.new("RGB", (200, 200), "red").save(file, fmt)
    arrivals, _ = taken(tmp_path, file.getvalue()[: 8 if fmt == "PPM" else 12], "a.jpg")
    assert arrivals.refused == {"damaged": 1}


def test_a_scan_of_35_million_pixels_is_taken_beside_the_page(tmp_path: Path):
    """A sheet of A4 at 600 dots an inch; the page's own limit for uploads is lower."""
    Maker(Projects(tmp_path), {}, choose_provider("cpu"), OWN_MACHINE)
    for fmt in ("PNG", "TIFF"):
        file = io.BytesIO()
        Image.new("L", (4960, 7016), 200).save(file, fmt)
        assert taken(tmp_path, file.getvalue(), f"scan.{fmt}")[0].stored == 1
    found = survey(tmp_path / "pictures", Project(title="t", created="2026-01-01T00:00:00+00:00", size=32))
    assert found.pictures.min() == 200 and "unreadable" not in str(found.flags)
