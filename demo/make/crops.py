"""Cropping by hand: the part of a picture that somebody chose, and the picture to choose it in."""

import io
from pathlib import Path

from PIL import Image

from bundle.errors import ImageError
from bundle.picture_files import BROKEN, TRAINING, opened
from bundle.pictures import NO_PICTURE, Framing, flat, upright
from bundle.schema import MAX_SIDE
from demo.make.projects import Crop

WHOLE = Framing("RGB", MAX_SIDE, MAX_SIDE, "crop", "#ffffff")  # large JPEGs come at twice MAX_SIDE or more
SHOWN = 1024  # pixels of the longer side of the picture in which one chooses
QUALITY = 90


def cut(source: Path, crop: Crop) -> bytes:
    """The chosen part of a picture, as PNG: what training reads in its place. Raises ImageError."""
    image = _upright(source)
    left, right = sorted((crop[0] * image.width, crop[2] * image.width))
    top, bottom = sorted((crop[1] * image.height, crop[3] * image.height))
    x, y = min(int(left), image.width - 1), min(int(top), image.height - 1)
    box = (x, y, max(round(right), x + 1), max(round(bottom), y + 1))
    file = io.BytesIO()
    part = image.crop(box)
    (part.convert("RGB") if part.mode == "CMYK" else part).save(file, "PNG", compress_level=1)
    return file.getvalue()


def shown(source: Path, background: str) -> bytes:
    """A whole picture upright on its background, as JPEG of at most SHOWN pixels a side. Raises ImageError."""
    image = flat(_upright(source), "RGB", background)[0]
    image.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _upright(source: Path) -> Image.Image:
    try:
        return upright(opened(source.read_bytes(), TRAINING), WHOLE)
    except BROKEN as error:
        raise ImageError(NO_PICTURE) from error
