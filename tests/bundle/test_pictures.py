"""One picture in any form: every mode and format, fit and background; and uploads, which are hostile until decoded."""

import io
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle import images, pictures
from bundle.errors import ImageError, UserError
from bundle.picture_files import TRAINING, UPLOAD
from bundle.pictures import BORDER, Framing, Mode
from bundle.schema import Fit
from train.data.load import load

REPOSITORY = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(5)
GREY = rng.integers(0, 256, (32, 32, 1), dtype=np.uint8)
COLOUR = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def framing(channels: int, size: int, how: Fit = "crop", background: str | None = None) -> Framing:
    mode: Mode = "L" if channels == 1 else "RGB"
    return Framing(mode, size, size, how, pictures.background_colour(mode, background))


def fit(image: Image.Image, mode: str, size: int, how: Fit = "crop", background: str | None = None) -> np.ndarray:
    """A picture as training frames it, uint8 [C, size, size]."""
    return pictures.frame(image, framing(1 if mode == "L" else 3, size, how, background))[0].transpose(2, 0, 1)


def decode(source: Path | bytes, channels: int, size: int) -> np.ndarray:
    """An upload as image [1, C, size, size]."""
    return images.from_uint8(pictures.decode(source, framing(channels, size))[None])


def saved(picture: Image.Image, fmt: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, fmt, **options)
    return buffer.getvalue()


