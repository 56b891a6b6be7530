"""Pictures in and out: safe decoding of uploads, encoding, sheets, animations, and picture errors.

Two forms only. "image": float32 [N, C, H, W] in [0, 1], what the graphs take and give. "picture": uint8
[H, W, C] (many: [N, H, W, C]) with C = 1 or 3, what files and screens take.
"""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from bundle.errors import ImageError, InputError

MAX_PIXELS = 8_000_000
MAX_UPLOAD_BYTES = 5_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what Pillow may try; its other parsers are never reached
AnimationFormat = Literal["webp", "gif", "png-strip"]

# What Pillow's parsers raise for broken files.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)


def decode(source: Path | bytes, channels: int, size: int) -> np.ndarray:
    """An uploaded picture as image [1, channels, size, size], float32 in [0, 1].

    The first frame, turned upright, fitted to the square as train/data/dataset.py fits the training pictures.
    Transparency is laid on white for colour models and on black for grey ones, whose pictures are bright
    strokes on black. ImageError for files that are no picture, broken, or too large; the declared size is
    checked before decoding.
    """
    data = _read_limited(source)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            _check_size(*opened.size)
            picture = ImageOps.exif_transpose(_to_eight_bits(opened))
            pixels = _fit(_flatten(picture, channels), size)
    except Image.DecompressionBombError as error:
        raise ImageError(_too_many_pixels()) from error
    except _BROKEN as error:
        raise ImageError("This file is not a picture that can be read; use PNG, JPEG, WebP or GIF.") from error
    return from_uint8(pixels.reshape(1, size, size, channels))


def _read_limited(source: Path | bytes) -> bytes:
    too_large = f"The file is too large: at most {MAX_UPLOAD_BYTES // 1_000_000} MB are accepted."
    if isinstance(source, bytes):
        if len(source) > MAX_UPLOAD_BYTES:
            raise ImageError(too_large)
        return source
    try:
        with source.open("rb") as file:
            data = file.read(MAX_UPLOAD_BYTES + 1)
    except OSError as error:
        raise ImageError("The picture file cannot be opened.") from error
    if len(data) > MAX_UPLOAD_BYTES:
        raise ImageError(too_large)
    return data


def _too_many_pixels() -> str:
    return f"The picture has too many pixels: at most {MAX_PIXELS // 1_000_000} million are accepted."


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels())


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow clips 16-bit grey to 255 when it converts; scale it where it goes beyond. Keeps EXIF for the next step."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture, dtype=np.float64)
    if values.max() > 255:
        values = values / 257
    grey = Image.fromarray(values.clip(0, 255).round().astype(np.uint8))
    grey.info = {key: value for key, value in picture.info.items() if key == "exif"}
    return grey


def _flatten(picture: Image.Image, channels: int) -> Image.Image:
    """Mode L or RGB, without transparency."""
    mode, paper = ("L", "black") if channels == 1 else ("RGB", "white")
    if not picture.has_transparency_data:
        return picture.convert(mode)
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer).convert(mode)


def _fit(picture: Image.Image, size: int) -> np.ndarray:
    """Pixels [size, size(, 3)]. A picture that fills three quarters of the square or more is padded with its
    border, so that it keeps its pixels; any other is cropped to its central square and resized."""
    width, height = picture.size
    if not (0.75 * size <= min(width, height) and max(width, height) <= size):
        return np.asarray(ImageOps.fit(picture, (size, size), method=Image.Resampling.LANCZOS))
    left, top = (size - width) // 2, (size - height) // 2
    margins = [(top, size - height - top), (left, size - width - left)]
    values = np.asarray(picture)
    return np.pad(values, margins + [(0, 0)] * (values.ndim - 2), mode="edge")


# --- out -----------------------------------------------------------------------------------------


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Image [N, C, H, W] in [0, 1] → pictures uint8 [N, H, W, C]; a byte is round(255 x)."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def from_uint8(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, H, W, C] → image [N, C, H, W] float32 in [0, 1]."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)


