"""What the files in zips are called, whoever packed them, and their bytes."""

import io
import zipfile

import pytest

from bundle import zip_entries
from bundle.zip_entries import entry_marks, entry_names, read_entry


def packed(names: list[bytes]) -> list[zipfile.ZipInfo]:
    """The entries of a zip whose names are these bytes, without the flag of UTF-8, as old programs write them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i, name in enumerate(names):
            archive.writestr("x" * (len(name) - 2) + f"{i:02}", b"")
    data = file.getvalue()
    for i, name in enumerate(names):
        data = data.replace(b"x" * (len(name) - 2) + b"%02d" % i, name)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.infolist()


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gbk", ["小猫/一.png", "小狗/二.png", "cats/3.png"]),  # Windows in Chinese
        ("gbk", ["小猫/1.png"]),  # which is UTF-8 too: С and è
        ("utf-8", ["Bäume/1.png", "été/2.png"]),  # which is Chinese too
        ("utf-8", ["小猫/一.png", "Bäume/2.png", "🐱/3.png"]),  # macOS
        ("cp437", ["Bäume/1.png", "été/2.png", "niño/3.png"]),  # Windows, as the standard says
        ("ascii", ["cats/1.png", "dogs/2.png", "fish/3.png"]),
    ],
)
def test_names_without_the_flag_are_read_as_they_were_written(encoding: str, names: list[str]):
    assert entry_names(packed([name.encode(encoding) for name in names])) == names


def test_names_with_the_flag_are_taken_as_they_are():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("猫/1.png", b"")
        archive.writestr("cats/1.png", b"")
    assert entry_names(zipfile.ZipFile(file).infolist()) == ["猫/1.png", "cats/1.png"]


def test_names_that_are_told_in_utf8_beside_the_entry_are_taken_as_they_are():
    """As Python 3.12 and newer read the field of a zip for that."""
    names = ["猫/1.png", "кот/2.png", "犬/1.png", "cats/1.png"]
    assert entry_names([zipfile.ZipInfo(name) for name in names]) == names


def test_letters_that_no_rule_knows_still_differ():
    russian = [name.encode("cp866") for name in ("кошки/1.png", "собаки/1.png")]
    assert len(set(entry_names(packed(russian)))) == 2


def test_an_entry_that_is_too_large_or_torn_is_no_file():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(range(256)) * 4)
    whole = file.getvalue()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert len(read_entry(archive, archive.infolist()[0], 1024)) == 1024
        with pytest.raises(OSError, match="too large"):
            read_entry(archive, archive.infolist()[0], 1023)
    torn = bytearray(whole)
    torn[45] ^= 0xFF
    with zipfile.ZipFile(io.BytesIO(torn)) as archive, pytest.raises(OSError):
        read_entry(archive, archive.infolist()[0], 1024)


def test_files_are_counted_whatever_the_zip_says_of_itself(monkeypatch: pytest.MonkeyPatch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(30):
            archive.writestr(f"{i}.txt", b"")
    data = bytearray(file.getvalue())
    data[-14:-10] = b"\1\0\1\0"  # the counts in the end record
    monkeypatch.setattr(zip_entries, "PIECE", 7)  # marks lie across pieces
    assert entry_marks(io.BytesIO(data)) == 30
