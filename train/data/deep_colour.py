"""Colours of more than 8 bits, which Pillow reads by their upper 8: PNG, TIFF and PPM of 16 bits, TIFF of floats.

OpenCV reads them whole. What comes out is an array of numbers, which is brought to bytes by the range of its set as
deep grey pictures are (bundle.deep_pixels).
"""

import numpy as np
from PIL import Image

from bundle.deep_pixels import BITS_PER_SAMPLE, SAMPLE_FORMAT, has_colours_of_16_bits
from bundle.picture_files import TRAINING, opened, orientation, tiff_tags, too_many_pixels, turned
from bundle.pictures import ARRAY_MODES

WIDTH, HEIGHT, FLOATS = 256, 257, 3  # TIFF tags, and the sample format of floats


def opened_whole(data: bytes) -> Image.Image | np.ndarray:
    """A picture file: numbers [H, W, C] with 3 or 4 channels, RGB and alpha, upright, where its colours have more than
    8 bits; else Pillow's picture, not yet decoded. Raises as bundle.picture_files.opened, and OSError for a torn
    file."""
    try:
        image = opened(data, TRAINING)
    except OSError:
        if not is_tiff_of_float_colours(data):
            raise
        return decoded(data)
    if not has_colours_of_16_bits(image):
        return image
    image.load()  # raises where the file is torn, which OpenCV fills up
    return turned(decoded(data), orientation(image))  # of a TIFF none is left: Pillow and OpenCV turn it as they decode


def deep_header(data: bytes) -> tuple[str, tuple[int, int]] | None:
    """(mode, (width, height)) of what `opened_whole` decodes, before it is turned; None for what it leaves to Pillow.
    Raises as it, but for torn files."""
    try:
        image = opened(data, TRAINING)
    except OSError:
        if not is_tiff_of_float_colours(data):
            raise
        tags = tiff_tags(data)
        return ARRAY_MODES[len(tags[BITS_PER_SAMPLE])], (tags[WIDTH], tags[HEIGHT])
    if not has_colours_of_16_bits(image):
        return None
    return "RGBA" if image.mode.endswith("A") else "RGB", image.size  # OpenCV knows no grey with alpha


def decoded(data: bytes) -> np.ndarray:
    """The pixels as OpenCV reads them, RGB or RGBA. Raises OSError."""
    import cv2  # slow to load, and hardly ever needed

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 3 or found.shape[2] not in (3, 4):
        raise OSError("image file is truncated, or has colours in a form that is not read")
    return np.concatenate([found[..., 2::-1], found[..., 3:]], axis=2)  # OpenCV has blue first


def is_tiff_of_float_colours(data: bytes) -> bool:
    """Whether it is a TIFF with floats of 32 bits in three or four channels. Raises ImageError beyond the limits."""
    tags = tiff_tags(data)
    bits, kinds = tags.get(BITS_PER_SAMPLE, ()), tags.get(SAMPLE_FORMAT, ())
    if len(bits) not in (3, 4) or set(bits) != {32} or set(kinds) != {FLOATS}:
        return False
    if tags.get(WIDTH, 0) * tags.get(HEIGHT, 0) > TRAINING.pixels:
        raise too_many_pixels(TRAINING.pixels)
    return True
