"""Morphs: keys between seeds, every exported form against the model's own pictures, refusals, and an end at once."""

import base64
import errno
import io
import json
import stat
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.errors import InputError, UserError
from bundle.latents import MapPoint, one_hot
from bundle.marks import TRAINED, Mark
from bundle.model import MORPH_PART
from bundle.paths import path_shares
from demo.routes.live import routes
from demo.serving.batching import Caller, caller, on_behalf_of
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import keyframes, morph_export, video
from demo.tabs.morph.export_job import exported
from tests.support.waiting import wait_until

ASKED = {
    "b": "tiny", "m": "gan", "t": 0.9, "keys": [3, [7.25, 0.5], 2**32 - 1], "classes": [3, None, 1], "path": "spline",
    "loop": True, "frames": 14, "fps": 20,
}  # fmt: skip
MARK = Mark(source=TRAINED)
ROWS = np.stack([one_hot(c, 10) for c in (3, 7, 1)])  # the point's corner is seed 7


def drawn(served: ServedBundle, model: str = "gan") -> np.ndarray:
    """What the file must hold, uint8 [14, 32, 32, 1], in one run instead of several."""
    shares = path_shares(14, True)
    return images.to_uint8(served.morph_at([3, (7.25, 0.5), 2**32 - 1], shares, ROWS, "spline", True, 0.9, model))


def unmarked(data: bytes) -> bytes:
    """What the encoder wrote, without the box of the mark behind it."""
    return data[: data.rindex(b"uuid") - 4]


def file_of(bundles: dict[str, ServedBundle], **changes: object) -> tuple[bytes, dict]:
    asked = ASKED | changes
    *reports, last = exported(bundles[asked["b"]], asked)
    progress = [report["progress"] for report in reports]
    assert progress == sorted(progress) and progress[-1] <= 1
    data = base64.b64decode(last["href"].partition(",")[2])
    assert len(data) == last["bytes"]
    return data, last


def apart(found: np.ndarray, expected: np.ndarray) -> int:
    return int(np.abs(found.astype(int) - expected.astype(int)).max())


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_a_key_between_seeds_is_the_picture_that_play_shows_there(bundles: dict[str, ServedBundle], model: str):
    served = bundles["tiny"]
    ends = path_shares(2, False)
    frames = images.to_uint8(served.morph_at([(7.25, 0.5), 3], ends, ROWS[:2], "linear", False, 0.8, model))
    there = images.to_uint8(served.at(7.25, 0.5, ROWS[0], 0.8, model))
    assert apart(frames[:1], there) <= 1
    whole = served.morph_at([(5.0, 0.0), 3], ends, None, "linear", False, 0.8, model)
    seeds = served.morph_at([5, 3], ends, None, "linear", False, 0.8, model)
    assert (whole == seeds).all()  # (x, 0) is seed x, class too


def test_the_live_route_takes_points_and_shows_what_the_export_holds(bundles: dict[str, ServedBundle]):
    with TestClient(Starlette(routes=routes(bundles))) as client:
        for i, frame in enumerate(drawn(bundles["tiny"])[::5]):
            query = f"keys=3,7.25:0.5,4294967295&classes=3,,1&path=spline&loop=1&t=0.9&p={5 * i / 14!r}&f=raw"
            answer = client.get(f"/live/tiny/morph?{query}")
            assert apart(np.frombuffer(answer.content, np.uint8).reshape(32, 32, 1), frame) <= 1
        for wrong in (
            "1:2:3",
            "nan:1",
            "1:",
            "1e9:0",
            ":",
            "1:inf",
            "٣:1",
            "1" * 50 + ":1",
            "pca:1",
            "1," * 16 + "7:0.5",
        ):
            answer = client.get(f"/live/tiny/morph?keys={wrong}")
            assert answer.status_code == 400 and answer.text.endswith(".") and len(answer.text) < 200, wrong


def test_keys_as_text_come_back():
    keys = [0, 2**32 - 1, (7.25, 0.5), (-3.1, -2.0), (1e-05, 1e6)]
    far, near = -12345.678901234567, -1.2345678901234567e-05  # as long as they get
    keys += [(far, near), MapPoint("pca", far / 10, near)]
    assert keyframes.from_text(",".join(map(keyframes.text, keys))) == keys


def test_the_address_in_a_path_draws_its_frames_to_the_last_digit(bundles: dict[str, ServedBundle]):
    places = [["pca", 1.2345678901234567, -0.12345678901234568], [-0.12345678901234568, -1.2345678901234567e-05]]
    asked = ASKED | {"m": "vae", "keys": [*places, 3], "t": 0.123456789, "bend": {}}
    address = morph_export.read(bundles["tiny"], asked).path_file()["live"]
    assert "&t=0.123456789&" in address
    with TestClient(Starlette(routes=routes(bundles))) as client:
        assert client.get("/" + address.format(p=0.25)).status_code == 200


