"""Films: their frames and length, times and easings, the map's own places, limits, and memory that does not grow."""

import base64
import io
import json
import shutil
import weakref
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import Busy, InputError, UserError
from bundle.marks import xmp
from bundle.marks.verify import finding
from demo.routes import explore
from demo.routes.live import routes
from demo.routes.marked_pictures import drawn_here
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import export_job, morph_export
from demo.tabs.morph.export_job import exported
from tests.demo.tabs.morph.test_morph_export import ASKED, apart, file_of

FILM = ASKED | {"frames": None, "seconds": 2, "times": [0, 0.5, 1.75], "easing": ["smooth", "linear", "out"]}


def shown(data: bytes) -> tuple[list[np.ndarray], list[int]]:
    """The frames of a file and how long each is shown, in milliseconds."""
    with Image.open(io.BytesIO(data)) as file:
        frames = [
            (np.asarray(one.convert("L"))[4::8, 4::8], one.info["duration"]) for one in ImageSequence.Iterator(file)
        ]
    return [frame for frame, _ in frames], [pause for _, pause in frames]


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
@pytest.mark.parametrize("form", ["webp", "gif"])
def test_a_film_has_exactly_its_frames_and_its_length(bundles: dict[str, ServedBundle], form: str, fps: int):
    """GIF counts in hundredths of a second, and holds 50 frames a second at most."""
    data, last = file_of(bundles, **FILM | {"fps": fps, "format": form, "keys": [3, 3, 3], "classes": None})
    frames, pauses = shown(data)  # all of them the same picture, which other writers would join
    assert len(frames) == 2 * min(fps, 50 if form == "gif" else fps) and sum(pauses) == 2000
    assert max(pauses) - min(pauses) <= (10 if form == "gif" else 1)
    assert f"{len(frames)} frames" in last["about"]


def test_a_timed_film_is_drawn_again_from_its_mark_and_from_its_path(bundles: dict[str, ServedBundle]):
    served = bundles["tiny"]
    for form in ("webp", "gif", "png-strip", "film-strip"):
        more = {"frames": 9, "seconds": 2} if "strip" in form else {}
        data, _ = file_of(bundles, **FILM | {"fps": 24, "format": form} | more)
        found = finding(data, xmp.read(data), served, redraw=drawn_here)
        assert found.again == "same" and found.mark and found.mark.state, found.sentences
        assert found.mark.state["times"] == [0, 0.5, 1.75] and found.mark.state["easing"] == ["smooth", "linear", "out"]
        assert len(xmp.block(found.mark)) < xmp.LONGEST
    short = {"frames": 8, "seconds": None, "fps": 20, "times": [0, 0.1, 0.3]}  # of 0.4 s
    data, _ = file_of(bundles, **FILM | short | {"format": "film-strip"})
    assert finding(data, xmp.read(data), served, redraw=drawn_here).again == "same"
    data, _ = file_of(bundles, **FILM | {"fps": 24, "format": "zip", "m": "vae"})
    with zipfile.ZipFile(io.BytesIO(data)) as archive, TestClient(Starlette(routes=routes(bundles))) as client:
        path = json.loads(archive.read("path.json"))
        assert len(path["files"]) == 48 and (path["seconds"], path["times"]) == (2.0, [0, 0.5, 1.75])
        for i in (5, 20, 47):
            png = archive.read(path["files"][i])
            assert finding(png, xmp.read(png), served).again == "same"
            answer = client.get("/" + path["live"].format(p=path["shares"][i]))
            frame = np.asarray(Image.open(io.BytesIO(png)))
            assert apart(np.asarray(Image.open(io.BytesIO(answer.content))), frame) <= 1


