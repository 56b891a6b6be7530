"""One picture in any form -> uint8 [C, S, S]: upright, 8 bits, flat, square. bundle/images.py does so to uploads."""

import io

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from bundle.errors import UserError
from bundle.schema import Fit

LARGEST_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # what Pillow may try; its other parsers are never reached
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
COLOUR_MODES = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"}
ARRAY_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# Where transparency is laid on unless a background is named: grey pictures are mostly bright strokes on black.
BACKGROUNDS = {"RGB": "#ffffff", "L": "#000000"}


def check_background(background: str | None) -> None:
    """Raises UserError for what Pillow does not know as a colour."""
    try:
        ImageColor.getrgb(background or "white")
    except ValueError:
        raise UserError(f"--background {background} is no colour: use a name such as white, or #rrggbb.") from None


def paper(mode: str, background: str | None) -> str:
    """The colour under transparent and padded parts, as #rrggbb; white for "RGB" and black for "L" by default."""
    red, green, blue = ImageColor.getrgb(background or BACKGROUNDS[mode])[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def open_bytes(data: bytes) -> Image.Image:
    """A picture file, its pixels not yet decoded. Raises OSError for no picture and for one that is too large."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise OSError("not an image") from None
    if image.width * image.height > LARGEST_PIXELS:
        raise OSError(f"{image.width}x{image.height} is too large")
    return image


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


def eight_bits(image: Image.Image) -> Image.Image:
    """16-bit greys scaled to 8 where they go beyond 255, floats also from [0, 1]; other modes as they are.

    Raises ValueError for NaN and for values that are neither 8 nor 16 bits.
    """
    if not image.mode.startswith("I") and image.mode != "F":
        return image
    values = np.asarray(image, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("NaN pixels")
    low, high = values.min(), values.max()
    if low < 0 or high > 65535:
        raise ValueError(f"pixels from {low:g} to {high:g}, outside 0 to 65535")
    scale = 1 / 257 if high > 255 else 255 if image.mode == "F" and high <= 1 else 1
    return Image.fromarray(np.rint(values * scale).astype(np.uint8))


def upright(image: Image.Image) -> Image.Image:
    """Any picture (of an animation the first frame) turned as its EXIF says, with 8 bits a channel.

    Raises ValueError for pixels that are no numbers of 8 or 16 bits, and what Pillow raises for torn files.
    """
    return eight_bits(ImageOps.exif_transpose(image))


def flat(image: Image.Image, mode: str, background: str | None = None) -> tuple[Image.Image, bool]:
    """An upright picture in mode "L" or "RGB" on its background, and whether any of it was transparent."""
    if not image.has_transparency_data:
        return image.convert(mode), False
    layer = image.convert("RGBA")
    clear = layer.getchannel("A").getextrema()[0] < 255
    sheet = Image.new("RGBA", layer.size, paper(mode, background))
    return Image.alpha_composite(sheet, layer).convert(mode), clear


def fills_square(extent: tuple[int, int], size: int) -> bool:
    """Whether a picture of this (width, height) keeps its pixels in a square of side `size`."""
    return 0.75 * size <= min(extent) and max(extent) <= size


def square(image: Image.Image, size: int, how: Fit = "crop", background: str | None = None) -> np.ndarray:
    """A flat picture (mode L or RGB) -> uint8 [C, size, size].

    A picture that fills at least three quarters of the square keeps its pixels. Around it comes its own border
    ("crop") or the background ("pad"). Any other is cropped to its central square ("crop") or shown as a whole on
    the background ("pad"), and resized.
    """
    width, height = image.size
    fills = fills_square(image.size, size)
    if how == "pad":
        image = image if fills else ImageOps.contain(image, (size, size), Image.Resampling.LANCZOS)
        sheet = Image.new(image.mode, (size, size), paper(image.mode, background))
        sheet.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
        values = np.asarray(sheet).reshape(size, size, -1)
    elif fills:
        rows, columns = (np.arange(size) - (size - side) // 2 for side in (height, width))
        rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        values = np.asarray(image).reshape(height, width, -1)[rows[:, None], columns]
    else:
        values = np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)).reshape(size, size, -1)
    return values.transpose(2, 0, 1)


def fit(image: Image.Image, mode: str, size: int, how: Fit = "crop", background: str | None = None) -> np.ndarray:
    """Any picture -> uint8 [C, size, size], C = 1 for mode "L" and 3 for "RGB". Raises as `upright` does."""
    return square(flat(upright(image), mode, background)[0], size, how, background)
