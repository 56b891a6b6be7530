"""Files as people have them: without their end, turned by damaged EXIF, very large, of many formats, in 16 bits."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bundle import pictures
from bundle.deep_pixels import numbers
from bundle.errors import ImageError
from bundle.picture_files import PICTURE_BEGINS, TRAINING, UPLOAD, has_more_frames, opened
from bundle.pictures import Framing
from tests.bundle.test_pictures import framing, saved

rng = np.random.default_rng(3)
NOISE = Image.fromarray(rng.integers(0, 256, (70, 90, 3), dtype=np.uint8))


def png_of_16_bits(values: np.ndarray, key: tuple[int, ...] = ()) -> bytes:
    """A PNG of uint16 [H, W], [H, W, 3] or [H, W, 4]; `key`: its transparent colour (tRNS)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    colours = 0 if values.ndim == 2 else {3: 2, 4: 6}[values.shape[2]]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colours, 0, 0, 0)
    clear = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + clear
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


# --- JPEG ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_that_lacks_its_end_marker_is_whole(options: dict, cut: int):
    whole = saved(NOISE, "JPEG", **options)
    assert np.array_equal(opened(whole[:-cut], UPLOAD), opened(whole, UPLOAD))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
@pytest.mark.parametrize("cut", [4, 11, 200, 3000])
def test_a_jpeg_that_lacks_more_is_refused(options: dict, cut: int):
    with pytest.raises(ImageError, match="not a picture"):
        pictures.decode(saved(NOISE, "JPEG", **options)[:-cut], framing(3, 32))


@pytest.mark.parametrize("seed", range(8))
def test_a_photograph_may_be_followed_by_a_film(seed: int):
    """As telephones store them: bytes of the film look like markers."""
    film = np.random.default_rng(seed).integers(0, 256, 200_000, np.uint8).tobytes()
    preview = b"\xff\xe2" + struct.pack(">H", 800) + bytes(400) + b"\xff\xda\xff\xd9" + bytes(394)
    whole = saved(NOISE, "JPEG")
    photograph = whole[:2] + preview + whole[2:]
    for data in (photograph, photograph + film, photograph + whole[:-9]):
        assert np.array_equal(opened(data, UPLOAD), opened(whole, UPLOAD))
    with pytest.raises(ImageError, match="not a picture"):
        pictures.decode(photograph[:-200], framing(3, 32))


def test_a_large_jpeg_is_decoded_small_and_other_files_stay_within_their_limit():
    """108 million pixels of a telephone."""
    large = saved(Image.new("L", (12000, 9000), 90), "JPEG", quality=30)
    assert np.abs(pictures.frame(opened(large, TRAINING), framing(1, 64))[0].astype(int) - 90).max() <= 1
    with pytest.raises(ImageError, match="64 million"):
        pictures.decode(large, framing(1, 64))
    twelve = saved(Image.new("L", (4000, 3000), 90), "JPEG", quality=30)
    assert pictures.decode(twelve, framing(1, 64)).shape == (64, 64, 1)
    with pytest.raises(ImageError, match="8 million"):  # at half the size that is wanted it has more than 8 million
        pictures.decode(saved(Image.new("L", (8000, 4000)), "JPEG"), framing(1, 2000))


def exif_with(orientation: int, damage: bytes) -> bytes:
    """An EXIF block whose first tag is the orientation, and whose second one says nonsense."""
    entries = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + damage
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + entries + struct.pack(">I", 0)


@pytest.mark.parametrize(
    "damage",
    [
        struct.pack(">HHII", 0x011A, 5, 1, 0xFFFFFFF0),  # a fraction beyond the end
        struct.pack(">HHII", 0x8769, 4, 1, 0xFFFFFF),  # a block beyond the end
        struct.pack(">HHII", 0x9286, 99, 7, 3),  # an unknown type
    ],
)
def test_a_damaged_exif_block_costs_no_picture(damage: bytes):
    picture = Image.new("L", (40, 20), 0)
    picture.paste(255, (0, 0, 40, 10))
    for orientation, bright in ((3, 15), (77, 4)):  # upside down; none that there is
        data = saved(picture, "JPEG", exif=exif_with(orientation, damage), quality=95)
        seen = pictures.frame(opened(data, TRAINING), Framing("L", 20, 40, "crop", "#000000"))[0]
        assert seen[bright].min() > 200 and seen[19 - bright].max() < 60


def test_an_exif_block_that_is_no_block_turns_nothing():
    data = saved(NOISE, "JPEG", exif=b"Exif\0\0nonsense")
    assert pictures.decode(data, framing(3, 32)).shape == (32, 32, 3)


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["AVIF", "JPEG2000", "PPM", "TIFF", "BMP", "ICO", "WEBP"])
def test_the_content_decides_on_the_format(fmt: str):
    data = saved(NOISE.resize((64, 64)), fmt)
    assert pictures.frame(opened(data, TRAINING), framing(3, 64))[0].std() > 20


