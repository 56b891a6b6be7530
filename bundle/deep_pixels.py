"""Pixels of more than 8 bits: which numbers are black and white, for all pictures of a set alike.

A picture of 8 bits says what is black and white. One of 16 or 32 bits, or of floats, does not: X-rays put 12 bits into
files of 16, CT scans count from -1024, depth is in millimetres. So one range is found from a whole set and kept in its
run and its bundle. Scaled each by its own, pictures would lose what makes them comparable.
"""

import contextlib
from typing import Literal

import numpy as np
from PIL import Image

ValueRange = tuple[float, float]
"""The numbers that are black and white."""
EACH: Literal["each"] = "each"
"""In the place of a range: every picture is scaled as versions before ranges did it, by its own largest number."""
Scaling = ValueRange | Literal["each"] | None
"""How deep pixels become bytes; None: by a range found from the one picture."""

FULL_SCALES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of floats, and of 8, 10, 12, 14 and 16 bits
OUTLIERS = 0.001  # share of the numbers, at each end, that may lie outside a range
OVERSHOOT = 1.05  # what resampling adds to a full scale
NO_DATA = 42113  # TIFF tag of GDAL: the number that means that nothing was measured
BITS_PER_SAMPLE, SAMPLE_FORMAT = 258, 339  # TIFF tags


def is_deep(image: Image.Image) -> bool:
    """Whether a picture has pixels of more than 8 bits: Pillow's modes I, I;16 and F."""
    return image.mode.startswith("I") or image.mode == "F"


def has_colours_of_16_bits(image: Image.Image) -> bool:
    """Whether a picture that is not yet decoded has 16 bits in each of several channels, of which Pillow reads the
    upper 8. A PPM whose largest number is less says itself what is white."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    for tile in getattr(image, "tile", ())[:1]:
        raw = tile.args if isinstance(tile.args, str) else "".join(map(str, (tile.args or ())[:1]))
        return ";16" in raw or (tile.codec_name == "ppm" and tile.args == ("RGB", 65535))
    return False


def numbers(image: Image.Image) -> np.ndarray:
    """The pixels of a deep picture, uint16 or float64 [H, W]; NaN where nothing was measured."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and NO_DATA not in tags:
        return values
    if image.mode == "I" and tags.get(BITS_PER_SAMPLE) == (32,) and tags.get(SAMPLE_FORMAT, (1,)) == (1,):
        values = values.view(np.uint32)  # Pillow has no unsigned 32 bits
    values = values.astype(np.float64)
    with contextlib.suppress(KeyError, ValueError):
        values[values == float(str(tags[NO_DATA]).strip("\0 "))] = np.nan
    return values


def value_range(values: np.ndarray) -> ValueRange:
    """The range of a set's numbers, of any shape; NaN and infinities do not count.

    White is the full scale (1; 8, 10, 12, 14 or 16 bits) of which the brightest numbers reach at least half, else the
    brightest number itself. Black is 0. Where the darkest number lies more than 5 % of the brightest below 0 or, as in
    thermal pictures, above half of the brightest, black is that and white the brightest number. Numbers that reach at
    least half way to both -1 and 1, and not beyond 1.05, have the range -1 to 1. OUTLIERS of the numbers at each end do
    not count: hot pixels, text burnt into an X-ray.
    """
    dark, bright = _ends(values)
    return (dark, bright) if bright / 2 < dark < bright else _from_zero(dark, bright)


def range_of_one(values: np.ndarray) -> ValueRange:
    """As `value_range`, of one picture alone: it may be pale, so black is 0 unless numbers are negative."""
    return _from_zero(*_ends(values))


def _ends(values: np.ndarray) -> tuple[float, float]:
    """The darkest and the brightest number but for OUTLIERS; (0, 1) where there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    dark, bright = np.quantile(finite, (OUTLIERS, 1 - OUTLIERS), method="nearest")
    return float(dark), float(bright)


def _from_zero(dark: float, bright: float) -> ValueRange:
    if min(-dark, bright) >= 0.5 and max(-dark, bright) <= OVERSHOOT:
        return -1.0, 1.0
    if dark < (1 - OVERSHOOT) * max(bright, 0.0):
        return dark, bright if bright > dark else 0.0
    scale = next((scale for scale in FULL_SCALES if bright <= OVERSHOOT * scale), bright)
    return 0.0, scale if bright >= scale / 2 else bright or 1.0


def to_bytes(values: np.ndarray, scaling: ValueRange) -> np.ndarray:
    """Numbers of any shape as uint8 of the same shape: black 0, white 255, what lies beyond is clipped, NaN black."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 2 and values.size > 65536:
        return to_bytes(np.arange(65536.0), scaling)[values]  # a table: less time, and an eighth of the memory
    black, white = scaling
    shares = (np.nan_to_num(values.astype(np.float64), nan=black, posinf=white, neginf=black) - black) / (white - black)
    return np.rint(shares.clip(0, 1) * 255).astype(np.uint8)


def eight_bits(image: Image.Image, scaling: Scaling = None, of_16_bits: bool = False) -> Image.Image:
    """A decoded picture with 8 bits a channel: mode L or LA where it is deep, else its own mode.

    `of_16_bits`: it has colours of 16 bits, so the range holds for the numbers of which it has the upper half.
    Raises ValueError for pixels of which none is a number, and with "each" for any that is outside 0 to 65535.
    """
    if not is_deep(image):
        image = _with_key_of_8_bits(image)
        return _scaled_colours(image, scaling) if of_16_bits and isinstance(scaling, tuple) else image
    if scaling == EACH:
        return Image.fromarray(_each(np.asarray(image, dtype=np.float64), image.mode == "F"))
    values = numbers(image)
    if np.isnan(values).all():
        raise ValueError("no pixel is a number")
    grey = Image.fromarray(to_bytes(values, scaling or range_of_one(values)))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    return Image.merge("LA", (grey, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))))


def _each(values: np.ndarray, floats: bool) -> np.ndarray:
    """16-bit numbers beyond 255 scaled to 8 bits, floats also from [0, 1]; as versions before ranges did it."""
    if np.isnan(values).any():
        raise ValueError("NaN pixels")
    low, high = values.min(), values.max()
    if low < 0 or high > 65535:
        raise ValueError(f"pixels from {low:g} to {high:g}, outside 0 to 65535")
    scale = 1 / 257 if high > 255 else 255 if floats and high <= 1 else 1
    return np.rint(values * scale).astype(np.uint8)


def _scaled_colours(image: Image.Image, scaling: ValueRange) -> Image.Image:
    """Colours of which only the upper 8 of 16 bits were read, in the range of numbers of 16 bits; alpha as it is."""
    key = image.info.get("transparency")
    if isinstance(key, tuple):  # scaled, other colours could become the transparent one
        image = image.convert("RGBA")
    table = to_bytes(np.arange(256) * 257.0, scaling).tolist()
    bands = [image.getchannel(name) for name in image.getbands()]
    scaled = [band if name == "A" else band.point(table) for name, band in zip(image.getbands(), bands, strict=True)]
    return Image.merge(image.mode, scaled)


def _with_key_of_8_bits(image: Image.Image) -> Image.Image:
    """The transparent colour of a PNG with 16 bits a channel, of which Pillow reads the upper 8, at 8 bits too."""
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        image.info["transparency"] = tuple(part >> 8 for part in key)
    return image
