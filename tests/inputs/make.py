"""What people bring to Make in the page, and what it answers."""

import errno
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from demo.make import data_set, incoming
from demo.make.limits import OWN_MACHINE, MakeLimits
from demo.routes import make_pictures
from tests.inputs.cases import case
from tests.support.make_page import OWN_PAGE, Page, picture, zipped

ROOM = "Make"
SMALL = MakeLimits(1_000_000, 1_000_000, 100, 10, 3, own_machine=True)


def page_with(place: Path, count: int = 0, limits: MakeLimits = OWN_MACHINE, **named) -> tuple[Page, str]:
    """A page, and the name of its project of so many pictures."""
    page = Page(place / "home", limits, **named)
    return page, page.project_of(count)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# ----------------------------------------------------------------------------------------------------- bring


@case(ROOM, "files among which is no picture")
def no_picture(place: Path) -> str:
    page, name = page_with(place)
    answer = page.put(name, "notes.txt", b"hello").text
    assert page.status(name)["pictures"] == 0
    return answer


@case(ROOM, "a file of 4 GB")
def four_gigabytes(place: Path) -> str:
    page, name = page_with(place)
    return page.client.put(f"/make/{name}/files?id=a&name=a.zip&at=0&of=4000000000", headers=OWN_PAGE).text


@case(ROOM, "a zip that unpacks to far more than it is")
def zip_bomb(place: Path) -> str:
    page, name = page_with(place, limits=SMALL)
    return page.put(name, "bomb.zip", zipped({f"{i}.png": bytes(900_000) for i in range(6)})).text


@case(ROOM, "a picture in a zip that is larger than any may be")
def large_entry(place: Path) -> str:
    page, name = page_with(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incoming, "TRAINING", replace(incoming.TRAINING, bytes=1000))
        return page.put(name, "a.zip", zipped({"a.png": bytes(2000)})).text


@case(ROOM, "a zip with a password")
def locked_zip(place: Path) -> str:
    page, name = page_with(place)
    data = bytearray(zipped({"a.png": picture(1)}))
    data[6] |= 1  # of the local header
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return page.put(name, "a.zip", bytes(data)).text


@case(ROOM, "a damaged picture in a zip")
def damaged_entry(place: Path) -> str:
    page, name = page_with(place)
    data = bytearray(zipped({"a.png": picture(1), "b.png": picture(2)}))
    data[60] ^= 0xFF  # within the first picture
    return page.put(name, "torn.zip", bytes(data)).text


@case(ROOM, "a zip whose list of files is damaged")
def damaged_list(place: Path) -> str:
    page, name = page_with(place)
    data = bytearray(zipped({"a.png": picture(1)}))
    data[data.find(b"PK\x01\x02")] ^= 0xFF
    return page.put(name, "a.zip", bytes(data)).text


@case(ROOM, "a zip whose end is missing")
def torn_zip(place: Path) -> str:
    page, name = page_with(place)
    return page.put(name, "a.zip", zipped({"a.png": picture(1), "b.png": picture(2)})[:-30]).text


@case(ROOM, "a zip of zips, one for each pupil")
def zip_of_zips(place: Path) -> str:
    page, name = page_with(place)
    page.put(name, "class.zip", zipped({f"{who}.zip": zipped({"1.png": picture(1)}) for who in ("anna", "ben")}))
    return str(page.pictures(name)["files"])


@case(ROOM, "a zip from a Windows in Chinese, or from macOS")
def names_in_other_letters(place: Path) -> str:
    page, name = page_with(place)
    for i, encoding in enumerate(("gbk", "utf-8")):
        called = "小猫".encode(encoding)
        data = zipped({f"{'x' * len(called)}/1.png": picture(i)}).replace(b"x" * len(called), called)
        assert page.put(name, "a.zip", data).json()["stored"] == 1
    return str(page.pictures(name)["files"])


@case(ROOM, "folders whose names differ only by signs")
def names_of_signs(place: Path) -> str:
    page, name = page_with(place)
    page.put(name, "a.zip", zipped({f"{folder}/1.png": picture(1) for folder in ("C++", "C#", "🐱")}))
    return str(page.pictures(name)["files"])


@case(ROOM, "HEIC of an iPhone, a PDF, a RAR")
def other_kinds(place: Path) -> str:
    page, name = page_with(place)
    kinds = {
        "a.heic": b"\0\0\0\x18ftypheic" + bytes(90),
        "b.pdf": b"%PDF-1.4" + bytes(90),
        "c.rar": b"Rar!" + bytes(90),
    }
    return "".join(page.put(name, called, data).text for called, data in kinds.items())


