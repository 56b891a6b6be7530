"""Uploads are hostile until decoded; what goes out can be read back."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle import images
from bundle.errors import InputError
from bundle.images import ImageError, decode
from bundle.pictures import fit

REPOSITORY = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(5)
GREY = rng.integers(0, 256, (32, 32, 1), dtype=np.uint8)
COLOUR = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def saved(picture: Image.Image, fmt: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, fmt, **options)
    return buffer.getvalue()


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
    assert len(data) < images.MAX_UPLOAD_BYTES
    (tmp_path / "bomb.png").write_bytes(data)
    code = """if True:
        import re, sys
        from pathlib import Path
        from bundle import images
        peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
        before = peak()
        try:
            images.decode(Path(sys.argv[1]), 1, 32)
        except images.ImageError as error:
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
    with pytest.raises(ImageError, match="not a picture"):
        decode(saved(Image.fromarray(COLOUR), "TIFF"), 3, 32)


def test_too_many_bytes_are_refused_from_memory_and_from_disk(tmp_path: Path):
    data = images.png(GREY) + bytes(images.MAX_UPLOAD_BYTES)
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
@pytest.mark.parametrize(("height", "width"), [(28, 28), (24, 32), (27, 25)])
def test_a_picture_a_little_smaller_keeps_its_pixels_and_gets_a_margin(height: int, width: int, channels: int):
    picture = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    seen = images.to_uint8(decode(images.png(picture), channels, 32))[0]
    top, left = (32 - height) // 2, (32 - width) // 2
    assert (seen[top : top + height, left : left + width] == picture).all()
    assert (seen[0, left] == picture[0, 0]).all() and (seen[31, 31] == picture[-1, -1]).all()


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
    image = decode(saved(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), 3, 32)
    assert image[0].mean(axis=(1, 2)) == pytest.approx([1, 0, 0], abs=0.15)


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


# --- out -----------------------------------------------------------------------------------------


def test_a_byte_is_round_255_x():
    levels = np.arange(256, dtype=np.float32) / 255
    assert (images.to_uint8(levels.reshape(1, 1, 16, 16)).ravel() == np.arange(256)).all()
    outside = np.array([-1, 2, 0.4 / 255, 0.6 / 255], np.float32).reshape(1, 1, 2, 2)
    assert images.to_uint8(outside).ravel().tolist() == [0, 255, 0, 1]


def test_from_uint8_is_the_inverse_of_to_uint8():
    assert (images.to_uint8(images.from_uint8(COLOUR[None])) == COLOUR).all()


def test_sheet_runs_row_by_row_without_gaps():
    pictures = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2)
    assert images.sheet(pictures, 3)[..., 0].tolist() == [
        [0, 0, 1, 1, 2, 2],
        [0, 0, 1, 1, 2, 2],
        [3, 3, 4, 4, 0, 0],
        [3, 3, 4, 4, 0, 0],
    ]


def test_upscale_repeats_whole_pixels():
    large = images.upscale(COLOUR, 256)
    assert large.shape == (256, 256, 3) and (large[::8, ::8] == COLOUR).all() and (large[7::8, 7::8] == COLOUR).all()
    assert images.upscale(COLOUR, 10) is not None and images.upscale(COLOUR, 10).shape == COLOUR.shape


@pytest.mark.parametrize(("fmt", "shape"), [("webp", GREY.shape), ("webp", COLOUR.shape), ("gif", GREY.shape)])
def test_animations_keep_every_frame_exactly(fmt: str, shape: tuple[int, ...]):
    frames = rng.integers(0, 256, (5, *shape), dtype=np.uint8)
    with Image.open(io.BytesIO(images.animation(frames, fmt, ms=40, size=64))) as opened:
        assert opened.n_frames == 5 and opened.info["loop"] == 0
        for i, frame in enumerate(frames):
            opened.seek(i)
            opened.load()
            assert opened.info["duration"] == 40
            shown = np.asarray(opened.convert("RGB"))
            assert (shown == np.broadcast_to(images.upscale(frame, 64), shown.shape)).all()


def test_an_animation_of_one_frame():
    for fmt in ("webp", "gif"):
        with Image.open(io.BytesIO(images.animation(GREY[None], fmt))) as opened:
            assert opened.size == (256, 256)


def test_strip_lays_frames_side_by_side():
    frames = np.stack([GREY, 255 - GREY])
    with Image.open(io.BytesIO(images.animation(frames, "png-strip", size=32))) as opened:
        assert (np.asarray(opened) == np.concatenate([GREY, 255 - GREY], axis=1)[..., 0]).all()


def test_unknown_animation_format():
    with pytest.raises(InputError, match="webp, gif or png-strip"):
        images.animation(GREY[None], "mov")


# --- errors --------------------------------------------------------------------------------------


def test_psnr():
    a = np.zeros((1, 1, 32, 32), np.float32)
    assert images.psnr(a, a) == float("inf")
    assert images.psnr(a, a + np.float32(0.1)) == pytest.approx(20, abs=1e-4)


def test_masked_error_counts_known_pixels_only():
    a, mask = np.zeros((2, 3, 4, 4), np.float32), np.zeros((1, 1, 4, 4), np.float32)
    b = a.copy()
    b[:, :, 0, 0], b[1, :, 3, 3], mask[..., 0, 0] = 0.5, 9, 1
    assert images.mse(a, b, mask) == pytest.approx([0.25, 0.25])
    assert images.mse(a, b, np.zeros_like(mask)) == pytest.approx([0, 0])


def test_ssim_against_the_plain_formula():
    """Wang et al. 2004, written as a double loop over windows."""
    a = rng.uniform(size=(1, 1, 14, 15)).astype(np.float32)
    b = np.clip(a + rng.normal(0, 0.2, a.shape), 0, 1).astype(np.float32)
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2
    values = []
    for i in range(14 - 10):
        for j in range(15 - 10):
            x, y = (v[0, 0, i : i + 11, j : j + 11].astype(np.float64) for v in (a, b))
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append(
                (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2) / (mx**2 + my**2 + 0.01**2) / (vx + vy + 0.03**2)
            )
    assert images.ssim(a, b) == pytest.approx(np.mean(values), abs=1e-10)
    assert images.ssim(a, a) == pytest.approx(1)
