"""Errors and sharpness of pictures."""

import numpy as np
import pytest
import torch

from train.evaluate import picture_quality
from train.evaluate.picture_quality import mse, psnr, sharpness, ssim


def test_psnr_and_ssim_at_known_points():
    image = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    assert psnr(image, image + np.float32(0.1)) == pytest.approx(20, abs=1e-3)
    assert ssim(image, image) == pytest.approx(1, abs=1e-5)
    assert ssim(image, 1 - image) < 0.1


def test_bytes_are_the_pictures_they_stand_for(monkeypatch):
    a, b = np.random.default_rng(0).integers(0, 256, (2, 30, 3, 16, 16), dtype=np.uint8)
    float_a, float_b = a.astype(np.float32) / 255, b.astype(np.float32) / 255
    whole = [f(float_a, float_b) for f in (mse, psnr, ssim)]
    monkeypatch.setattr(picture_quality, "BLOCK", 7)
    assert [f(a, b) for f in (mse, psnr, ssim)] == pytest.approx(whole, rel=1e-5)
    assert sharpness(a) == pytest.approx(sharpness(float_a))


def test_sharpness_is_the_variance_of_the_laplacian_and_falls_with_blur():
    column = (np.arange(16) % 2).astype(np.float32)
    stripes = np.broadcast_to(column, (4, 1, 16, 16))  # the Laplacian of stripes of width 1 is +2 and -2
    assert sharpness(stripes) == pytest.approx(4)
    noise = np.random.default_rng(0).random((8, 1, 32, 32), dtype=np.float32)
    blurred = (noise + np.roll(noise, 1, 2) + np.roll(noise, 1, 3) + np.roll(noise, (1, 1), (2, 3))) / 4
    assert sharpness(blurred) < 0.3 * sharpness(noise)


def test_an_error_over_some_pixels_leaves_out_the_others():
    a, b = np.zeros((3, 1, 16, 16), np.uint8), np.zeros((3, 1, 16, 16), np.uint8)
    where = np.zeros((3, 1, 16, 16), bool)
    where[0, :, :4], where[1, :, 0] = True, True
    b[0, :, :4], b[2] = 51, 255  # a fifth of the way to white, and a picture that is not looked at
    assert mse(a, b, where) == pytest.approx(0.04 * 64 / 80)
    assert mse(a, b) == pytest.approx((0.04 * 64 + 256) / 768)


def test_ssim_is_that_of_torchmetrics():
    from torchmetrics.functional.image import structural_similarity_index_measure  # slow to load

    a = np.random.default_rng(1).random((3, 3, 32, 48), dtype=np.float32)
    b = np.clip(a + 0.1, 0, 1) ** 2
    theirs = structural_similarity_index_measure(torch.from_numpy(a), torch.from_numpy(b), data_range=1.0)
    assert ssim(a, b) == pytest.approx(float(theirs), abs=1e-5)


def test_ssim_counts_the_edges_too():
    """Stored figures do: pictures that differ at their edges alone are not equal."""
    image = np.random.default_rng(0).random((2, 1, 32, 32), dtype=np.float32)
    framed = image.copy()
    framed[:, :, 0] = 1 - framed[:, :, 0]
    inner = image.copy()
    inner[:, :, 16] = 1 - inner[:, :, 16]
    assert ssim(image, inner) < ssim(image, framed) < 0.97