def test_sixteen_bits_keep_their_gradation():
    deep = Image.fromarray((np.arange(256).reshape(16, 16) * 257).astype(np.uint16))
    assert np.abs(fit(deep, "L", 16)[0].astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (fit(clear, "RGB", 16) == 255).all()


def test_small_pictures_are_padded_with_their_border_and_others_cropped():
    picture = Image.new("L", (28, 28), 7)
    assert (fit(picture, "L", 32) == 7).all()
    wide = Image.fromarray(np.repeat(np.array([[0, 255, 255, 0]], np.uint8), 20, axis=1).repeat(40, axis=0))
    assert (fit(wide, "L", 16) > 230).all()


def test_exif_rotation_is_obeyed():
    picture = Image.new("L", (16, 16), 0)
    picture.paste(255, (0, 0, 16, 8))
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    stored = io.BytesIO()
    picture.save(stored, "JPEG", exif=exif, quality=100)
    assert fit(Image.open(stored), "L", 16)[0, -1].mean() > 250


def half_clear(mode: str) -> Image.Image:
    """Left half opaque mid grey (or orange), right half transparent."""
    image = Image.new("RGBA", (32, 32), (200, 100, 50, 0) if mode == "RGBA" else (120, 120, 120, 0))
    image.paste((200, 100, 50, 255) if mode == "RGBA" else (120, 120, 120, 255), (0, 0, 16, 32))
    if mode == "P":
        image = Image.new("P", (32, 32), 0)
        image.putpalette([200, 100, 50, 0, 0, 0])
        image.paste(1, (16, 0, 32, 32))
        image.info["transparency"] = 1
        return image
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize(("channels", "target", "under"), [(1, "L", 0), (3, "RGB", 255)])
def test_transparent_parts_look_in_training_as_in_the_demo(mode, channels, target, under):
    options = {"transparency": 1} if mode == "P" else {}
    data = saved(half_clear(mode), "PNG", **options)
    trained = fit(Image.open(io.BytesIO(data)), target, 32)
    assert (trained[:, :, 20:] == under).all()
    assert (trained[0, :, :12] < 220).all() and (trained[0, :, :12] > 90).all()
    assert np.array_equal(trained, images.to_uint8(decode(data, channels, 32))[0].transpose(2, 0, 1))


def test_a_background_can_be_chosen():
    assert fit(half_clear("RGBA"), "RGB", 32, background="#102030")[:, 0, -1].tolist() == [0x10, 0x20, 0x30]
    assert fit(half_clear("LA"), "L", 32, background="white")[0, 0, -1] == 255
    with pytest.raises(UserError, match="'whit' is no colour for a background"):
        load("shapes", background="whit")


def test_pad_shows_the_whole_picture_on_the_background():
    wide = Image.new("RGB", (64, 32), "red")
    padded = fit(wide, "RGB", 32, "pad", "blue")
    assert padded[:, 16, 0].tolist() == [255, 0, 0] and padded[:, 16, -1].tolist() == [255, 0, 0]
    assert padded[:, 7, 16].tolist() == [0, 0, 255] and padded[:, -8, 16].tolist() == [0, 0, 255]
    assert padded[:, 8, 16].tolist() == [255, 0, 0]
    assert (fit(wide, "RGB", 32, "crop", "blue")[2] == 0).all()
    small = fit(Image.new("L", (28, 28), 90), "L", 32, "pad")
    assert small[0, 2:30, 2:30].min() == 90 and small[0, :2].max() == 0


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(fmt):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    data = saved(frames[0], fmt, save_all=True, append_images=frames[1:])
    assert fit(Image.open(io.BytesIO(data)), "L", 16).min() > 250


def test_float_pictures():
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    assert fit(Image.fromarray(ramp), "L", 16)[0].tolist() == np.arange(256).reshape(16, 16).tolist()
    ramp[3, 3], ramp[4, 4], ramp[5, 5] = np.nan, np.inf, -np.inf  # nothing was measured there
    seen = fit(Image.fromarray(ramp), "L", 16)[0]
    assert (seen[3, 3], seen[4, 4], seen[5, 5], seen[6, 6]) == (0, 255, 0, 6 * 17)
    with pytest.raises(ValueError, match="no pixel is a number"):
        fit(Image.fromarray(np.full_like(ramp, np.nan)), "L", 16)


# --- uploads -------------------------------------------------------------------------------------


def huge_png(width: int, height: int) -> bytes:
    """A valid black PNG of any size, from a few kilobytes, without ever holding its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(9), bytes(width + 1)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("picture", [GREY, COLOUR])
def test_png_of_model_size_comes_back_exactly(picture: np.ndarray):
    image = decode(images.png(picture), picture.shape[-1], 32)
    assert image.dtype == np.float32 and image.shape == (1, picture.shape[-1], 32, 32)
    assert (images.to_uint8(image)[0] == picture).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_png_mode_is_read(mode: str, channels: int):
    image = decode(saved(Image.fromarray(COLOUR).convert(mode), "PNG"), channels, 16)
    assert image.shape == (1, channels, 16, 16) and 0 <= image.min() <= image.max() <= 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path):
    """In a process of its own: in this one the peak may lie far above what any picture takes."""
    data = huge_png(13000, 13000)
    assert len(data) < UPLOAD.bytes
    (tmp_path / "bomb.png").write_bytes(data)
    code = """if True:
        import re, sys
        from pathlib import Path
        from bundle import pictures
        peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
        before = peak()
        try:
            pictures.decode(Path(sys.argv[1]), pictures.Framing("L", 32, 32, "crop", "#000000"))
        except pictures.ImageError as error:
            print(peak() - before, error)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "bomb.png")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    grown, _, sentence = done.stdout.partition(" ")
    assert "8 million" in sentence, done.stderr
    assert int(grown) < 20_000  # KiB; its pixels fill 165,000


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_just_over_the_limit_is_refused_and_just_under_is_read():
    with pytest.raises(ImageError, match="8 million"):
        decode(huge_png(4000, 2001), 1, 32)
    assert decode(huge_png(4000, 2000), 1, 32).max() == 0


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF"])
def test_truncated_files_are_refused(fmt: str):
    data = saved(Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)), fmt)
    with pytest.raises(ImageError, match="not a picture"):
        decode(data[: len(data) // 2], 3, 32)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(1000)]
)
def test_other_files_are_refused(data: bytes):
    with pytest.raises(ImageError, match="not a picture"):
        decode(data, 1, 32)


def test_formats_outside_the_list_are_refused():
    data = saved(Image.fromarray(COLOUR), "TIFF")
    with pytest.raises(ImageError, match="not a picture"):
        decode(data, 3, 32)
    assert (pictures.decode(data, framing(3, 32), TRAINING) == COLOUR).all()  # training reads TIFF too


def test_too_many_bytes_are_refused_from_memory_and_from_disk(tmp_path: Path):
    data = images.png(GREY) + bytes(UPLOAD.bytes)
    (tmp_path / "large.png").write_bytes(data)
    for source in (data, tmp_path / "large.png"):
        with pytest.raises(ImageError, match="5 MB"):
            decode(source, 1, 32)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ImageError, match="cannot be opened"):
        decode(tmp_path / "none.png", 1, 32)


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_damaged_files_raise_nothing_but_image_errors(fmt: str):
    whole = saved(Image.fromarray(COLOUR), fmt)
    for _ in range(150):
        data = bytearray(whole)
        for position in rng.integers(0, len(data), 4):
            data[position] = rng.integers(256)
        try:
            image = decode(bytes(data), 1, 8)
        except ImageError:
            continue
        assert np.isfinite(image).all() and 0 <= image.min() <= image.max() <= 1


