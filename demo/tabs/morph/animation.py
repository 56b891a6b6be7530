"""Frames as one looping file: animated WebP or GIF, or a strip of them as PNG."""

import io
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from PIL import Image

from bundle import images
from bundle.errors import InputError
from bundle.marks import Mark, formats, xmp

LoopFormat = Literal["webp", "gif", "png-strip"]


def encode(
    frames: np.ndarray,
    file_format: LoopFormat,
    ms: int = 50,
    size: int = 256,
    on_frame: Callable[[], None] = lambda: None,
    *,
    mark: Mark,
) -> bytes:
    """Frames uint8 [N, H, W, C], enlarged to about `size` pixels, as one endlessly looping file with its mark.

    "webp" is lossless; "gif" is exact for grey pictures and reduced to 256 colours otherwise, its times are
    multiples of 10 ms; "png-strip" puts the frames side by side. InputError for another format. `on_frame` is called
    before each frame of webp and gif but the first, and may raise to end the writing.
    """
    large = images.upscale(frames, size)
    if file_format == "png-strip":
        return formats.png(images.sheet(large, len(large)), mark)
    if file_format not in ("webp", "gif"):
        raise InputError(f"Unknown format '{file_format}': choose webp, gif or png-strip.")
    first, *rest = (images.to_pillow(frame) for frame in large)
    others: list[Any] = [_WatchedFrame(frame, on_frame) for frame in rest]
    buffer = io.BytesIO()
    if file_format == "webp":
        how: dict[str, Any] = {"lossless": True, "method": 2, "xmp": xmp.block(mark)}
        first.save(buffer, "WEBP", save_all=True, append_images=others, duration=ms, loop=0, **how)
        return buffer.getvalue()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=ms, loop=0)
    return formats.gif(buffer.getvalue(), mark)


class _WatchedFrame:
    """A frame for Pillow's list of frames. Pillow calls `seek` before it writes a frame, and that calls `on_frame`."""

    def __init__(self, picture: Image.Image, on_frame: Callable[[], None]):
        self._picture, self._on_frame = picture, on_frame

    def seek(self, frame: int) -> None:
        self._on_frame()
        self._picture.seek(frame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)
