"""Values on their way to a page or a client: pictures as data URLs, numbers that JSON can hold."""

import base64
import math

import numpy as np

from bundle import images
from bundle.marks import Mark, formats

MEDIA_TYPES = {
    "png": "image/png",
    "png-strip": "image/png",
    "film-strip": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "zip": "application/zip",
}


def data_url(data: bytes, file_format: str) -> str:
    """The bytes of a file as "data:image/…;base64,…". `file_format`: a key of MEDIA_TYPES."""
    return f"data:{MEDIA_TYPES[file_format]};base64,{base64.b64encode(data).decode()}"


def picture_url(picture: np.ndarray, mark: Mark | None) -> str:
    """A picture uint8 [H, W, C] as the data URL of a PNG. `mark`: None for one that no model drew: a visitor's or the
    data set's own, a map of measured values."""
    return data_url(images.png(picture) if mark is None else formats.png(picture, mark), "png")


def image_url(image: np.ndarray, mark: Mark | None) -> str:
    """The first picture of an image [N, C, H, W] as the data URL of a PNG, as `picture_url`."""
    return picture_url(images.to_uint8(image)[0], mark)


def decimal(value: float) -> float | None:
    """The number, or None if JSON has no word for it (NaN, infinity)."""
    return float(value) if math.isfinite(value) else None