# --- files ---------------------------------------------------------------------------------------


def test_webp_and_gif_hold_the_pictures_of_the_studio(bundles: dict[str, ServedBundle]):
    for form in ("webp", "gif"):
        data, last = file_of(bundles, format=form)
        assert last["name"] == f"tiny-morph-3-7.25_0.5-4294967295.{form}"
        with Image.open(io.BytesIO(data)) as file:
            assert (file.n_frames, file.size, file.info["loop"]) == (14, (256, 256), 0)
            durations, frames = [], []
            for frame in ImageSequence.Iterator(file):
                frames.append(np.asarray(frame.convert("L"))[4::8, 4::8, None])
                durations.append(frame.info["duration"])
        assert (np.stack(frames) == drawn(bundles["tiny"])).all()
        assert durations == [50] * 14


def test_a_zip_draws_itself_again(bundles: dict[str, ServedBundle]):
    data, _ = file_of(bundles, format="zip", m="vae")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        path = json.loads(archive.read("path.json"))
        assert set(archive.namelist()) == {"path.json", *path["files"]} and len(path["files"]) == 14
        frames = [np.asarray(Image.open(io.BytesIO(archive.read(name))))[..., None] for name in path["files"]]
    assert (np.stack(frames) == drawn(bundles["tiny"], "vae")).all()
    served = bundles[path["bundle"]]  # from here on only what the file says
    assert path["bundle_version"] == served.engine.bundle.version and path["frames_per_second"] == 20
    keys = [key["seed"] if "seed" in key else (key["x"], key["y"]) for key in path["keys"]]
    rows = np.stack([one_hot(key["class"], served.class_count) for key in path["keys"]])
    again = served.morph_at(
        keys, np.array(path["shares"]), rows, path["path"], path["loop"], path["truncation"], path["model"]
    )
    assert (images.to_uint8(again) == np.stack(frames)).all()
    assert path["shares"] == path_shares(path["frames"], path["loop"]).tolist()
    with TestClient(Starlette(routes=routes(bundles))) as client:
        answer = client.get("/" + path["live"].format(p=path["shares"][9]))
        assert apart(np.asarray(Image.open(io.BytesIO(answer.content))), frames[9][..., 0]) <= 1
    assert file_of(bundles, format="zip", m="vae")[0] == data  # same wish, same bytes


# --- MP4 -----------------------------------------------------------------------------------------

