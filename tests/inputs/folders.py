"""Folders and zips: which pictures, which splits, which classes."""

import shutil
import zipfile
from functools import partial
from pathlib import Path

from PIL import Image

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder

folders = partial(case, "Folders and zips")


def zipped(folder: Path, to: Path) -> Path:
    """A zip of every file in a folder."""
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return to


@folders("a folder with sub-folders of pictures")
def classes(home: Path) -> str:
    return said(draw_folder(home))


@folders("a folder of pictures without sub-folders")
def flat(home: Path) -> str:
    return said(draw_folder(home, classes=False))


@folders("pictures beside the sub-folders")
def loose(home: Path) -> str:
    draw_folder(home)
    (home / "disc" / "0000.png").rename(home / "loose.png")
    return said(home)


@folders("a single sub-folder")
def one_class(home: Path) -> str:
    draw_folder(home / "cats", classes=False)
    return said(home)


@folders("`train/` and `test/`")
def splits(home: Path) -> str:
    draw_folder(home / "train")
    for name in ("bar", "disc", "square"):
        (home / "test" / name).mkdir(parents=True)
        for path in sorted((home / "train" / name).iterdir())[:4]:
            path.rename(home / "test" / name / path.name)
    return said(home)


@folders("a zip")
def a_zip(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures"), home / "set.zip")
    before = sorted(home.rglob("*"))
    printed = said(archive)
    assert sorted(home.rglob("*")) == before
    return printed


@folders("a zip with paths that lead out of it")
def a_way_out(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures"), home / "set.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.write(home / "pictures" / "disc" / "0000.png", "../outside.png")
    return said(archive)


@folders("a file that is no zip, named `.zip`")
def no_zip(home: Path) -> str:
    (home / "set.zip").write_bytes(b"not a zip")
    return said(home / "set.zip")


@folders("an encrypted zip")
def encrypted(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures", 3), home / "set.zip")
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of an encrypted entry
    archive.write_bytes(bytes(data))
    return said(archive)


@folders("an empty folder")
def empty(home: Path) -> str:
    return said(home)


@folders("a path that is not there")
def missing(home: Path) -> str:
    return said(home / "nowhere")


@folders("fewer than 100 pictures")
def few(home: Path) -> str:
    return said(draw_folder(home, 40))


@folders("pictures that are all the same")
def all_the_same(home: Path) -> str:
    Image.new("RGB", (20, 20), "teal").save(home / "0.png")
    for i in range(1, 120):
        shutil.copy(home / "0.png", home / f"{i}.png")
    return said(home)
