"""Zips: in zips, in folders, beside pictures, and those that cannot be read."""

import zipfile
from functools import partial
from pathlib import Path

from tests.inputs.cases import case, said
from tests.inputs.folders import plain, zipped
from tests.support.pictures import draw_folder

zips = partial(case, "Folders and zips")


@zips("zips in a zip")
def zip_in_zip(home: Path) -> str:
    with zipfile.ZipFile(home / "pets.zip", "w") as archive:
        for name in ("cat", "dog"):
            inner = zipped(plain(home / name, 60), home / f"{name}.zip")
            archive.write(inner, f"pets/{name}.zip")
    return said(home / "pets.zip")


@zips("a zip in a zip in a zip")
def zip_in_zip_in_zip(home: Path) -> str:
    fish = zipped(plain(home / "fish", 60), home / "fish.zip")
    with zipfile.ZipFile(home / "pets.zip", "w") as archive:
        archive.write(fish, "fish.zip")
    with zipfile.ZipFile(home / "all.zip", "w") as archive:
        archive.write(home / "pets.zip", "pets.zip")
        for name in ("cat", "dog"):
            archive.write(zipped(plain(home / name, 60), home / f"{name}.zip"), f"{name}.zip")
    return said(home / "all.zip")


@zips("zips in a folder")
def zips_in_a_folder(home: Path) -> str:
    (home / "pets").mkdir()
    for name in ("cat", "dog"):
        zipped(plain(home / name, 60), home / "pets" / f"{name}.zip")
    return said(home / "pets")


@zips("a zip beside pictures, in a folder or a zip")
def zip_beside_pictures(home: Path) -> str:
    zipped(draw_folder(home / "set"), home / "set.zip").rename(home / "set" / "set.zip")
    in_folder, in_zip = said(home / "set"), said(zipped(home / "set", home / "outer.zip"))
    assert in_folder.split("\n")[1:] == in_zip.split("\n")[1:]
    return in_folder


@zips("a zip")
def a_zip(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures"), home / "set.zip")
    before = sorted(home.rglob("*"))
    printed = said(archive)
    assert sorted(home.rglob("*")) == before
    return printed


@zips("a zip with paths that lead out of it")
def a_way_out(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures"), home / "set.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.write(home / "pictures" / "disc" / "0000.png", "../outside.png")
    return said(archive)


@zips("a file that is no zip, named `.zip`")
def no_zip(home: Path) -> str:
    (home / "set.zip").write_bytes(b"not a zip")
    return said(home / "set.zip")


@zips("an encrypted zip")
def encrypted(home: Path) -> str:
    archive = zipped(draw_folder(home / "pictures", 3), home / "set.zip")
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of an encrypted entry
    archive.write_bytes(bytes(data))
    return said(archive)