@case(ROOM, "a file that is longer than it said")
def longer_than_it_said(place: Path) -> str:
    page, name = page_with(place)
    data = picture(1)
    address = f"/make/{name}/files?id=a&name=a.png&at=0&of={len(data) - 9}"
    said = page.client.put(address, content=data, headers=OWN_PAGE).text
    assert not list(page.maker.projects.folder(name).glob(".*.part"))
    return said


@case(ROOM, "more pictures than a project may hold")
def too_many(place: Path) -> str:
    page, name = page_with(place, limits=replace(SMALL, pictures=2))
    return page.put(name, "a.zip", zipped({f"{i}.png": picture(i) for i in range(4)})).text


@case(ROOM, "tables beyond what a project may hold, in bytes or in number")
def too_many_tables(place: Path) -> str:
    page, name = page_with(place, limits=SMALL)
    large = {f"{i}/metadata.csv": b"file_name,a\n" + 100_000 * b"a.png\n" for i in range(2)}
    said = page.put(name, "a.zip", zipped(large)).text
    assert page.maker.projects.folder(name).joinpath("tables/000001.csv").is_file()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incoming, "MAX_TABLES", 2)
        return said + page.put(name, "a.zip", zipped({f"{i}/metadata.csv": b"file_name\n" for i in range(3)})).text


@case(ROOM, "beginnings of many files, which never end")
def many_beginnings(place: Path) -> str:
    page, name = page_with(place, limits=SMALL)
    for i in range(9):
        address = f"/make/{name}/files?id=part{i}&name=a.png&at=0&of=900000"
        answer = page.client.put(address, content=bytes(300_000), headers=OWN_PAGE)
        assert answer.json() == {"received": 300_000}
    kept = {path.name for path in page.maker.projects.folder(name).glob(".*.part")}
    assert {".part7.part", ".part8.part"} < kept
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_pictures, "MAX_ARRIVING", 1)
        page.put(name, "a.png", picture(1))
    assert len(list(page.maker.projects.folder(name).glob(".*.part"))) == 1
    return f"{len(kept)} of 9 are kept"


@case(ROOM, "names that lead out of the project")
def names_with_slashes(place: Path) -> str:
    page, name = page_with(place)
    for i, called in enumerate(("../../etc/a.png", "C:%5CUsers%5Cme%5Ccats%5Ca.png", "/a.png", "a%3Cb%3E/../c/.png")):
        assert page.put(name, called, picture(i)).json()["stored"] <= 1
    assert sorted(path.name for path in place.iterdir()) == ["home"]
    return str(page.pictures(name)["files"])


