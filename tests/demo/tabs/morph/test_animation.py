"""Looping files hold every frame as it was drawn."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle import images
from bundle.errors import InputError
from bundle.marks import TRAINED, Mark
from demo.tabs.morph import animation, video

rng = np.random.default_rng(5)
MARK = Mark(source=TRAINED)
GREY = rng.integers(0, 256, (32, 32, 1), dtype=np.uint8)
COLOUR = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_the_last_line_of_a_long_log_is_the_last_one(tmp_path: Path):
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"[libx264 @ 0x1] a warning of sixty letters, more or less\n" * 90)
        log.write(b"Error writing trailer: No space left on device\n")
        assert video._last_line(log) == "Error writing trailer: No space left on device"


@pytest.mark.parametrize(("fmt", "shape"), [("webp", GREY.shape), ("webp", COLOUR.shape), ("gif", GREY.shape)])
def test_animations_keep_every_frame_exactly(fmt: str, shape: tuple[int, ...]):
    frames = rng.integers(0, 256, (5, *shape), dtype=np.uint8)
    with Image.open(io.BytesIO(animation.encode(frames, fmt, ms=40, size=64, mark=MARK))) as opened:
        assert opened.n_frames == 5 and opened.info["loop"] == 0
        for i, frame in enumerate(frames):
            opened.seek(i)
            opened.load()
            assert opened.info["duration"] == 40
            shown = np.asarray(opened.convert("RGB"))
            assert (shown == np.broadcast_to(images.upscale(frame, 64), shown.shape)).all()


def test_an_animation_of_one_frame():
    for fmt in ("webp", "gif"):
        with Image.open(io.BytesIO(animation.encode(GREY[None], fmt, mark=MARK))) as opened:
            assert opened.size == (256, 256)


def test_strip_lays_frames_side_by_side():
    frames = np.stack([GREY, 255 - GREY])
    with Image.open(io.BytesIO(animation.encode(frames, "png-strip", size=32, mark=MARK))) as opened:
        assert (np.asarray(opened) == np.concatenate([GREY, 255 - GREY], axis=1)[..., 0]).all()


def test_unknown_animation_format():
    with pytest.raises(InputError, match="webp, gif or png-strip"):
        animation.encode(GREY[None], "mov", mark=MARK)
