"""Frames as one looping file: animated WebP or GIF, written one frame after the other; or a strip of them as PNG.

Pillow's own writers keep all frames in memory and join equal ones, so that a film would have fewer than it should. Here
Pillow encodes single frames, and these two containers around them are simple.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal

import numpy as np

from bundle import images
from bundle.errors import InputError
from bundle.marks import Mark, formats, xmp

LoopFormat = Literal["webp", "gif", "png-strip"]
SIZE = 256  # pixels of a frame's height, about
GIF_RATE = 50  # frames a second: GIF counts in 1/100 s, and players slow down what comes faster than two of them

# WebP: the RIFF of https://developers.google.com/speed/webp/docs/riff_container.
ANIMATED, WITH_XMP, OVERWRITE = 0x02, 0x04, 0x02
# GIF89a, sections 18 to 26 of its specification.
GIF_HEAD, GIF_LOOP, GIF_TABLE = b"GIF89a", b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", 0x80


def delays(count: int, fps: float, unit: int) -> Iterator[int]:
    """How long each of `count` frames is shown, in 1/unit seconds: whole numbers whose sum is the film's length."""
    for i in range(count):
        yield round((i + 1) * unit / fps) - round(i * unit / fps)


def write_webp(
    frames: Iterable[np.ndarray], shown: Iterable[int], file: BinaryIO, mark: Mark, size: int = SIZE
) -> None:
    """Frames uint8 [H, W, C], enlarged to about `size` pixels, as an endless lossless WebP with its mark. `shown`: for
    how long, in milliseconds. `file` can be sought in."""
    start = file.tell()
    for i, (frame, pause) in enumerate(zip(frames, shown, strict=False)):
        picture = images.to_pillow(images.upscale(frame, size))
        width, height = picture.size
        if i == 0:
            file.write(b"RIFF\0\0\0\0WEBP")
            extent = _three(width - 1) + _three(height - 1)
            file.write(_chunk(b"VP8X", bytes([ANIMATED | WITH_XMP, 0, 0, 0]) + extent))
            file.write(_chunk(b"ANIM", bytes(4) + struct.pack("<H", 0)))
        still = io.BytesIO()
        picture.save(still, "WEBP", lossless=True, method=2)
        place = bytes(6) + _three(width - 1) + _three(height - 1) + _three(pause) + bytes([OVERWRITE])
        file.write(_chunk(b"ANMF", place + still.getvalue()[12:]))  # without the RIFF around it
    file.write(_chunk(b"XMP ", xmp.block(mark)))
    length = file.tell() - start
    file.seek(start + 4)
    file.write(struct.pack("<I", length - 8))
    file.seek(start + length)


def write_gif(frames: Iterable[np.ndarray], shown: Iterable[int], file: BinaryIO, mark: Mark, size: int = SIZE) -> None:
    """Frames uint8 [H, W, C], enlarged to about `size` pixels, as an endless GIF with its mark: exact for grey
    pictures, otherwise reduced to 256 colours each. `shown`: for how long, in hundredths of a second."""
    for i, (frame, pause) in enumerate(zip(frames, shown, strict=False)):
        picture = images.to_pillow(images.upscale(frame, size))
        if i == 0:
            file.write(GIF_HEAD + struct.pack("<HHBBB", *picture.size, 0, 0, 0) + GIF_LOOP)
        still = io.BytesIO()
        picture.save(still, "GIF", interlace=False)
        file.write(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0, pause, 0, 0))
        file.write(_gif_image(still.getvalue()))
    file.write(formats.gif_block(mark) + b";")


def encode(frames: np.ndarray, file_format: LoopFormat, ms: int = 50, size: int = SIZE, *, mark: Mark) -> bytes:
    """Frames uint8 [N, H, W, C], enlarged to about `size` pixels, as one file with its mark.

    "webp" and "gif" loop, each frame for `ms` milliseconds (of GIF, to 1/100 s); "png-strip" puts the frames side by
    side. InputError for another format.
    """
    if file_format == "png-strip":
        large = images.upscale(frames, size)
        return formats.png(images.sheet(large, len(large)), mark)
    if file_format not in ("webp", "gif"):
        raise InputError(f"Unknown format '{file_format}': choose webp, gif or png-strip.")
    file, count = io.BytesIO(), len(frames)
    if file_format == "webp":
        write_webp(frames, [ms] * count, file, mark, size)
    else:
        write_gif(frames, delays(count, 1000 / ms, 100), file, mark, size)
    return file.getvalue()


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _gif_image(data: bytes) -> bytes:
    """The picture of a GIF with a single one: its descriptor, with the table of colours behind it, and its pixels."""
    flags, at, table = data[10], 13, b""
    if flags & GIF_TABLE:
        table = data[at : at + 3 * 2 ** ((flags & 7) + 1)]
        at += len(table)
    while data[at] == 0x21:  # extensions: a label, then parts with their lengths
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    descriptor, pixels = bytearray(data[at : at + 10]), data[at + 10 : -1]
    if not descriptor[9] & GIF_TABLE:
        descriptor[9] |= GIF_TABLE | (flags & 7)
        return bytes(descriptor) + table + pixels
    return bytes(descriptor) + pixels
