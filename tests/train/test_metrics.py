"""Figures of quality against cases whose answer is known."""

import numpy as np
import pytest

from train.metrics import Scale, frechet_distance, precision_recall, psnr, ssim


def test_frechet_distance_of_two_gaussians():
    """N(0, I) against N(m, 4 I) in d dimensions: |m|^2 + d."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((200_000, 3)), 2 * rng.standard_normal((200_000, 3)) + [1, 0, -2]
    assert frechet_distance(a, b) == pytest.approx(5 + 3, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_precision_and_recall_tell_collapse_from_noise():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((500, 4))
    collapsed = real[:5].repeat(100, axis=0) + 1e-3 * rng.standard_normal((500, 4))
    precision, recall = precision_recall(real, collapsed)
    assert precision > 0.95
    assert recall < 0.1
    assert precision_recall(real, real + 50) == (0.0, 0.0)


def test_scale_standardises_the_reference():
    features = np.random.default_rng(0).normal(3, 7, (1000, 4))
    scaled = Scale.of(features)(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-9)


def test_psnr_and_ssim_at_known_points():
    image = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    assert psnr(image, image + np.float32(0.1)) == pytest.approx(20, abs=1e-3)
    assert ssim(image, image) == pytest.approx(1, abs=1e-5)
    assert ssim(image, 1 - image) < 0.1
