"""Picture files: formats, modes, damage."""

import os
import struct
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.bundle.test_picture_files import exif_with
from tests.bundle.test_pictures import saved
from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder, draw_shape
from train.data.pixel_format import PixelFormat

picture_files = partial(case, "Picture files")


@picture_files("a file that is no picture, named `.png`")
def no_picture(home: Path) -> str:
    (draw_folder(home, classes=False) / "text.png").write_text("not a picture")
    return said(home)


@picture_files("grey and colour files together")
def grey_and_colour(home: Path) -> str:
    draw_shape(0, np.random.default_rng(0), mode="RGB").save(draw_folder(home, classes=False) / "rgb.png")
    return said(home)


@picture_files("transparent pictures")
def transparent(home: Path) -> str:
    draw_folder(home, classes=False)
    shape = draw_shape(0, np.random.default_rng(0)).convert("LA")
    shape.putpixel((0, 0), (0, 0))
    shape.save(home / "clear.png")
    return said(home)


def glyphs(home: Path, mode: str, ink: int) -> Path:
    """110 discs, squares and bars of one grey on transparency."""
    for path in draw_folder(home, 110, classes=False).iterdir():
        alpha = Image.open(path).point(lambda value: 255 if value else 0)
        layer = Image.new("L", alpha.size, ink)
        Image.merge(mode, (*[layer] * (len(mode) - 1), alpha)).save(path)
    return home


@picture_files("white drawings on transparency, in colour")
def white_glyphs(home: Path) -> str:
    return said(glyphs(home, "RGBA", 255))


@picture_files("black drawings on transparency, in grey")
def black_glyphs(home: Path) -> str:
    return said(glyphs(home, "LA", 0))


# --- grey or colour ------------------------------------------------------------------------------


@picture_files("grey pictures saved in colour")
def grey_in_colour(home: Path) -> str:
    return said(in_colour(home))


@picture_files("grey pictures saved in colour, `--channels 3`")
def grey_in_colour_as_asked(home: Path) -> str:
    return said(in_colour(home), pixels=PixelFormat(channels=3))


@picture_files("colour pictures, `--channels 1`")
def colour_as_grey(home: Path) -> str:
    return said(draw_folder(home, 120, classes=False, mode="RGB"), pixels=PixelFormat(channels=1))


def in_colour(home: Path) -> Path:
    """120 grey pictures, saved as RGB."""
    for path in draw_folder(home, 120, classes=False).iterdir():
        Image.open(path).convert("RGB").save(path)
    return home


# --- more than 8 bits ----------------------------------------------------------------------------


def numbers(home: Path, low: float, high: float, kind: type, **odd: float) -> Path:
    """104 TIFFs of 12 x 12 numbers from `low` to `high`; `odd`: numbers in one pixel of the first one each."""
    rng = np.random.default_rng(0)
    for i in range(104):
        values = rng.uniform(low, high, (12, 12)).astype(kind)
        for at, number in enumerate(odd.values() if i == 0 else ()):
            values[at, at] = number
        Image.fromarray(values).save(home / f"{i:03}.tif")
    return home


@picture_files("12 bits in files of 16")
def twelve_bits(home: Path) -> str:
    return said(numbers(home, 0, 4000, np.uint16))


@picture_files("numbers from 27 000 to 31 000")
def thermal(home: Path) -> str:
    return said(numbers(home, 27000, 31000, np.uint16))


@picture_files("negative numbers")
def negative(home: Path) -> str:
    return said(numbers(home, -1024, 3000, np.int32))


@picture_files("floats with NaN and infinities")
def not_a_number(home: Path) -> str:
    return said(numbers(home, 0, 1, np.float32, nothing=np.nan, most=np.inf, least=-np.inf))


@picture_files("a `--white` far above all numbers")
def white_far_above(home: Path) -> str:
    return said(numbers(home, 0, 4000, np.uint16), pixels=PixelFormat(white=65535))


@picture_files("`--white` for pictures of 8 bits")
def white_of_bytes(home: Path) -> str:
    return said(draw_folder(home, 110, classes=False), pixels=PixelFormat(white=99))


@picture_files("a `--black` above `--white`")
def black_above_white(home: Path) -> str:
    return said(numbers(home, 0, 4000, np.uint16), pixels=PixelFormat(black=9, white=5))


@picture_files("a `--black` above the white that is found")
def black_above_what_is_found(home: Path) -> str:
    return said(numbers(home, 0, 4000, np.uint16), pixels=PixelFormat(black=5000))


def colours(count: int, most: float) -> np.ndarray:
    """Pictures [count, 12, 12, 3] of numbers from 0 to below `most`."""
    return np.random.default_rng(0).uniform(0, most, (count, 12, 12, 3))