ENCODER = """#!/usr/bin/env python3
import pathlib, sys, time
if "-encoders" in sys.argv:
    print(" V....D {encoder}           H.264 / AVC")
    sys.exit()
(pathlib.Path(__file__).parent / "asked").write_text("\\n".join(sys.argv[1:]))
{work}
"""
KEEP = "pathlib.Path(sys.argv[-1]).write_bytes(sys.stdin.buffer.read())"


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a program of this name on the PATH, which does `work` with the frames that it is given."""

    def install(work: str = KEEP, encoder: str = "libx264") -> Path:
        program = tmp_path / "ffmpeg"
        program.write_text(ENCODER.replace("{encoder}", encoder).replace("{work}", work))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(video, "program", lambda: str(program))
        return tmp_path / "asked"

    return install


def test_the_encoder_gets_every_pixel_in_an_even_size(bundles: dict[str, ServedBundle], ffmpeg: Callable[..., Path]):
    asked = ffmpeg()
    data, last = file_of(bundles, format="mp4")
    frames = np.frombuffer(unmarked(data), np.uint8).reshape(14, 256, 256, 3)
    assert (frames[:, ::8, ::8, :1] == drawn(bundles["tiny"])).all() and (frames[..., :1] == frames).all()
    words = asked.read_text().split("\n")
    assert words[words.index("-s") + 1] == "256x256" and words[words.index("-r") + 1] == "20"
    assert words[words.index("-c:v") + 1] == "libx264" and "yuv420p" in words[words.index("-vf") + 1]
    assert last["name"].endswith(".mp4") and last["href"].startswith("data:video/mp4;base64,")
    odd = np.arange(2 * 257 * 257, dtype=np.uint8).reshape(2, 257, 257, 1)
    padded = np.frombuffer(unmarked(video.encode(odd, 7, mark=MARK)), np.uint8).reshape(2, 258, 258, 3)
    assert (padded[:, :257, :257, :1] == odd).all() and (padded[:, 257] == padded[:, 256]).all()


@pytest.mark.parametrize(
    ("work", "encoder", "words"),
    [
        ("sys.stdin.buffer.read(); sys.exit('No space left on device')", "libx264", "No space left on device"),
        ("sys.exit(1)", "libx264", "with status 1 and does not say why"),
        ("import os; os.kill(os.getpid(), 9)", "libx264", "the system stopped it, perhaps for want of memory"),
        ("import os; os.kill(os.getpid(), 15)", "libx264", "by signal 15"),
        ("sys.stdin.buffer.read()", "libx264", "wrote no file"),
        (KEEP, "mpeg2video", "has no H.264 encoder"),
    ],
)
def test_an_encoder_that_fails_is_told_of(
    bundles: dict[str, ServedBundle], ffmpeg, work: str, encoder: str, words: str
):
    ffmpeg(work, encoder)
    with pytest.raises(UserError, match=words):
        file_of(bundles, format="mp4")


def test_an_encoder_that_fails_on_windows_is_told_of(
    bundles: dict[str, ServedBundle], ffmpeg, monkeypatch: pytest.MonkeyPatch
):
    """Writing to a process that has ended is EINVAL there, and no broken pipe."""

    class Ended(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.EINVAL, "Invalid argument")

    class Process(subprocess.Popen):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            if self.stdin:
                self.stdin.close()
                self.stdin = Ended()

    ffmpeg("sys.exit('No space left on device')")
    monkeypatch.setattr(subprocess, "Popen", Process)
    with pytest.raises(UserError, match=r"ffmpeg ended before the last frame \(No space left on device\)"):
        file_of(bundles, format="mp4")


def test_without_an_encoder_the_way_to_one_is_told(bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(video, "program", lambda: None)
    assert "pip install imageio-ffmpeg" in video.missing()
    with pytest.raises(UserError, match="pip install imageio-ffmpeg"):
        file_of(bundles, format="mp4")


def test_a_real_encoder_keeps_the_pictures(bundles: dict[str, ServedBundle], tmp_path: Path):
    """Decoded again, every frame is within what the eight bits of video range lose."""
    data, _ = file_of(bundles, format="mp4")
    (tmp_path / "morph.mp4").write_bytes(data)
    decode = [video.program(), "-loglevel", "error", "-i", str(tmp_path / "morph.mp4"), "-f", "rawvideo", "-pix_fmt"]
    raw = subprocess.run([*decode, "gray", "pipe:1"], capture_output=True, check=True, timeout=60).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(14, 256, 256).astype(int)
    assert np.abs(frames[:, 4::8, 4::8, None] - drawn(bundles["tiny"])).mean() < 3


# --- refusals and the end -------------------------------------------------------------------------

REFUSALS = [
    ({"keys": [1]}, "Seeds must be a list of 2 to 16"),
    ({"keys": list(range(17))}, "Seeds must be a list of 2 to 16"),
    ({"keys": "0,1"}, "Seeds must be a list"),
    ({"keys": None}, "Seeds must be a list"),
    ({"keys": [1, 2**32]}, "The seed must be a whole number"),
    ({"keys": [1, float("nan")]}, "The seed must be a whole number"),
    ({"keys": [1, [float("nan"), 0]]}, "The coordinate of a point must be a number"),
    ({"keys": [1, [1e9, 0]]}, "The coordinate of a point must be a number"),
    ({"keys": [1, [1, 2, 3]]}, "A point must be two numbers"),
    ({"keys": [1, {"x": 1}]}, "The seed must be a whole number"),
    ({"classes": [1, 2]}, "one class for each keyframe"),
    ({"classes": [1, 2, 10]}, "The class must be a whole number from 0 to 9"),
    ({"classes": "123"}, "one class for each keyframe"),
    ({"b": "plain"}, "Bundle 'plain' has no classes"),
    ({"m": "diffusion"}, "The model must be one of gan, vae"),
    ({"path": "zigzag"}, "The path must be one of"),
    ({"path": ["spline"]}, "The path must be one of"),
    ({"loop": "yes"}, "The loop must be true or false"),
    ({"t": float("nan")}, "The truncation must be a number"),
    ({"frames": 10**9}, "The number of frames must be a whole number from 2 to 240"),
    ({"frames": 1}, "The number of frames must be a whole number from 2 to 240"),
    ({"frames": float("inf")}, "The number of frames"),
    ({"fps": 0}, "The number of frames a second"),
    ({"fps": 61}, "The number of frames a second must be a whole number from 1 to 60"),
    ({"frames": None, "seconds": 1}, "The length in seconds must be a number from 2 to 600"),
    ({"frames": None, "seconds": 601}, "The length in seconds must be a number from 2 to 600"),
    ({"frames": None, "seconds": float("nan")}, "The length in seconds must be a number from 2 to 600"),
    ({"frames": None, "seconds": 0}, "The number of frames must be a whole number from 2 to 240"),
    ({"times": [0, 1]}, "one time for each keyframe"),
    ({"times": [0, 2, 1], "seconds": 4}, "rise by 0.05 seconds"),
    ({"times": [0, 1, 5], "seconds": 4}, "after the end of the film"),
    ({"times": [0, 1, 5], "seconds": 4, "loop": False}, "after the end of the film"),
    ({"times": [0, 1, "2"], "seconds": 4}, "The time of a keyframe must be a number"),
    ({"times": {"0": 1}, "seconds": 4}, "must be a list of at most 16 numbers"),
    ({"easing": "smooth"}, "The easing must be a list of words"),
    ({"easing": ["in", "out", 3]}, "Unknown easing '3'"),
    ({"keys": [1, ["pca", 0, 0]], "classes": None}, "is a picture of the VAE"),
    ({"keys": [1, ["tsne", 0, 0]]}, "The map must be one of pca, lda"),
    ({"keys": [1, ["pca", 0, float("inf")]]}, "The coordinate of a place on the map must be a number"),
    ({"format": "exe"}, "The format must be one of"),
    ({"format": None}, "The format must be one of"),
]


def test_older_requests_and_scripts_know_the_path_as_the_mode(bundles: dict[str, ServedBundle]):
    asked = ASKED | {"frames": 4, "mode": "spline"}
    older = morph_export.read(bundles["tiny"], {name: value for name, value in asked.items() if name != "path"})
    assert older.path_file()["mode"] == older.path_file()["path"] == "spline"


@pytest.mark.parametrize(("changes", "sentence"), REFUSALS)
def test_wrong_wishes_get_a_sentence(bundles: dict[str, ServedBundle], changes: dict, sentence: str):
    with pytest.raises(InputError) as refused:
        asked = ASKED | {"format": "gif"} | changes
        exported(bundles[asked["b"]], asked)
    assert sentence in str(refused.value)


def test_who_gives_up_ends_the_drawing(bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch):
    """Closing the reports sets the caller's `gone`: nothing is drawn for him after that."""
    calls, callers, entered = [], [], threading.Event()
    whole = ServedBundle.morph_at

    def slow(self: ServedBundle, keys, shares, *rest: object) -> np.ndarray:
        calls.append(len(shares))
        callers.append(caller())
        if len(calls) == 2:
            entered.set()
            assert callers[-1].gone.wait(20)
        return whole(self, keys, shares, *rest)

    monkeypatch.setattr(ServedBundle, "morph_at", slow)
    reports = exported(bundles["tiny"], ASKED | {"frames": 240, "format": "zip"})
    next(reports)
    assert entered.wait(20)
    assert next(reports)["done"] == MORPH_PART
    before = threading.active_count()
    reports.close()
    wait_until(lambda: threading.active_count() < before)
    assert calls == [MORPH_PART] * 2  # of sixty


