"""Favourites as files and as pictures, given to `export web --favourites`; what the page does: tests/browser."""

import functools
import io
import json
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from bundle import images
from bundle.errors import UserError
from bundle.marks import Favourites, Point, formats, trained
from bundle.marks.mark import plain_state
from bundle.own_directions import OwnMove, encoded, latent_size, space_key
from bundle.read import OpenBundle, read
from export.targets.gallery import FORMAT, gallery, read_favourites
from tests.inputs.cases import case
from tests.support import tiny
from tests.support.pictures import with_huge_metadata

ROOM = "Favourites"


@functools.cache
def _bundle() -> OpenBundle:
    return read(tiny.build(Path(tempfile.mkdtemp()) / "tiny", name="tiny"))


def _points(count: int = 3) -> tuple[Point, ...]:
    """Points, the last of them moved along a direction of one's own."""
    numbers = np.random.default_rng(0).standard_normal(latent_size(_bundle().info, "gan"))
    own = OwnMove(amount=1.5, vector=encoded(numbers, space_key(_bundle(), "gan")))
    moved = Point(m="gan", x=9.5, y=0, attributes={"round face": own})
    return (*(Point(m="vae", x=i, y=0, c=i % 10) for i in range(count - 1)), moved)


def _file(points: Any, bundle: str = "tiny", **more: Any) -> bytes:
    entries = [{"bundle": bundle, "sha256": "0" * 64, **plain_state(point)} for point in points]
    return json.dumps({"format": FORMAT, "format_version": 1, "favourites": entries} | more).encode()


def _picture(points: tuple[Point, ...]) -> bytes:
    state = Favourites(pictures=points, columns=2)
    return formats.png(np.zeros((64, 64, 1), np.uint8), trained(_bundle(), state))


def _said(folder: Path, *files: bytes) -> str:
    """How many pictures a page has of each file, or why it has none."""
    told = []
    for i, data in enumerate(files):
        path = folder / f"{i}.file"
        path.write_bytes(data)
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                sources, _ = gallery(read_favourites(path), [_bundle()])
            told.append(f"{printed.getvalue()}{len(sources)} pictures")
        except UserError as error:
            told.append(str(error))
    return "\n".join(told)


@case(ROOM, "a file, or a picture, that Play saved")
def _right(folder: Path) -> str:
    return _said(folder, _file(_points()), _picture(_points()))


@case(ROOM, "favourites of bundles that the page does not have")
def _elsewhere(folder: Path) -> str:
    mixed = json.loads(_file(_points()))
    mixed["favourites"][0]["bundle"] = "others"
    return _said(folder, _file(_points(), "others"), json.dumps(mixed).encode())


@case(ROOM, "a file that was cut off, and a picture cut in its metadata")
def _cut(folder: Path) -> str:
    file, picture = _file(_points()), _picture(_points())
    return _said(folder, file[: len(file) // 2], picture[: picture.index(b"twofold:state") + 200])


@case(ROOM, "a file of something else, and a picture without favourites")
def _other(folder: Path) -> str:
    plain = images.png(np.zeros((8, 8, 1), np.uint8))
    one = formats.png(np.zeros((8, 8, 1), np.uint8), trained(_bundle(), Point(m="gan", x=1, y=0)))
    return _said(folder, b'{"format": "other"}', b"[1]", plain, one)


@case(ROOM, "a picture with metadata of 10 MB, and a file of 3 MB")
def _huge(folder: Path) -> str:
    return _said(folder, with_huge_metadata(), b" " * 3_000_000)


@case(ROOM, "none, or more than 60")
def _number(folder: Path) -> str:
    return _said(folder, _file([]), _file(_points(61)))


@case(ROOM, "one that cannot be read, or that its bundle cannot draw")
def _broken(folder: Path) -> str:
    wild = json.loads(_file(_points()))
    wild["favourites"][1] = {"bundle": "tiny", "m": "gan", "x": "far"}
    return _said(folder, json.dumps(wild).encode(), _file([Point(m="gan", x=1, y=0, c=99)]))