@picture_files("colours of 16 bits in PNG, TIFF or PPM")
def colours_of_16_bits(home: Path) -> str:
    for i, values in enumerate(colours(120, 4000).astype(np.uint16)):
        kind = ("png", "tiff", "ppm")[i % 3]
        (home / f"{i:03}.{kind}").write_bytes(cv2.imencode(f".{kind}", values)[1].tobytes())
    return said(home)


@picture_files("colours of 32-bit floats in TIFF")
def float_colours(home: Path) -> str:
    for i, values in enumerate(colours(104, 0.9).astype(np.float32)):
        (home / f"{i:03}.tif").write_bytes(cv2.imencode(".tif", values)[1].tobytes())
    return said(home)


@picture_files("a TIFF of 64-bit floats")
def doubles(home: Path) -> str:
    single = saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    bits = [struct.pack("<HHIHH", 258, 3, 1, count, 0) for count in (32, 64)]
    (plain(home) / "double.tif").write_bytes(single.replace(*bits))
    return said(home)


# --- formats and damage --------------------------------------------------------------------------

NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (70, 90, 3), dtype=np.uint8))


def plain(home: Path) -> Path:
    """120 grey pictures."""
    return draw_folder(home, 120, classes=False)


def beside(home: Path, **files: bytes) -> str:
    """What is said of 120 pictures and other files, whose ending follows the last underscore."""
    plain(home)
    for name, data in files.items():
        (home / ".".join(name.rsplit("_", 1))).write_bytes(data)
    return said(home)


@picture_files("AVIF named `.jpg`, `.jfif`, `.pgm`, a file without an ending")
def by_content(home: Path) -> str:
    grey = NOISE.convert("L")
    (plain(home) / "without").write_bytes(saved(grey, "PNG"))
    (home / "a.jpg").write_bytes(saved(NOISE, "AVIF"))
    (home / "b.jfif").write_bytes(saved(NOISE, "JPEG"))
    (home / "c.pgm").write_bytes(saved(grey, "PPM"))
    return said(home)


@picture_files("a JPEG without its last two bytes")
def without_end(home: Path) -> str:
    return beside(home, cut_jpg=saved(NOISE, "JPEG")[:-2])


@picture_files("half a JPEG")
def half(home: Path) -> str:
    data = saved(NOISE, "JPEG")
    return beside(home, half_jpg=data[: len(data) // 2])


@picture_files("a JPEG of 108 million pixels")
def of_a_telephone(home: Path) -> str:
    return beside(home, large_jpg=saved(Image.new("L", (12000, 9000), 90), "JPEG", quality=20))


@picture_files("a GIF with frames and a TIFF with pages")
def several(home: Path) -> str:
    more = {"save_all": True, "append_images": [NOISE.rotate(90)]}
    return beside(home, moving_gif=saved(NOISE, "GIF", **more), pages_tif=saved(NOISE, "TIFF", **more))


@picture_files("a file that Pillow warns of")
def warned_of(home: Path) -> str:
    beyond = struct.pack(">HHII", 0x011A, 5, 1, 0xFFFFFFF0)  # a tag that lies behind the end
    return beside(home, odd_jpg=saved(NOISE, "JPEG", exif=exif_with(1, beyond)))


@picture_files("a HEIC photograph named `.jpg`")
def heic(home: Path) -> str:
    return beside(home, photo_jpg=b"\0\0\0\x18ftypheic" + bytes(500))


@picture_files("films, archives, PDFs, vector drawings and raws beside pictures")
def other_kinds(home: Path) -> str:
    return beside(home, a_mp4=b"x", b_tar=b"x", c_pdf=b"%PDF", d_svg=b"<svg/>", e_nef=saved(NOISE, "TIFF"))


@picture_files("a folder of films")
def films(home: Path) -> str:
    (home / "a.mp4").write_bytes(b"x")
    return said(home)


@picture_files("a film")
def film(home: Path) -> str:
    (home / "a.mp4").write_bytes(b"x")
    return said(home / "a.mp4")


@picture_files("names that are no UTF-8")
def odd_names(home: Path) -> str:
    for name in ("b", os.fsdecode(b"caf\xe9")):
        draw_folder(home / name, 60, classes=False)
    return said(home).encode("utf-8", "backslashreplace").decode()


# --- framing -------------------------------------------------------------------------------------


@picture_files("pictures 4000 wide and 40 high, `--fit pad`")
def very_long(home: Path) -> str:
    for i in range(104):
        Image.new("L", (4000, 40), i + 50).save(home / f"{i}.png")
    return said(home, size=32, fit="pad")


def of_size(home: Path, side: int) -> str:
    """What is said of 120 squares of this side."""
    for path in plain(home).iterdir():
        Image.open(path).resize((side, side)).save(path)
    return said(home)


@picture_files("pictures of 28 pixels")
def digits(home: Path) -> str:
    return of_size(home, 28)


@picture_files("icons of 96 pixels")
def icons(home: Path) -> str:
    return of_size(home, 96)
