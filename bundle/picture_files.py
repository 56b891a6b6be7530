"""Opening a picture's file, which may be a stranger's: within limits, in known formats, by its content, not its name.

`opened` gives Pillow's picture with its pixels not yet decoded.
"""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from bundle.errors import ImageError

# Pillow's warnings name no file. Training records them and tells them with the name; of uploads they help nobody.
warnings.filterwarnings("ignore", module=r"PIL\.")

IMAGE_SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pnm", ".pbm", ".pfm", ".avif", ".jp2", ".j2k", ".ico"),
}
# Format, as Pillow calls it -> the usual ending of its files.
ENDINGS = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif",
    "PPM": ".ppm", "AVIF": ".avif", "JPEG2000": ".jp2", "ICO": ".ico",
}  # fmt: skip
# What Pillow's parsers raise for broken files.
BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError, OverflowError),
    *(RuntimeError, struct.error, zlib.error),  # RuntimeError: of a damaged AVIF
)
JPEG_BEGINS, JPEG_SCAN, JPEG_ENDS = b"\xff\xd8\xff", b"\xff\xda", b"\xff\xd9"
# What HEIC photographs say of themselves at byte 8, behind "ftyp".
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
# How pictures begin, whatever they are named, in the formats that are read. A BMP and an icon have zeros further on,
# where text that begins alike ("BMI,age") has none.
PICTURE_BEGINS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|P[1-6f][\n\r \t]"
    rb"|.{4}ftypavi[fs]|\0\0\0\x0cjP  |\xff\x4f\xff\x51|\0\0\x01\0[\x01-\xff]\0",
    re.DOTALL,
)
MOST_SEGMENTS = 10_000  # of a JPEG that are looked through for its end: photographs have some hundred
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # any but those that stand in a scan


@dataclass(frozen=True)
class Limits:
    """What a picture file may be. `pixels`: once decoded; `jpeg_pixels`, `progressive_pixels`: of JPEGs in their file,
    which are decoded at a fraction of their size, progressive ones only after all their numbers are in memory.
    `formats`: what Pillow may try, so that its other parsers are never reached."""

    bytes: int
    pixels: int
    jpeg_pixels: int
    progressive_pixels: int
    formats: tuple[str, ...]


UPLOAD = Limits(5_000_000, 8_000_000, 64_000_000, 16_000_000, ("PNG", "JPEG", "WEBP", "GIF", "BMP"))
TRAINING = Limits(
    400_000_000,
    50_000_000,
    250_000_000,
    150_000_000,
    (*UPLOAD.formats, "TIFF", "PPM", "AVIF", "JPEG2000", "ICO"),
)


def opened(data: bytes, limits: Limits) -> Image.Image:
    """A picture file, its pixels not yet decoded. Raises OSError for no picture, ImageError beyond the limits."""
    if len(data) > limits.bytes:
        raise ImageError(too_large(limits.bytes))
    if data.startswith(JPEG_BEGINS) and "JPEG" in limits.formats:
        return _opened_jpeg(data, limits)
    try:
        image = Image.open(io.BytesIO(data), formats=limits.formats)
    except UnidentifiedImageError:
        raise OSError(_unknown(data)) from None
    except RuntimeError as error:  # AVIF is decoded by a library, which says so
        raise OSError("the file is damaged") from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels(limits.pixels) from error
    check_pixels(image, limits.pixels)
    return image


def _unknown(data: bytes) -> str:
    """Why Pillow knows no picture in this file."""
    tags = tiff_tags(data)
    if not tags:
        return "not an image"
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))[0]
    return (
        f"a TIFF with numbers of {bits} bits in a form that is not read; save it with 8 or 16 bits, or as 32-bit floats"
    )


def tiff_tags(data: bytes) -> Mapping[int, Any]:
    """The tags of the first page of a TIFF; none for any other file, and for a torn one."""
    if not data.startswith((b"II*\0", b"MM\0*")):
        return {}
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        return dict(tags.items())
    except Exception:  # torn, in any way
        return {}