@pytest.mark.parametrize("work", ["sys.stdin.buffer.read(); time.sleep(20)", "time.sleep(20)"])
def test_an_encoder_that_takes_too_long_is_stopped_and_said_to_be(
    work: str, ffmpeg: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    """After the last frame, and while frames are still written."""
    ffmpeg(f"import time; {work}")
    monkeypatch.setattr(video, "STALLED_SECONDS", 0.3)
    with pytest.raises(UserError, match="did nothing for 120 s and was stopped; ask for fewer frames, or for WebP"):
        video.encode(np.zeros((12, 256, 256, 1), np.uint8), 10, mark=MARK)


def test_an_export_draws_in_its_visitor_s_turn(bundles: dict[str, ServedBundle], monkeypatch: pytest.MonkeyPatch):
    """So a visitor's three films count as his three requests, beside another's picture."""
    visitors = set()
    whole = ServedBundle.morph_at

    def noted(self: ServedBundle, *rest) -> np.ndarray:
        visitors.add(caller().visitor)
        return whole(self, *rest)

    monkeypatch.setattr(ServedBundle, "morph_at", noted)
    with on_behalf_of(Caller.of_now("203.0.113.1")):
        reports = exported(bundles["tiny"], ASKED | {"frames": 4, "format": "zip"})
    assert list(reports)[-1]["format"] == "zip" and visitors == {"203.0.113.1"}


@pytest.mark.parametrize("form", ["webp", "gif", "zip", "mp4"])
def test_who_gives_up_ends_the_writing(bundles: dict[str, ServedBundle], form: str, ffmpeg: Callable[..., Path]):
    ffmpeg()

    class Enough(Exception):
        pass

    def turns() -> Iterator[None]:
        yield
        yield
        raise Enough

    heard = turns()
    morph = morph_export.read(bundles["tiny"], ASKED | {"frames": 40})
    frames = (frame for part in morph.parts() for frame in part)
    with pytest.raises(Enough):
        morph_export.write(morph, frames, form, io.BytesIO(), lambda size: next(heard))
    assert len(list(frames)) >= 36  # of forty: the writer took no more than it had to