def test_a_path_on_the_map_is_the_map_s_own_pictures(bundles: dict[str, ServedBundle]):
    served = bundles["tiny"]
    places = [(0.5, -0.25), (-1.0, 0.5), (0.0, 1.0)]
    asked = FILM | {"m": "vae", "keys": [["pca", *place] for place in places], "classes": None, "fps": 24}
    data, last = file_of(bundles, **asked | {"format": "zip", "times": [0, 0.5, 1.5]})
    assert last["name"] == "tiny-morph-pca_0.5_-0.25-pca_-1_0.5-pca_0_1.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive, TestClient(Starlette(routes=explore.routes(bundles))) as client:
        for i, (x, y) in zip((0, 12, 36), places, strict=True):  # 24 frames a second
            frame = np.asarray(Image.open(io.BytesIO(archive.read(f"frame-{i:03}.png"))))
            png = archive.read(f"frame-{i:03}.png")
            assert finding(png, xmp.read(png), served).again == "same"
            there = client.get(f"/live/tiny/map?mapx={x}&mapy={y}&f=raw").content
            assert apart(frame, np.frombuffer(there, np.uint8).reshape(frame.shape)) <= 1


def test_a_long_file_comes_in_parts(bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch):
    whole, _ = file_of(bundles, **FILM | {"fps": 24, "format": "zip"})
    monkeypatch.setattr(export_job, "PART", 3000)
    *reports, last = exported(bundles["tiny"], FILM | {"fps": 24, "format": "zip"})
    parts = [base64.b64decode(report["part"]) for report in reports if "part" in report]
    assert b"".join(parts) == whole and len(parts) > 3 and "href" not in last and last["bytes"] == len(whole)


def test_a_film_outlasts_a_crowd(bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch):
    """A part that is refused is drawn a little later; where that goes on, the film ends with the sentence."""
    calls, crowded = [], {3, 4}
    whole = ServedBundle.morph_at

    def refused(self: ServedBundle, keys, shares, *rest: object) -> np.ndarray:
        calls.append(shares[0])
        if len(calls) in crowded:
            raise Busy("Too many.")
        return whole(self, keys, shares, *rest)

    asked = FILM | {"fps": 24, "format": "zip"}
    alone, _ = file_of(bundles, **asked)
    monkeypatch.setattr(ServedBundle, "morph_at", refused)
    monkeypatch.setattr(export_job, "WAITS", (0.01, 0.01))
    assert file_of(bundles, **asked)[0] == alone and calls[2] == calls[3] == calls[4]
    crowded.update(range(1, 1000))
    with pytest.raises(Busy, match="Too many"):
        file_of(bundles, **asked)


def test_a_film_beyond_the_limits_is_refused_or_stopped(
    bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch
):
    asked = FILM | {"fps": 60, "format": "webp", "seconds": 600, "times": None}
    with monkeypatch.context() as patch:
        patch.setattr(morph_export, "MOST_PIXELS", 1000 * 256 * 256)
        with pytest.raises(InputError, match="of 256 x 256 pixels has at most 1000 frames, not 36000: make it shorter"):
            exported(bundles["tiny"], asked)
    with monkeypatch.context() as patch:
        patch.setattr(export_job, "MOST_BYTES", 5000)
        with pytest.raises(InputError, match="grew beyond 300 MB: make the film shorter, or ask for MP4"):
            list(exported(bundles["tiny"], asked))
    free = shutil.disk_usage("/")._replace(free=10_000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: free)
        with pytest.raises(UserError, match="The disk of this server has too little room"):
            exported(bundles["tiny"], asked)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: free._replace(free=30_000_000))
        exported(bundles["tiny"], FILM | {"format": "webp", "frames": 10, "seconds": None, "times": None}).close()


def test_a_film_takes_no_more_memory_for_more_frames(bundles: dict[str, ServedBundle]):
    """No more than a few frames are alive at a time."""
    alive: set[int] = set()
    most = 0

    def counted(morph: morph_export.Morph) -> Iterator[np.ndarray]:
        nonlocal most
        for i, frame in enumerate(frame for part in morph.parts() for frame in part):
            own = frame.copy()
            alive.add(i)
            weakref.finalize(own, alive.discard, i)
            most = max(most, len(alive))
            yield own

    morph = morph_export.read(bundles["tiny"], FILM | {"fps": 24})
    for form in ("webp", "gif", "zip"):
        morph_export.write(morph, counted(morph), form, io.BytesIO())
    assert 1 <= most <= 4
