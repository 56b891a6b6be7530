"""The Fréchet distance, where its value is known."""

import numpy as np
import pytest

from train.evaluate.frechet_distance import frechet_distance


def test_frechet_distance_of_two_gaussians():
    """N(0, I) against N(m, 4 I) in d dimensions: |m|^2 + d."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((200_000, 3)), 2 * rng.standard_normal((200_000, 3)) + [1, 0, -2]
    assert frechet_distance(a, b) == pytest.approx(5 + 3, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_of_correlated_features_is_the_matrix_root():
    """Against the root of the product itself, by its eigenvalues; also where fewer rows than features are given."""
    rng = np.random.default_rng(0)
    for rows in (400, 8):
        a, b = (rng.standard_normal((rows, 12)) @ rng.standard_normal((12, 12)) for _ in range(2))
        covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
        expected = np.square(a.mean(0) - b.mean(0)).sum() + sum(map(np.trace, covariances)) - 2 * root
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
