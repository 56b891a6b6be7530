"""Cropping by hand: the part of a picture that somebody chose, and the picture to choose it in."""

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from bundle.deep_pixels import NO_DATA, has_colours_of_16_bits, is_deep, numbers
from bundle.errors import ImageError
from bundle.picture_files import BROKEN, TRAINING, opened, orientation, turned
from bundle.pictures import NO_PICTURE, Framing, flat, png_file, upright
from bundle.schema import MAX_SIDE
from demo.make.projects import Crop

WHOLE = Framing("RGB", MAX_SIDE, MAX_SIDE, "crop", "#ffffff")  # large JPEGs come at twice MAX_SIDE or more
SHOWN = 1024  # pixels of the longer side of the picture in which one chooses
QUALITY = 90
KEPT_NO_DATA = "no data"  # under which a picture in memory keeps the number of its file that is none


def cut(source: Path, crop: Crop) -> tuple[bytes, str]:
    """The chosen part of a picture, which training reads in its place, and the ending of its file: PNG, or TIFF for
    numbers that PNG does not take. Pixels of more than 8 bits stay so, to be scaled with those of the whole set;
    colours do where OpenCV is installed, as training needs it. Raises ImageError."""
    try:
        image = _whole(source)
        height, width = image.shape[:2] if isinstance(image, np.ndarray) else (image.height, image.width)
        left, right = sorted((crop[0] * width, crop[2] * width))
        top, bottom = sorted((crop[1] * height, crop[3] * height))
        x, y = min(int(left), width - 1), min(int(top), height - 1)
        box = (x, y, max(round(right), x + 1), max(round(bottom), y + 1))
        if isinstance(image, np.ndarray):
            import cv2

            return cv2.imencode(".png", image[box[1] : box[3], box[0] : box[2]])[1].tobytes(), ".png"
        return _file(image.crop(box))
    except BROKEN as error:
        raise ImageError(NO_PICTURE) from error


def shown(source: Path, background: str) -> bytes:
    """A whole picture upright on its background, as JPEG of at most SHOWN pixels a side. Raises ImageError."""
    image = flat(_upright(source), "RGB", background)[0]
    image.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _whole(source: Path) -> Image.Image | np.ndarray:
    """A picture upright with the numbers of its file: for colours of 16 bits, for which Pillow has no mode, as OpenCV
    has them, [H, W, C] with blue first."""
    data = source.read_bytes()
    image = opened(data, TRAINING)
    colours = has_colours_of_16_bits(image) and find_spec("cv2")
    if not is_deep(image) and not colours:
        return upright(image, WHOLE)
    image.load()  # raises where the file is torn, which OpenCV fills up
    turn = orientation(image)
    if colours:
        return _colours(data, turn)
    deep = _deep(image)
    return deep if turn is None else deep.transpose(turn)


def _colours(data: bytes, turn: Image.Transpose | None) -> np.ndarray:
    import cv2  # slow to load, and hardly ever needed

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 3 or found.shape[2] not in (3, 4):
        raise OSError("image file is truncated, or has colours in a form that is not read")
    return turned(found, turn)


def _deep(image: Image.Image) -> Image.Image:
    """A decoded picture of more than 8 bits in a mode that can be written, with what its file says of its numbers."""
    deep, tags = image.copy(), getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        deep = Image.fromarray(np.asarray(image).astype(np.uint16))  # in either byte order
    elif image.mode == "I" and np.nanmax(numbers(image)) > np.iinfo(np.int32).max:
        deep = Image.fromarray(numbers(image).astype(np.float32))
    for key, value in (("transparency", image.info.get("transparency")), (KEPT_NO_DATA, tags.get(NO_DATA))):
        if value is not None:
            deep.info[key] = value
    return deep


def _file(image: Image.Image) -> tuple[bytes, str]:
    no_data = image.info.get(KEPT_NO_DATA)
    if not is_deep(image) or (image.mode == "I;16" and no_data is None):
        return png_file(image), ".png"
    file = io.BytesIO()
    image.save(file, "TIFF", tiffinfo={} if no_data is None else {NO_DATA: no_data})
    return file.getvalue(), ".tif"


def _upright(source: Path) -> Image.Image:
    try:
        return upright(opened(source.read_bytes(), TRAINING), WHOLE)
    except BROKEN as error:
        raise ImageError(NO_PICTURE) from error
