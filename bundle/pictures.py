"""The one way from a picture's file to a model's picture: decoded safely, 8 bits, upright, flat, of one size.

Training, evaluation, export and uploads all come through `frame`, so a model meets an upload as it met its training
pictures. A "picture" is uint8 [H, W, C] as in bundle/images.py.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageColor, ImageOps

from bundle.deep_pixels import Scaling, ValueRange, eight_bits, has_colours_of_16_bits, range_of_one, to_bytes
from bundle.errors import ImageError, UserError
from bundle.picture_files import BROKEN, TRAINING, UPLOAD, Limits, check_pixels, opened, orientation
from bundle.schema import BundleIndex, Fit

Mode = Literal["L", "RGB"]
COLOUR_MODES = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"}
PNG_MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}
ARRAY_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# What transparent parts are laid on unless a background is named: grey pictures are mostly bright strokes on black.
BACKGROUNDS: dict[Mode, str] = {"RGB": "#ffffff", "L": "#000000"}
NO_PICTURE = "This file is not a picture that can be read; use PNG, JPEG, WebP or GIF."
# Pictures smaller than the frame by at most so many pixels in height and in width are not resized, but surrounded: the
# 28 of MNIST in 32.
BORDER = 4


@dataclass(frozen=True)
class Framing:
    """What every picture of a data set is brought to: height x width pixels of a mode, on a background (#rrggbb).

    `scaling`: which numbers of deep pixels are black and white. `border`: pictures smaller than the frame by at most so
    many pixels in height and in width are not resized, but surrounded; None: a quarter of the frame, as in versions
    before it was recorded.
    """

    mode: Mode
    height: int
    width: int
    fit: Fit
    background: str
    scaling: Scaling = None
    border: int | None = BORDER

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.mode == "L" else 3


def framing_of(info: BundleIndex) -> Framing:
    """How the pictures of a bundle's data set were framed."""
    mode: Mode = "L" if info.image.channels == 1 else "RGB"
    about = info.dataset
    under = background_colour(mode, about.background)
    return Framing(mode, info.image.height, info.image.width, about.fit, under, about.value_range, about.border)


# --- from a file ---------------------------------------------------------------------------------


def decode(source: Path | bytes, framing: Framing, limits: Limits = UPLOAD) -> np.ndarray:
    """A picture file, given as path or as bytes -> the model's picture, uint8 [H, W, C]; of an animation the
    first frame. Raises ImageError for files that are no picture, broken, or beyond the limits."""
    return _framed(source, framing, framing.background, limits)


def decode_mask(source: Path | bytes, framing: Framing, limits: Limits = UPLOAD) -> np.ndarray:
    """A mask's file -> float32 [1, 1, H, W]: 1 where the file is bright, which is known, 0 where it is dark or
    transparent. It is framed as the picture is; what padding adds around it is known. Raises ImageError."""
    grey = replace(framing, mode="L", background="#ffffff", scaling=None)
    values = _framed(source, grey, BACKGROUNDS["L"], limits)
    return (values >= 127.5).astype(np.float32).reshape(1, 1, framing.height, framing.width)


def eight_bit_png(source: bytes, framing: Framing, limits: Limits = UPLOAD) -> bytes:
    """A picture's file as a PNG with 8 bits a channel as the framing scales them, for whoever cannot: browsers show the
    upper 8 of 16 bits. It keeps its size, but for large JPEGs, as `upright` decodes them. Raises ImageError as `decode`
    does."""
    try:
        image = upright(opened(_read(source, limits), limits), framing, limits)
        return png_file(image)
    except BROKEN as error:
        raise ImageError(NO_PICTURE) from error


def png_file(image: Image.Image) -> bytes:
    """A picture as PNG; what PNG has no mode for (CMYK, LAB …) in RGB. Its pixels stay: quick, not small."""
    if image.mode not in PNG_MODES:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _framed(source: Path | bytes, framing: Framing, under: str, limits: Limits) -> np.ndarray:
    """`under`: the colour under transparent parts."""
    try:
        image = upright(opened(_read(source, limits), limits), framing, limits)
        return sized(flat(image, framing.mode, under)[0], framing)
    except BROKEN as error:
        raise ImageError(NO_PICTURE) from error


def _read(source: Path | bytes, limits: Limits) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as file:
            return file.read(limits.bytes + 1)  # one more, so that `opened` sees what is too large
    except OSError as error:
        raise ImageError("The picture file cannot be opened.") from error


# --- from an array -------------------------------------------------------------------------------


def array_facts(values: np.ndarray) -> tuple[str, tuple[int, int]]:
    """An array [H, W], [H, W, C] or [C, H, W] as (mode, (width, height)). Raises ValueError for any other form."""
    height, width, channels = to_hwc(values).shape
    return ARRAY_MODES[channels], (width, height)


def to_hwc(values: np.ndarray) -> np.ndarray:
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


def from_array(values: np.ndarray, scaling: ValueRange | None) -> Image.Image:
    """Numbers shaped as for `array_facts` as a picture of mode L, LA, RGB or RGBA; NaN is black. Alpha, which no range
    holds for, is opaque at the full scale of its own numbers. None: bytes stay as they are, other numbers are scaled by
    a range found from this picture.

    Raises ValueError when no pixel is a finite number.
    """
    values = to_hwc(values)
    colours = without_alpha(values)
    if not np.isfinite(colours).any():
        raise ValueError("no pixel is a number")
    if scaling is None:
        scaling = (0.0, 255.0) if values.dtype == np.uint8 else range_of_one(colours)
    alpha = values[..., colours.shape[2] :]
    return _of_bytes(np.concatenate([to_bytes(colours, scaling), to_bytes(alpha, full_scale(alpha))], axis=2))


def without_alpha(values: np.ndarray) -> np.ndarray:
    """The grey or the colours of pixels [H, W, C]: 1 or 3 channels."""
    return values[..., : 1 if values.shape[2] < 3 else 3]


def full_scale(values: np.ndarray) -> ValueRange:
    """What 0 to opaque is among numbers of alpha: the largest of 8 or 16 bits where they have so many, else 1, 255 or
    65535, whichever holds them."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:  # in either byte order
        return 0.0, float(np.iinfo(values.dtype).max)
    most = float(values[np.isfinite(values)].max(initial=0))
    return 0.0, next((scale for scale in (1.0, 255.0) if most <= scale), 65535.0)


def from_array_up_to(values: np.ndarray, largest: int) -> Image.Image:
    """As `from_array`, of numbers from 0 to `largest` (1 or 255), as versions before ranges did it.

    Raises ValueError for NaN and for pixels outside the range.
    """
    values = to_hwc(values).astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("NaN pixels")
    if values.min() < 0 or values.max() > largest:
        raise ValueError(f"pixels from {values.min():g} to {values.max():g}, outside 0 to {largest}")
    return _of_bytes(np.rint(values * (255 / largest)).astype(np.uint8))


def _of_bytes(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


# --- to a model's picture ------------------------------------------------------------------------


def frame(image: Image.Image, framing: Framing, limits: Limits = TRAINING) -> tuple[np.ndarray, bool]:
    """Any picture -> (uint8 [H, W, C], whether any of it was transparent); of an animation the first frame.

    Raises ImageError beyond the limits, ValueError for pixels that are no numbers, and what Pillow raises for torn
    files.
    """
    sheet, clear = flat(upright(image, framing, limits), framing.mode, framing.background)
    return sized(sheet, framing), clear


def upright(image: Image.Image, framing: Framing, limits: Limits = TRAINING) -> Image.Image:
    """A picture turned as its EXIF says, with 8 bits a channel. Large JPEGs are decoded at a fraction of their size,
    never below twice the longer side that is wanted. Raises as `frame` does."""
    least = 2 * max(framing.height, framing.width)
    image.draft(None, (least, least))
    check_pixels(image, limits.pixels)
    of_16_bits = has_colours_of_16_bits(image)
    image.load()
    turn, image = orientation(image), eight_bits(image, framing.scaling, of_16_bits)
    return image if turn is None else image.transpose(turn)


def flat(image: Image.Image, mode: Mode, background: str) -> tuple[Image.Image, bool]:
    """An upright picture in mode "L" or "RGB" on a background (#rrggbb), and whether any of it was transparent."""
    if not image.has_transparency_data:
        return image.convert(mode), False
    layer = image.convert("RGBA")
    extrema = layer.getchannel("A").getextrema()
    sheet = Image.new("RGBA", layer.size, background)
    return Image.alpha_composite(sheet, layer).convert(mode), extrema != (255, 255)


def fills(extent: tuple[int, int], framing: Framing) -> bool:
    """Whether a picture of this (width, height) keeps its pixels: neither side is longer than the framing's, or shorter
    by more than its border. A wide border drawn outward gives icons legs; resizing one that lacks a few pixels would
    only blur it."""
    pairs = zip(extent, (framing.width, framing.height), strict=True)
    return all(0 <= most - side <= (most / 4 if framing.border is None else framing.border) for side, most in pairs)


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
        image = image if whole else contained(image, (wide, high))
        sheet = Image.new(framing.mode, (wide, high), framing.background)
        sheet.paste(image, ((wide - image.width) // 2, (high - image.height) // 2))
        return np.asarray(sheet).reshape(high, wide, -1)
    if whole:
        rows = (np.arange(high) - (high - height) // 2).clip(0, height - 1)
        columns = (np.arange(wide) - (wide - width) // 2).clip(0, width - 1)
        return np.asarray(image).reshape(height, width, -1)[rows[:, None], columns]
    return np.asarray(ImageOps.fit(image, (wide, high), Image.Resampling.LANCZOS)).reshape(high, wide, -1)


def contained(image: Image.Image, extent: tuple[int, int]) -> Image.Image:
    """The whole picture resized to lie within (width, height), never thinner than a pixel."""
    wide, high = extent
    if image.width * high > wide * image.height:
        high = max(round(image.height / image.width * wide), 1)
    elif image.width * high < wide * image.height:
        wide = max(round(image.width / image.height * high), 1)
    return image.resize((wide, high), Image.Resampling.LANCZOS)


# --- colours -------------------------------------------------------------------------------------


def check_background(background: str | None) -> None:
    """Raises UserError for what Pillow does not know as a colour."""
    try:
        ImageColor.getrgb(background or "white")
    except ValueError:
        raise UserError(
            f"'{background}' is no colour for a background: use a name such as white, or #rrggbb."
        ) from None


def background_colour(mode: Mode, background: str | None) -> str:
    """The colour under transparent and padded parts, as #rrggbb; white for "RGB" and black for "L" by default."""
    red, green, blue = ImageColor.getrgb(background or BACKGROUNDS[mode])[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"