@pytest.mark.parametrize("begins", [b"P5\r\n4 4 255\n", b"P6 4 4 255\n", b"Pf\n4 4\n-1.0\n"], ids=["PGM", "PPM", "PFM"])
def test_every_netpbm_file_that_is_opened_is_known_by_its_beginning(begins: bytes):
    data = begins + bytes(64)
    assert opened(data, TRAINING).size == (4, 4) and PICTURE_BEGINS.match(data)
    assert not PICTURE_BEGINS.match(b"P7\nWIDTH 4")  # no format that is opened


def test_pages_and_frames_are_known_and_previews_of_telephones_are_none():
    second = NOISE.rotate(90)
    for fmt, several in (("GIF", True), ("TIFF", True), ("WEBP", True), ("MPO", False)):
        data = saved(NOISE, fmt, save_all=True, append_images=[second])
        assert has_more_frames(opened(data, TRAINING)) == several
    assert not has_more_frames(opened(saved(NOISE, "TIFF"), TRAINING))


def test_a_tiff_of_64_bit_floats_is_named():
    image = io.BytesIO(saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"))
    data = image.getvalue().replace(struct.pack("<HHIHH", 258, 3, 1, 32, 0), struct.pack("<HHIHH", 258, 3, 1, 64, 0))
    with pytest.raises(OSError, match="numbers of 64 bits"):
        opened(data, TRAINING)


# --- 16 bits -------------------------------------------------------------------------------------

RAMP = (np.arange(256).reshape(16, 16) * 16).astype(np.uint16)  # 12 bits
FORMATS_OF_16_BITS = {
    "png": png_of_16_bits(RAMP),
    "tiff": saved(Image.fromarray(RAMP), "TIFF"),
    "pgm": b"P5 16 16 65535\n" + RAMP.astype(">u2").tobytes(),
    "jp2": saved(Image.fromarray(RAMP), "JPEG2000"),
    "32-bit tiff": saved(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
    "float tiff": saved(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
}


@pytest.mark.parametrize("fmt", FORMATS_OF_16_BITS)
def test_deep_pictures_come_by_the_range_of_their_set(fmt: str):
    wanted = Framing("L", 16, 16, "crop", "#000000", (0, 4095))
    seen = pictures.decode(FORMATS_OF_16_BITS[fmt], wanted, TRAINING)[..., 0]
    assert np.abs(seen.astype(float) - RAMP / 4095 * 255).max() <= 0.5
    alone = pictures.decode(FORMATS_OF_16_BITS[fmt], Framing("L", 16, 16, "crop", "#000000"), TRAINING)[..., 0]
    assert np.array_equal(alone, seen)  # a bundle of 8-bit pictures: by the picture's own range


def test_bytes_come_as_they_are_whatever_the_range():
    grey = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    wanted = Framing("L", 16, 16, "crop", "#000000", (0, 4095))
    assert np.array_equal(pictures.decode(saved(Image.fromarray(grey), "PNG"), wanted)[..., 0], grey)


def test_the_transparent_grey_of_a_png_of_16_bits():
    data = png_of_16_bits(RAMP, (int(RAMP[3, 3]),))
    seen = pictures.decode(data, Framing("L", 16, 16, "crop", "#ffffff", (0, 4095)))[..., 0]
    assert seen[3, 3] == 255 and (seen == 255).sum() == 1


def test_the_transparent_colour_of_a_png_of_16_bits():
    colours = np.stack([RAMP * 16, RAMP * 15, RAMP * 3], axis=2)
    data = png_of_16_bits(colours, tuple(int(part) for part in colours[9, 9]))
    seen = pictures.decode(data, Framing("RGB", 16, 16, "crop", "#0000ff"))
    assert seen[9, 9].tolist() == [0, 0, 255] and seen[9, 12].tolist() != [0, 0, 255]


def test_unsigned_32_bits_and_numbers_of_no_data():
    values = np.full((4, 4), 3_000_000_000, np.uint32)
    values[0] = 7
    signed = saved(Image.fromarray(values.view(np.int32)), "TIFF")
    data = signed.replace(struct.pack("<HHIHH", 339, 3, 1, 2, 0), struct.pack("<HHIHH", 339, 3, 1, 1, 0))
    image = opened(data, TRAINING)
    image.load()
    assert np.array_equal(numbers(image), values)
    data = saved(Image.fromarray(np.full((4, 4), -9999, np.float32)), "TIFF", tiffinfo={42113: "-9999"})
    image = opened(data, TRAINING)
    image.load()
    assert np.isnan(numbers(image)).all()


def test_a_damaged_avif_is_no_picture():
    """Its library raises an error of its own kind, when it opens a file and when it decodes one."""
    whole = saved(NOISE.resize((50, 40)), "AVIF")
    refused = 0
    for place in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        with contextlib.suppress(OSError, ImageError):
            opened(bytes(damaged), TRAINING)
        try:
            pictures.decode(bytes(damaged), framing(3, 32), TRAINING)
        except ImageError:
            refused += 1
    assert refused > 5
