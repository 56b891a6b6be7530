"""Arrays of pictures: bytes and numbers, sheets, enlarging, and how far two images are apart."""

import numpy as np
import pytest

from bundle import images

rng = np.random.default_rng(5)
GREY = rng.integers(0, 256, (32, 32, 1), dtype=np.uint8)
COLOUR = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)


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
    """Wang et al. 2004, written as a double loop over windows; pictures are mirrored at their edges."""
    a = rng.uniform(size=(1, 1, 14, 15)).astype(np.float32)
    b = np.clip(a + rng.normal(0, 0.2, a.shape), 0, 1).astype(np.float32)
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2
    values = []
    wide = [np.pad(v[0, 0].astype(np.float64), 5, mode="reflect") for v in (a, b)]
    for i in range(14):
        for j in range(15):
            x, y = (v[i : i + 11, j : j + 11] for v in wide)
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append(
                (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2) / (mx**2 + my**2 + 0.01**2) / (vx + vy + 0.03**2)
            )
    assert images.ssim(a, b) == pytest.approx(np.mean(values), abs=1e-10)
    assert images.ssim(a, a) == pytest.approx(1)


def test_ssim_needs_room_for_its_window():
    a = rng.uniform(size=(1, 1, 11, 10)).astype(np.float32)
    assert images.ssim(a, a) is None
    assert images.ssim(a.repeat(2, axis=3), a.repeat(2, axis=3)) == pytest.approx(1)


def test_images_are_tiled_as_pictures_are():
    tiled = images.tiled(images.from_uint8(np.stack([COLOUR, COLOUR[::-1], COLOUR])), 2)
    assert tiled.shape == (1, 3, 64, 64) and tiled.dtype == np.float32 and tiled.flags.c_contiguous
    sheet = images.sheet(np.stack([COLOUR, COLOUR[::-1], COLOUR]), 2)
    assert (images.to_uint8(tiled)[0] == sheet).all() and not sheet[32:, 32:].any()
