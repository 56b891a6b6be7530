"""Codes of the section of the VAE."""

import numpy as np
import pytest

from train.evaluate.vae import halfway, mixture_codes


def test_codes_of_the_prior_have_its_mean_and_covariance():
    lower = np.array([[1.0, 0], [0.5, 0.2]])
    mixture = {
        "weights": np.array([0.25, 0.75]),
        "means": np.array([[0.0, 0], [4, -4]]),
        "cholesky": np.stack([lower] * 2),
    }
    codes = mixture_codes(mixture, 20_000, 0)
    second = codes[codes[:, 0] - codes[:, 1] > 4]
    assert len(second) / len(codes) == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(second.mean(axis=0), [4, -4], atol=0.03)
    np.testing.assert_allclose(np.cov(second.T), lower @ lower.T, atol=0.05)


def test_halfway_is_the_middle_of_the_arc():
    a, b = np.array([[3.0, 0], [1, 0], [1, 0]]), np.array([[0.0, 1], [1, 0], [-1, 0]])
    np.testing.assert_allclose(halfway(a, b), [[2**0.5, 2**0.5], [1, 0], [0, 0]], atol=1e-6)