def check_pixels(image: Image.Image, most: int) -> None:
    """Raises ImageError when there are more."""
    if image.width * image.height > most:
        raise too_many_pixels(most)


def too_large(most: int) -> str:
    """The sentence that refuses a file of more than so many bytes."""
    return f"The file is too large: at most {most // 1_000_000} MB are accepted."


def too_many_pixels(most: int) -> ImageError:
    """The error that says so."""
    return ImageError(f"The picture has too many pixels: at most {most // 1_000_000} million are accepted.")


def orientation(image: Image.Image) -> Image.Transpose | None:
    """What turns a decoded picture upright, by its EXIF; an EXIF block that cannot be read turns nothing."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # the parsers of EXIF raise all kinds
        return None


TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright."""


def turned(values: np.ndarray, turn: Image.Transpose | None) -> np.ndarray:
    """Pixels [H, W, C] after Pillow's turn."""
    if turn is None:
        return values
    channels = [Image.fromarray(np.ascontiguousarray(values[..., i])).transpose(turn) for i in range(values.shape[2])]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)


def has_more_frames(image: Image.Image) -> bool:
    """Whether it is an animation or has several pages; the preview that phones store beside a photograph is none."""
    if image.format not in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except BROKEN:  # of the second frame, which is not used
        return True


# --- JPEG ----------------------------------------------------------------------------------------


def _opened_jpeg(data: bytes, limits: Limits) -> Image.Image:
    """As `opened`. Pillow's own limit, which does not know of decoding at a fraction of the size, is passed over."""
    image = _jpeg(data)
    check_pixels(image, limits.progressive_pixels if image.info.get("progressive") else limits.jpeg_pixels)
    if not has_end(data) and image.width * image.height <= limits.pixels:
        return _jpeg(ended(data))
    return image


def _jpeg(data: bytes) -> Image.Image:
    try:
        return JpegImagePlugin.jpeg_factory(io.BytesIO(data))
    except BROKEN as error:
        raise OSError("not an image") from error


def has_end(data: bytes) -> bool:
    """Whether the picture of a JPEG has its end marker. Behind it phones store films, depths and further pictures."""
    at = len(JPEG_BEGINS) - 1
    for _ in range(MOST_SEGMENTS):
        marker = MARKER.search(data, at)
        if marker is None:
            return False
        at = marker.end()
        if marker.group() == JPEG_ENDS:
            return True
        at += int.from_bytes(data[at : at + 2], "big")  # its segment, which may hold a preview with an end of its own
    return True  # nobody knows, and Pillow decides


def ended(data: bytes) -> bytes:
    """A JPEG that lacks its end marker, with one. Raises OSError where more is missing than that.

    Behind a scan that is whole, other bytes change nothing; in one that was cut, they become pixels. So the picture is
    decoded with different bytes behind it: only a whole one stays the same.
    """
    body = data.removesuffix(JPEG_ENDS[:1])
    if MARKER.search(body, body.rfind(JPEG_SCAN) + 2):
        raise OSError("image file is truncated")  # within what stands before another scan
    first, *others = (np.asarray(_jpeg(body + filling + JPEG_ENDS)) for filling in (b"", *_fillings()))
    if any(not np.array_equal(first, other) for other in others):
        raise OSError("image file is truncated")
    return body + JPEG_ENDS


def _fillings() -> list[bytes]:
    """Bytes that begin in many ways, as codes of a scan do; the last ones also hold all markers of its parts."""
    random = np.random.default_rng(0)
    tails = [random.integers(0, 255, 64, np.uint8).tobytes() for _ in range(8)]  # 255 begins a marker
    parts = b"".join(bytes([255, 0xD0 + i]) + tail for i, tail in enumerate(tails))
    return [*(bytes([begin]) + tail for begin, tail in zip(range(0, 256, 34), tails, strict=True)), parts + parts]
