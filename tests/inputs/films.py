"""Films that cannot be, or can be only in part: what the page's export, an address and a call say of them."""

import base64
import functools
import io
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import UserError
from bundle.sessions import choose_provider
from demo.routes import endpoints, live
from demo.routes.marked_pictures import drawn_here
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.morph import morph_export
from demo.tabs.morph.export_job import exported
from tests.inputs.cases import case
from tests.support import tiny

ROOM = "Films"
ASKED = {
    "m": "vae",
    "t": 1,
    "keys": [1, 2, 3],
    "path": "linear",
    "loop": False,
    "seconds": 2,
    "fps": 60,
    "format": "webp",
}


@functools.cache
def _bundles() -> dict[str, ServedBundle]:
    root = Path(tempfile.mkdtemp())
    tiny.build(root / "tiny")
    tiny.build(root / "plain", "plain", classes=0)
    return open_bundles(root, choose_provider("cpu"), check=False)[0]


def _said(call: Callable[[], Any]) -> str:
    try:
        return str(call())
    except UserError as refused:
        return str(refused)


def _film(name: str = "tiny", **changes: Any) -> str:
    """What becomes of a film: its frames and its length, or why there is none."""
    asked = ASKED | changes

    def made() -> str:
        *_, last = exported(_bundles()[name], asked)
        with Image.open(io.BytesIO(base64.b64decode(last["href"].partition(",")[2]))) as film:
            pauses = [frame.load() and frame.info["duration"] for frame in ImageSequence.Iterator(film)]
        return f"{len(pauses)} frames of {asked['format']}, {sum(pauses)} ms"

    return _said(made)


CASES: dict[str, Callable[[], list[str]]] = {
    "one keyframe": lambda: [_film(keys=[1])],
    "a loop of one frame": lambda: [_film(frames=1, loop=True)],
    "a length of 1 s, of 11 minutes, or none at all": lambda: [_film(seconds=n) for n in (1, 660, None)],
    "61 frames a second": lambda: [_film(fps=61)],
    "60 frames a second as GIF": lambda: [_film(), _film(format="gif")],
    "times for some keyframes only": lambda: [_film(times=[0, 1])],
    "times that fall, or two at once": lambda: [_film(times=times) for times in ([0, 1, 0.5], [0, 1, 1])],
    "a first keyframe that is not at 0": lambda: [_film(times=[0.5, 1, 2])],
    "a keyframe after the end": lambda: [_film(times=[0, 1, 9])],
    "a last keyframe at the end of a loop": lambda: [_film(times=[0, 1, 2], seconds=2, loop=True)],
    "a strip of a minute": lambda: [_film(format=form, seconds=60, fps=25) for form in ("film-strip", "png-strip")],
    "an easing of another name": lambda: [_film(easing=["in", "bounce", "out"])],
    "a place of the map for the GAN": lambda: [_film(m="gan", keys=[["pca", 0, 0], 1])],
    "a map by classes in a bundle without them": lambda: [_film("plain", keys=[["lda", 0, 0], ["lda", 1, 1]])],
}
for brought, what in CASES.items():
    case(ROOM, brought)(lambda folder, what=what: "\n".join(what()))


@case(ROOM, "ten minutes of 60 large pictures a second")
def _large(folder: Path) -> str:
    morph = morph_export.read(_bundles()["tiny"], ASKED | {"seconds": 600})
    large: Any = SimpleNamespace(info=SimpleNamespace(image=SimpleNamespace(height=512, width=512)))
    return _said(lambda: morph_export.check_size(replace(morph, served=large), "webp"))


@case(ROOM, "a strip of many large pictures")
def _large_strip(folder: Path) -> str:
    """By the page, by a call, and in the mark of a stranger's picture."""
    served = _bundles()["tiny"]
    mark = morph_export.read(served, ASKED | {"frames": 202}).mark("film-strip")
    call = endpoints.drawing(_bundles())["interpolate"]
    with patch.object(morph_export, "MOST_STRIP_PIXELS", 100 * 256 * 256):
        told = [_film(format=form, frames=200) for form in ("film-strip", "png-strip")]
        told.append(_said(lambda: call([1, 2], "tiny", frames=201, format="png-strip")))
        return "\n".join([*told, _said(lambda: drawn_here(served, mark))])


@case(ROOM, "a film for a full disk")
def _full(folder: Path) -> str:
    with patch.object(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 0)):  # type: ignore[attr-defined]
        return _film()


@case(ROOM, "an address with times that are no numbers")
def _address(folder: Path) -> str:
    told = []
    with TestClient(Starlette(routes=live.routes(_bundles()))) as client:
        for words in ("times=0,x,2&seconds=4", "easing=in,bounce,out"):
            answer = client.get(f"/live/tiny/morph?keys=1,2,3&{words}")
            told.append(f"{answer.status_code}: {answer.text}")
    return "\n".join(told)


@case(ROOM, "a call for too many frames")
def _call(folder: Path) -> str:
    interpolate = endpoints.drawing(_bundles())["interpolate"]
    return _said(lambda: interpolate([1, 2], "tiny", seconds=30, frames_per_second=50))