def test_exif_rotation_is_applied():
    upright = np.zeros((40, 40, 3), np.uint8)
    upright[:, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise
    image = decode(saved(Image.fromarray(upright), "PNG", exif=exif), 1, 40)
    assert image[0, 0, :20].mean() == 1 and image[0, 0, 20:].mean() == 0


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    image = decode(saved(Image.fromarray(ramp), "PNG"), 1, 32)
    assert image[0, 0] == pytest.approx(ramp / 65535, abs=1 / 255)


def test_sixteen_bit_grey_that_holds_bytes_is_left_alone():
    image = decode(saved(Image.fromarray(GREY[..., 0].astype(np.uint16)), "PNG"), 1, 32)
    assert (images.to_uint8(image)[0] == GREY).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("height", "width", "border"), [(28, 28, BORDER), (28, 31, BORDER), (24, 32, None), (27, 25, None)]
)
def test_a_picture_a_little_smaller_keeps_its_pixels_and_gets_a_margin(height, width, border, channels: int):
    """`border` None: what runs and bundles did before it was recorded."""
    picture = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    seen = pictures.decode(images.png(picture), replace(framing(channels, 32), border=border))
    top, left = (32 - height) // 2, (32 - width) // 2
    assert (seen[top : top + height, left : left + width] == picture).all()
    assert (seen[0, left] == picture[0, 0]).all() and (seen[31, 31] == picture[-1, -1]).all()


