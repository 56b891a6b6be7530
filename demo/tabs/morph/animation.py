"""Frames as one looping file: animated WebP or GIF, or a strip of them as PNG."""

import io
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from PIL import Image

from bundle import images
from bundle.errors import InputError

Format = Literal["webp", "gif", "png-strip"]


def encode(
    frames: np.ndarray,
    fmt: Format,
    ms: int = 50,
    size: int = 256,
    turn: Callable[[], None] = lambda: None,
) -> bytes:
    """Frames uint8 [N, H, W, C], enlarged to about `size` pixels, as one endlessly looping file.

    "webp" is lossless; "gif" is exact for grey pictures and reduced to 256 colours otherwise, its times are
    multiples of 10 ms; "png-strip" puts the frames side by side. InputError for another format. `turn` is called
    before each frame of webp and gif but the first, and may raise to end the writing.
    """
    large = images.upscale(frames, size)
    if fmt == "png-strip":
        return images.png(images.sheet(large, len(large)))
    if fmt not in ("webp", "gif"):
        raise InputError(f"Unknown format '{fmt}': choose webp, gif or png-strip.")
    first, *rest = (images.to_pillow(frame) for frame in large)
    others: list[Any] = [_Turn(frame, turn) for frame in rest]
    buffer = io.BytesIO()
    if fmt == "webp":
        first.save(buffer, "WEBP", save_all=True, append_images=others, duration=ms, loop=0, lossless=True, method=2)
    else:
        first.save(buffer, "GIF", save_all=True, append_images=others, duration=ms, loop=0)
    return buffer.getvalue()


class _Turn:
    """A frame for Pillow's list of frames. Pillow calls `seek` before it writes a frame, and that calls `turn`."""

    def __init__(self, picture: Image.Image, turn: Callable[[], None]):
        self._picture, self._turn = picture, turn

    def seek(self, frame: int) -> None:
        self._turn()
        self._picture.seek(frame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)