def png(picture: np.ndarray, level: int = 6) -> bytes:
    """A picture uint8 [H, W, C] as PNG bytes; `level` 0 (fast) to 9 (small)."""
    buffer = io.BytesIO()
    _pillow(picture).save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def sheet(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures [N, H, W, C] side by side, row by row, without gaps; the last row is filled up with black."""
    count, height, width, depth = pictures.shape
    rows = -(-count // columns)
    blank = np.zeros((rows * columns - count, height, width, depth), dtype=pictures.dtype)
    grid = np.concatenate([pictures, blank]).reshape(rows, columns, height, width, depth)
    return grid.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, depth)


def tiled(image: np.ndarray, columns: int) -> np.ndarray:
    """Images [N, C, H, W] side by side, row by row, as one image [1, C, rows H, columns W]; filled up with 0."""
    count, depth, height, width = image.shape
    rows = -(-count // columns)
    blank = np.zeros((rows * columns - count, depth, height, width), image.dtype)
    grid = np.concatenate([image, blank]).reshape(rows, columns, depth, height, width)
    return grid.transpose(2, 0, 3, 1, 4).reshape(1, depth, rows * height, columns * width)


def upscale(pictures: np.ndarray, size: int = 256) -> np.ndarray:
    """Pictures [..., H, W, C] enlarged by whole pixels to a height of about `size`; never made smaller."""
    factor = max(1, round(size / pictures.shape[-3]))
    return pictures.repeat(factor, axis=-3).repeat(factor, axis=-2)


def animation(
    frames: np.ndarray,
    fmt: AnimationFormat,
    ms: int = 50,
    size: int = 256,
    turn: Callable[[], None] = lambda: None,
) -> bytes:
    """Frames uint8 [N, H, W, C], enlarged to about `size` pixels, as one endlessly looping file.

    "webp" is lossless; "gif" is exact for grey pictures and reduced to 256 colours otherwise, its times are
    multiples of 10 ms; "png-strip" puts the frames side by side. InputError for another format. `turn` is called
    before each frame of webp and gif but the first, and may raise to end the writing.
    """
    large = upscale(frames, size)
    if fmt == "png-strip":
        return png(sheet(large, len(large)))
    if fmt not in ("webp", "gif"):
        raise InputError(f"Unknown format '{fmt}': choose webp, gif or png-strip.")
    first, *rest = (_pillow(frame) for frame in large)
    rest = [_Turn(frame, turn) for frame in rest]
    buffer = io.BytesIO()
    if fmt == "webp":
        first.save(buffer, "WEBP", save_all=True, append_images=rest, duration=ms, loop=0, lossless=True, method=2)
    else:
        first.save(buffer, "GIF", save_all=True, append_images=rest, duration=ms, loop=0)
    return buffer.getvalue()


class _Turn:
    """A frame for Pillow's list of frames: Pillow seeks each before it writes it, and `turn` hears of that."""

    def __init__(self, picture: Image.Image, turn: Callable[[], None]):
        self._picture, self._turn = picture, turn

    def seek(self, frame: int) -> None:
        self._turn()
        self._picture.seek(frame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)


def _pillow(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


# --- how far two images are apart ----------------------------------------------------------------


def mse(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Mean squared error [N] of images [N, C, H, W]; with a mask [1 or N, 1, H, W], over its 1s only."""
    squared = np.square(a.astype(np.float64) - b)
    if mask is None:
        return squared.mean(axis=(1, 2, 3))
    weights = np.broadcast_to(mask, squared.shape).astype(np.float64)
    return (squared * weights).sum(axis=(1, 2, 3)) / np.maximum(weights.sum(axis=(1, 2, 3)), 1.0)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two images in [0, 1], in dB; infinite when they are equal."""
    error = float(mse(a, b).mean())
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity of two images [N, C, H, W] in [0, 1] (Wang et al. 2004).

    Gaussian window 11 x 11 with sigma 1.5, where it fits whole; images must measure 11 pixels or more.
    """
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x, var_y = _window_mean(x * x) - mean_x**2, _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())


def _window_mean(image: np.ndarray) -> np.ndarray:
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()
    for axis in (2, 3):
        image = np.lib.stride_tricks.sliding_window_view(image, 11, axis=axis) @ window
    return image