@case(ROOM, "a disk that is full while pictures arrive")
def full_while_bringing(place: Path) -> str:
    page, name = page_with(place)
    write, left = Path.write_bytes, [2]

    def write_two(path: Path, data: bytes) -> int:
        if path.parent.parent.name == "pictures":
            left[0] -= 1
            if left[0] < 0:
                write(path, data[: len(data) // 2])
                full()
        return write(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_two)
        said = page.put(name, "a.zip", zipped({f"{i}.png": picture(i) for i in range(5)})).text
    found = page.pictures(name)
    assert len(found["files"]) == 2 and found["flags"] == {}  # no torn one is left
    assert not list(page.maker.projects.folder(name).glob(".*.part"))
    return said


@case(ROOM, "a disk that is full while a large file arrives")
def full_while_sending(place: Path) -> str:
    page, name = page_with(place)
    open_ = Path.open

    def opened(path: Path, *of, **named):
        return full() if path.suffix == ".part" else open_(path, *of, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened)
        return page.put(name, "a.png", picture(1)).text


@case(ROOM, "a project whose folder was deleted while pictures arrive")
def deleted_underneath(place: Path) -> str:
    page, name = page_with(place, 1)
    arriving = incoming.Incoming(page.maker.projects.folder(name) / "pictures", OWN_MACHINE)
    (place / "a.png").write_bytes(picture(2))
    shutil.rmtree(page.maker.projects.folder(name))
    with pytest.raises(Exception) as gone:
        arriving.take(place / "a.png", "a.png")
    assert not list((place / "home").iterdir())  # nothing comes back from the dead
    return f"{gone.value} {page.put(name, 'b.png', picture(3)).text}"


@case(ROOM, "two visitors at once")
def two_at_once(place: Path) -> str:
    page, name = page_with(place, 4)
    files = page.pictures(name)["files"]
    visitors = [
        threading.Thread(target=page.choose, args=(name,), kwargs={"left_out": {file: True}}) for file in files[:3]
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    return f"{len(page.pictures(name)['left_out'])} of {len(files)} are left out"


# ------------------------------------------------------------------------------------------ from this machine


@case(ROOM, "a path that is not there")
def no_path(place: Path) -> str:
    page, name = page_with(place)
    return page.post(f"/{name}/source?path={place}/nothing/here").text


@case(ROOM, "a path, from another machine")
def path_from_afar(place: Path) -> str:
    page, name = page_with(place, client=("192.0.2.7", 50_000))
    return page.post(f"/{name}/source?path=/etc").text


@case(ROOM, "a path, through a proxy")
def path_through_a_proxy(place: Path) -> str:
    page, name = page_with(place)
    headers = OWN_PAGE | {"X-Forwarded-For": "192.0.2.7"}
    return page.client.post(f"/make/{name}/source?path=/etc", headers=headers).text


@case(ROOM, "the data set for a terminal, from another machine")
def data_set_from_afar(place: Path) -> str:
    page, name = page_with(place, 20, client=("192.0.2.7", 50_000))
    said = page.post(f"/{name}/set", json={}).text
    assert str(place) not in said and not (page.maker.projects.folder(name) / data_set.SET).exists()
    return said


@case(ROOM, "an empty path")
def empty_path(place: Path) -> str:
    page, name = page_with(place)
    return page.post(f"/{name}/source?path=").text


@case(ROOM, "two sources at once")
def two_sources(place: Path) -> str:
    page, name = page_with(place)
    (place / "set").mkdir()
    assert page.post(f"/{name}/source?path={place / 'set'}").status_code == 200
    said = page.post(f"/{name}/source?path={place / 'set'}").text
    page.client.delete(f"/make/{name}/source", headers=OWN_PAGE)
    return said


# ---------------------------------------------------------------------------------------------------- choose


@case(ROOM, "3 pictures")
def three_pictures(place: Path) -> str:
    page, name = page_with(place, 3)
    assert "Too few pictures: 3;" in str(page.pictures(name)["advice"])
    return page.post(f"/{name}/train?minutes=5").text


@case(ROOM, "30 pictures")
def few_pictures(place: Path) -> str:
    page, name = page_with(place, 30)
    return str(page.pictures(name)["advice"])


@case(ROOM, "pictures that are all the same file")
def all_the_same(place: Path) -> str:
    page, name = page_with(place)
    for i in range(25):
        page.put(name, f"{i}.png", picture(1))
    assert "look the same" in str(page.pictures(name)["advice"])
    return page.post(f"/{name}/train?minutes=5").text


@case(ROOM, "pictures that all look the same")
def all_alike(place: Path) -> str:
    page, name = page_with(place)
    for i in range(25):
        page.put(name, f"{i}.png", picture(1) + bytes(i))
    return str(page.pictures(name)["advice"])


@case(ROOM, "a class without pictures")
def empty_class(place: Path) -> str:
    page, name = page_with(place, 4)
    return page.choose(name, classes={"birds": True}).text


@case(ROOM, "a class with a slash in its name")
def class_with_a_slash(place: Path) -> str:
    page, name = page_with(place, 1)
    return page.choose(name, classes={"birds/small": True}).text


@case(ROOM, "a class whose name differs from another by capitals only")
def class_by_capitals(place: Path) -> str:
    page, name = page_with(place, 1)
    return page.choose(name, classes={"Discs": True}).text


@case(ROOM, "some pictures without a class")
def without_a_class(place: Path) -> str:
    page, name = page_with(place, 4)
    for i in range(4):
        page.put(name, f"rings/{i}.png", picture(20 + i))
    page.put(name, "alone.png", picture(9))
    return str(page.pictures(name)["advice"])


@case(ROOM, "a column that tells no classes")
def no_classes_column(place: Path) -> str:
    page, name = page_with(place, 1)
    return page.post(f"/{name}/classes?column=weight").text


@case(ROOM, "a part of a picture that is no part")
def no_part(place: Path) -> str:
    page, name = page_with(place, 1)
    return page.choose(name, crops={"discs/000001.png": [0.5, 0.5, 0.5, 0.5]}).text


@case(ROOM, "more attributes than a generator may have, or names without end")
def endless_attributes(place: Path) -> str:
    page, name = page_with(place, 1)
    return "".join(page.choose(name, attributes=names).text for names in ([str(i) for i in range(33)], ["a" * 61]))


@case(ROOM, "a choice that is nested without end")
def endless_choice(place: Path) -> str:
    page, name = page_with(place, 1)
    return page.post(f"/{name}/choice", content="[" * 200_000).text


@case(ROOM, "a disk that is full while something is chosen")
def full_while_choosing(place: Path) -> str:
    page, name = page_with(place, 2)
    page.choose(name, size=32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bundle.atomic_files.os.fsync", full)
        said = page.choose(name, size=96).text
    assert page.pictures(name)["size"] == 32
    return said


@case(ROOM, "a disk that is full while the data set is written")
def full_while_laying_out(place: Path) -> str:
    page, name = page_with(place, 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_set.os, "link", full)
        patch.setattr(data_set.shutil, "copyfile", full)
        return page.post(f"/{name}/set", json={}).text
