"""The one way from a picture's file to a model's picture: decoded safely, 8 bits, upright, flat, of one size.

Training, evaluation, export and uploads all come through `frame`, so a model meets an upload as it met its training
pictures. A "picture" is uint8 [H, W, C] as in bundle/images.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageColor, ImageOps

from bundle.deep_pixels import EACH, eight_bits
from bundle.errors import ImageError, UserError
from bundle.picture_files import BROKEN, UPLOAD, Limits, opened
from bundle.schema import Bundle, Fit

Mode = Literal["L", "RGB"]
COLOUR_MODES = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"}
ARRAY_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# Where transparency is laid on unless a background is named: grey pictures are mostly bright strokes on black.
BACKGROUNDS: dict[Mode, str] = {"RGB": "#ffffff", "L": "#000000"}


@dataclass(frozen=True)
class Framing:
    """What every picture of a data set is brought to: height x width pixels of a mode, on a background (#rrggbb)."""

    mode: Mode
    height: int
    width: int
    fit: Fit
    background: str

    @property
    def channels(self) -> int:
        return 1 if self.mode == "L" else 3


def framing_of(info: Bundle) -> Framing:
    """How the pictures of a bundle's data set were framed."""
    mode: Mode = "L" if info.image.channels == 1 else "RGB"
    return Framing(mode, info.image.height, info.image.width, info.dataset.fit, paper(mode, info.dataset.background))


# --- from a file ---------------------------------------------------------------------------------


def decode(source: Path | bytes, framing: Framing, limits: Limits = UPLOAD) -> np.ndarray:
    """A picture file, given as path or as bytes -> the model's picture, uint8 [H, W, C]; of an animation the
    first frame. Raises ImageError for files that are no picture, broken, or beyond the limits."""
    return _framed(source, framing, framing.background, limits)


def decode_mask(source: Path | bytes, framing: Framing, limits: Limits = UPLOAD) -> np.ndarray:
    """A mask's file -> float32 [1, 1, H, W]: 1 where the file is bright, which is known, 0 where it is dark or
    transparent. It is framed as the picture is; what padding adds around it is known. Raises ImageError."""
    grey = Framing("L", framing.height, framing.width, framing.fit, "#ffffff")
    values = _framed(source, grey, BACKGROUNDS["L"], limits)
    return (values >= 127.5).astype(np.float32).reshape(1, 1, framing.height, framing.width)


def _framed(source: Path | bytes, framing: Framing, under: str, limits: Limits) -> np.ndarray:
    """`under`: the colour under transparent parts."""
    try:
        return sized(flat(upright(opened(_read(source, limits), limits), framing), framing.mode, under)[0], framing)
    except BROKEN as error:
        raise ImageError("This file is not a picture that can be read; use PNG, JPEG, WebP or GIF.") from error


def _read(source: Path | bytes, limits: Limits) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as file:
            return file.read(limits.bytes + 1)  # one more, so that `opened` sees what is too large
    except OSError as error:
        raise ImageError("The picture file cannot be opened.") from error


# --- from an array -------------------------------------------------------------------------------


def array_facts(values: np.ndarray) -> tuple[str, tuple[int, int], float]:
    """An array [H, W], [H, W, C] or [C, H, W] as (mode, (width, height), largest finite value).

    Raises ValueError for any other form.
    """
    values = channels_last(values)
    finite = values[np.isfinite(values)]
    return ARRAY_MODES[values.shape[2]], (values.shape[1], values.shape[0]), float(finite.max()) if finite.size else 0.0


def channels_last(values: np.ndarray) -> np.ndarray:
    """[H, W], [H, W, C] or [C, H, W] with up to four channels -> [H, W, C]. Raises ValueError for any other form."""
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(f"an array of shape {values.shape} is no picture")
    if values.ndim == 2:
        return values[:, :, None]
    if values.shape[2] in ARRAY_MODES:
        return values
    if values.shape[0] in ARRAY_MODES:
        return values.transpose(1, 2, 0)
    raise ValueError(f"an array of shape {values.shape} is no picture")


def from_array(values: np.ndarray, largest: int) -> Image.Image:
    """Numbers from 0 to `largest` (1 or 255), shaped as for `array_facts`, as a picture of mode L, LA, RGB or RGBA.

    Raises ValueError for NaN and for pixels outside the range.
    """
    values = channels_last(values).astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("NaN pixels")
    if values.min() < 0 or values.max() > largest:
        raise ValueError(f"pixels from {values.min():g} to {values.max():g}, outside 0 to {largest}")
    pixels = np.rint(values * (255 / largest)).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


# --- to a model's picture ------------------------------------------------------------------------


def frame(image: Image.Image, framing: Framing) -> tuple[np.ndarray, bool]:
    """Any picture -> (uint8 [H, W, C], whether any of it was transparent); of an animation the first frame.

    Raises ValueError for pixels that are no numbers of 8 or 16 bits, and what Pillow raises for torn files.
    """
    sheet, clear = flat(upright(image, framing), framing.mode, framing.background)
    return sized(sheet, framing), clear


def upright(image: Image.Image, framing: Framing) -> Image.Image:
    """A picture turned as its EXIF says, with 8 bits a channel. Large JPEGs are decoded at a fraction of their size,
    never below twice the longer side that is wanted. Raises as `frame` does."""
    least = 2 * max(framing.height, framing.width)
    image.draft(None, (least, least))
    return eight_bits(ImageOps.exif_transpose(image), EACH)


def flat(image: Image.Image, mode: Mode, background: str) -> tuple[Image.Image, bool]:
    """An upright picture in mode "L" or "RGB" on a background (#rrggbb), and whether any of it was transparent."""
    if not image.has_transparency_data:
        return image.convert(mode), False
    layer = image.convert("RGBA")
    extrema = layer.getchannel("A").getextrema()
    sheet = Image.new("RGBA", layer.size, background)
    return Image.alpha_composite(sheet, layer).convert(mode), extrema != (255, 255)


def fills(extent: tuple[int, int], framing: Framing) -> bool:
    """Whether a picture of this (width, height) keeps its pixels: neither side is longer than the framing's, or
    shorter than three quarters of it."""
    wanted = (framing.width, framing.height)
    return all(0.75 * most <= side <= most for side, most in zip(extent, wanted, strict=True))


def sized(image: Image.Image, framing: Framing) -> np.ndarray:
    """A flat picture of the framing's mode -> uint8 [H, W, C] of the framing's size.

    A picture that `fills` it keeps its pixels. Around it comes its own border ("crop") or the background ("pad"). Any
    other is cropped to its central part of the right proportions ("crop") or shown as a whole on the background
    ("pad"), and resized.
    """
    high, wide = framing.height, framing.width
    width, height = image.size
    whole = fills(image.size, framing)
    if framing.fit == "pad":
        image = image if whole else ImageOps.contain(image, (wide, high), Image.Resampling.LANCZOS)
        sheet = Image.new(framing.mode, (wide, high), framing.background)
        sheet.paste(image, ((wide - image.width) // 2, (high - image.height) // 2))
        return np.asarray(sheet).reshape(high, wide, -1)
    if whole:
        rows = (np.arange(high) - (high - height) // 2).clip(0, height - 1)
        columns = (np.arange(wide) - (wide - width) // 2).clip(0, width - 1)
        return np.asarray(image).reshape(height, width, -1)[rows[:, None], columns]
    return np.asarray(ImageOps.fit(image, (wide, high), Image.Resampling.LANCZOS)).reshape(high, wide, -1)


# --- colours -------------------------------------------------------------------------------------


def check_background(background: str | None) -> None:
    """Raises UserError for what Pillow does not know as a colour."""
    try:
        ImageColor.getrgb(background or "white")
    except ValueError:
        raise UserError(f"--background {background} is no colour: use a name such as white, or #rrggbb.") from None


def paper(mode: Mode, background: str | None) -> str:
    """The colour under transparent and padded parts, as #rrggbb; white for "RGB" and black for "L" by default."""
    red, green, blue = ImageColor.getrgb(background or BACKGROUNDS[mode])[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"