@pytest.mark.parametrize(("how", "side"), [("crop", 96), ("crop", 120), ("pad", 96)])
def test_smaller_icons_fill_the_frame_and_get_no_legs(how: Fit, side: int):
    """What touches the edge of an icon is drawn larger, not on and on outward."""
    icon = Image.new("L", (side, side), 0)
    icon.paste(255, (side // 2 - 4, side // 2, side // 2 + 4, side))  # a stem that touches the lower edge
    seen = pictures.frame(icon, framing(1, 128, how))[0][..., 0]
    assert np.array_equal(seen, np.asarray(icon.resize((128, 128), Image.Resampling.LANCZOS)))
    older = pictures.frame(icon, replace(framing(1, 128, how), border=None))[0][..., 0]
    assert not np.array_equal(older, seen)


@pytest.mark.parametrize("extent", [(4000, 40), (40, 4000), (300, 1)])
def test_very_long_pictures_are_shown_whole(extent: tuple[int, int]):
    seen = pictures.frame(Image.new("L", extent, 200), framing(1, 32, "pad"))[0][..., 0]
    assert seen.max() == 200 and min((seen > 0).sum(axis=0).max(), (seen > 0).sum(axis=1).max()) == 1


@pytest.mark.parametrize("shape", [(28, 28), (32, 24), (32, 23), (20, 20), (33, 30), (90, 50)])
def test_uploads_are_prepared_like_training_pictures(shape: tuple[int, int]):
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    wanted = fit(Image.fromarray(picture), "RGB", 32)
    assert (images.to_uint8(decode(images.png(picture), 3, 32))[0].transpose(2, 0, 1) == wanted).all()


def test_a_picture_far_smaller_is_enlarged():
    picture = np.zeros((23, 23, 1), np.uint8)
    picture[:, 12:] = 255
    image = decode(images.png(picture), 1, 32)[0, 0]
    assert image[:, :14].max() < 0.1 and image[:, 19:].min() > 0.9


def test_cmyk_is_converted():
    file = saved(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG")
    image = decode(file, 3, 32)
    assert image[0].mean(axis=(1, 2)) == pytest.approx([1, 0, 0], abs=0.15)
    assert np.array_equal(decode(pictures.eight_bit_png(file, framing(3, 32)), 3, 32), image)


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_counts(fmt: str):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("white", "black", "red")]
    image = decode(saved(frames[0], fmt, save_all=True, append_images=frames[1:], duration=50), 1, 32)
    assert image.min() > 0.98


@pytest.mark.parametrize(("channels", "paper"), [(1, 0.0), (3, 1.0)])
def test_transparency_lies_on_black_for_grey_and_on_white_for_colour(channels: int, paper: float):
    drawing = np.zeros((32, 32, 4), np.uint8)
    drawing[8:24, 8:24] = (128, 128, 128, 255)
    image = decode(saved(Image.fromarray(drawing), "PNG"), channels, 32)
    assert image[0, :, 0, 0] == pytest.approx(paper) and image[0, :, 16, 16] == pytest.approx(128 / 255)


def test_transparent_palette():
    palette = Image.new("P", (32, 32), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.paste(1, (0, 0, 32, 16))
    image = decode(saved(palette, "PNG", transparency=0), 3, 32)
    assert image[0, :, 24, 0] == pytest.approx([1, 1, 1]) and image[0, :, 4, 0] == pytest.approx([0, 1, 0])


def test_the_central_square_is_kept():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    assert decode(images.png(wide), 1, 20).min() == 1
    assert decode(images.png(wide.transpose(1, 0, 2)), 1, 20).min() == 1


def test_extreme_shapes_are_read():
    assert decode(saved(Image.new("L", (5000, 1), 255), "PNG"), 1, 32).min() > 0.99
    assert decode(saved(Image.new("L", (1, 1), 255), "PNG"), 3, 32).min() > 0.99


# --- sizes that are not square -------------------------------------------------------------------


def wide(how: Fit, mode: Mode = "L") -> Framing:
    return Framing(mode, 32, 48, how, "#000000")


@pytest.mark.parametrize("how", ["crop", "pad"])
def test_a_picture_of_the_wanted_proportions_is_shown_whole(how: Fit):
    same = rng.integers(0, 256, (32, 48), dtype=np.uint8)
    assert np.array_equal(pictures.frame(Image.fromarray(same), wide(how))[0][..., 0], same)
    twice = Image.fromarray(same).resize((96, 64), Image.Resampling.NEAREST)
    assert np.abs(pictures.frame(twice, wide(how))[0][..., 0].astype(int) - same).mean() < 25


def test_a_wide_framing_crops_above_and_below_and_pads_left_and_right():
    rows = Image.fromarray(np.repeat(np.array([[0], [255], [255], [0]], np.uint8), 24, axis=0).repeat(96, axis=1))
    assert rows.size == (96, 96)
    cropped = pictures.frame(rows, wide("crop"))[0]
    assert cropped.shape == (32, 48, 1) and cropped[8:-8].min() == 255 and cropped[0].max() < 40
    padded = pictures.frame(Image.new("L", (96, 96), 200), wide("pad"))[0]
    assert (padded[:, 8:40] == 200).all() and not padded[:, :8].any() and not padded[:, 40:].any()


def test_a_picture_that_nearly_fills_a_wide_framing_keeps_its_pixels():
    small = rng.integers(0, 256, (28, 46), dtype=np.uint8)
    cropped, padded = (pictures.frame(Image.fromarray(small), wide(how))[0][..., 0] for how in ("crop", "pad"))
    assert np.array_equal(cropped[2:30, 1:47], small) and np.array_equal(padded[2:30, 1:47], small)
    assert (cropped[:3, 1:47] == small[0]).all() and not padded[:2].any()
    assert pictures.fills((44, 28), wide("crop"))
    assert not any(pictures.fills(extent, wide("crop")) for extent in ((44, 27), (43, 28), (32, 48), (49, 32)))
    older = replace(wide("crop"), border=None)  # three quarters were enough
    assert pictures.fills((36, 24), older)
    assert not any(pictures.fills(extent, older) for extent in ((36, 23), (35, 24), (32, 48), (49, 32)))


def test_a_turned_jpeg_is_decoded_large_enough_for_a_wide_framing():
    fine = Image.fromarray(np.tile(np.array([0, 255], np.uint8), 600).repeat(1600).reshape(1200, 1600).copy())
    exif = fine.getexif()
    exif[0x0112] = 6  # a quarter turn
    stored = io.BytesIO()
    fine.save(stored, "JPEG", exif=exif)
    turned = pictures.upright(Image.open(stored), Framing("L", 32, 200, "crop", "#000000"))
    assert turned.width >= 400


def test_a_mask_has_the_framing_of_its_picture():
    mask = Image.new("L", (48, 32), 255)
    mask.paste(0, (0, 0, 12, 32))
    found = pictures.decode_mask(saved(mask, "PNG"), wide("crop", "RGB"))
    assert found.shape == (1, 1, 32, 48) and not found[..., :12].any() and found[..., 12:].all()
