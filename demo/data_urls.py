"""Values on their way to a page or a client: pictures as data addresses, numbers that JSON can hold."""

import base64
import math

import numpy as np

from bundle import images

MEDIA = {
    "png": "image/png",
    "png-strip": "image/png",
    "film-strip": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "zip": "application/zip",
}


def data_address(data: bytes, form: str) -> str:
    """Bytes of a file as "data:image/…;base64,…"."""
    return f"data:{MEDIA[form]};base64,{base64.b64encode(data).decode()}"


def picture_address(picture: np.ndarray) -> str:
    """A picture uint8 [H, W, C] as the data address of a PNG."""
    return data_address(images.png(picture), "png")


def image_address(image: np.ndarray) -> str:
    """The first picture of an image [N, C, H, W] as the data address of a PNG."""
    return picture_address(images.to_uint8(image)[0])


def decimal(value: float) -> float | None:
    """The number, or None where JSON has no word for it."""
    return float(value) if math.isfinite(value) else None
