"""Latent arithmetic means what it says: end points, norms, continuity, densities."""

import timeit
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from sklearn.mixture import GaussianMixture

from bundle.errors import InputError
from bundle.latents import (
    Mixture,
    blend,
    class_rows,
    class_weights,
    from_normal,
    lerp,
    one_hot,
    plane_latent,
    seed_latent,
    slerp,
    truncate,
)
from tests.support import tiny

KEYS = np.stack([seed_latent(seed, 64) for seed in (3, 14, 15, 92)])


def test_noise_of_a_prior_has_its_quantiles():
    normal = scipy.stats.norm.ppf(np.array([[0.001, 0.02, 0.25, 0.5], [0.6, 0.9, 0.98, 0.999]]))
    share = scipy.stats.norm.cdf(normal)
    uniform, truncated = from_normal(normal, "uniform"), from_normal(normal, "truncated")
    assert uniform.dtype == truncated.dtype == np.float32 and uniform.shape == truncated.shape == (2, 4)
    np.testing.assert_allclose(uniform, 2 * share - 1, atol=1e-7)
    np.testing.assert_allclose(truncated, scipy.stats.truncnorm(-2, 2).ppf(share), atol=1e-6)
    assert from_normal(KEYS, "normal") is KEYS


def test_noise_keeps_within_its_bounds():
    extreme = np.array([-40.0, -9.0, 0.0, 9.0, 40.0], np.float32)
    assert from_normal(extreme, "uniform").tolist() == [-1, -1, 0, 1, 1]
    assert from_normal(extreme, "truncated") == pytest.approx([-2, -2, 0, 2, 2])


@pytest.mark.parametrize("prior", ["uniform", "truncated"])
def test_noise_of_64_pictures_takes_under_10_ms(prior: str):
    normal = np.random.default_rng(0).standard_normal((64, 100)).astype(np.float32)
    best = min(timeit.repeat(lambda: from_normal(normal, prior), number=1, repeat=20))
    assert best < 0.010


def test_a_seed_is_fixed_for_ever():
    """Shared links name seeds: these numbers must never change."""
    assert seed_latent(0, 3) == pytest.approx([0.12573022, -0.13210486, 0.64042264])
    assert seed_latent(2**32 + 5, 8).tobytes() == seed_latent(5, 8).tobytes()
    assert seed_latent(1, 64).dtype == np.float32


def test_seeds_are_standard_normal():
    draws = np.stack([seed_latent(seed, 64) for seed in range(2000)])
    assert abs(draws.mean()) < 0.01 and abs(draws.std() - 1) < 0.01
    assert np.abs(np.corrcoef(draws[:1000, :8].T) - np.eye(8)).max() < 0.15


def test_slerp_stays_on_the_sphere_at_even_angles():
    a, b = (key / np.linalg.norm(key) for key in KEYS[:2].astype(np.float64))
    points = [slerp(a, b, t) for t in np.linspace(0, 1, 9)]
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(9), abs=1e-6)
    angles = [np.arccos(p @ q) for p, q in pairwise(points)]
    assert angles == pytest.approx([angles[0]] * 8, abs=1e-5)


def test_slerp_norm_runs_from_one_key_to_the_other():
    middle = slerp(2 * KEYS[0], KEYS[1], 0.5)
    wanted = (2 * np.linalg.norm(KEYS[0]) + np.linalg.norm(KEYS[1])) / 2
    assert np.linalg.norm(middle) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("other", [KEYS[0], -KEYS[0], np.zeros(64, np.float32)])
def test_slerp_of_degenerate_pairs_is_finite_and_keeps_its_ends(other):
    assert np.isfinite([slerp(KEYS[0], other, t) for t in (0, 0.3, 0.5, 1)]).all()
    assert slerp(KEYS[0], other, 0) == pytest.approx(KEYS[0])
    assert slerp(KEYS[0], other, 1) == pytest.approx(other)


def test_plane_corners_are_seeds():
    for x in (0, 7, 99, -1, -250, 1_000_000):
        assert (plane_latent(x, 0, 16) == seed_latent(x, 16)).all()
    assert (plane_latent(3, 2, 16) == seed_latent(203, 16)).all()
    assert (plane_latent(3, -1, 16) == seed_latent(3 - 100, 16)).all()


def test_plane_is_continuous_everywhere_also_across_cells():
    line = np.stack([plane_latent(x, 0.3 * x, 32) for x in np.linspace(-1.5, 2.5, 4001)])
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.02


def test_plane_points_are_as_long_as_normal_draws():
    rng = np.random.default_rng(0)
    norms = [np.linalg.norm(plane_latent(x, y, 64)) for x, y in rng.uniform(-50, 50, (300, 2))]
    assert np.mean(norms) == pytest.approx(8, rel=0.03) and min(norms) > 5.5


def test_blend_of_one_key_is_that_key():
    assert (blend(KEYS, np.array([0, 1, 0, 0])) == KEYS[1]).all()


def test_lerp_ends():
    assert lerp(KEYS[0], KEYS[1], 0) == pytest.approx(KEYS[0])
    assert lerp(KEYS[0], KEYS[1], 1) == pytest.approx(KEYS[1])


def test_truncation():
    w = np.random.default_rng(0).normal(size=(5, 4, 8)).astype(np.float32)
    centre = w[:, 0] * 0.1
    assert truncate(w, centre, 0) == pytest.approx(np.repeat(centre[:, None], 4, axis=1))
    assert truncate(w, centre, 1) is w
    assert truncate(w, centre, 0.5) == pytest.approx((w + centre[:, None]) / 2, abs=1e-6)


def test_class_weights():
    assert one_hot(2, 4).tolist() == [0, 0, 1, 0]
    assert class_weights({1: 3, 3: 1}, 4).tolist() == [0, 0.75, 0, 0.25]
    for shares in ({4: 1}, {-1: 1}, {0: -1}, {0: float("nan")}, {0: float("inf")}, {0: 0}, {}):
        with pytest.raises(InputError):
            class_weights(shares, 4)


def test_a_model_without_classes_says_so():
    for ask in (lambda: one_hot(3, 0), lambda: class_weights({0: 1}, 0)):
        with pytest.raises(InputError, match=r"This model has no classes\."):
            ask()


def test_class_rows():
    assert class_rows(None, [3, 14], 10).argmax(axis=1).tolist() == [3, 4]
    assert class_rows(one_hot(2, 4), [0, 1, 2], 4).shape == (3, 4)
    assert class_rows(None, [1], 0) is None
    for wrong in (np.full(4, 0.5), np.full(5, 0.2), np.array([2, -1, 0, 0]), np.full(4, np.nan)):
        with pytest.raises(InputError):
            class_rows(wrong, [0], 4)
    with pytest.raises(InputError):
        class_rows(one_hot(0, 4), [0], 0)


# --- mixture -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return Mixture.from_latents(tiny.latents(10, np.random.default_rng(0)))


def test_log_density_agrees_with_scikit_learn(mixture: Mixture):
    reference = GaussianMixture(n_components=len(mixture.weights), covariance_type="full")
    reference.weights_, reference.means_ = mixture.weights, mixture.means
    covariances = mixture.cholesky @ mixture.cholesky.transpose(0, 2, 1)
    reference.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(covariances))
    z = np.random.default_rng(1).normal(0, 2, (200, mixture.means.shape[1]))
    assert mixture.log_density(z) == pytest.approx(reference.score_samples(z), abs=1e-8)


def test_log_density_far_away_is_finite(mixture: Mixture):
    assert np.isfinite(mixture.log_density(np.full((1, mixture.means.shape[1]), 1e3))).all()


def test_samples_have_the_mixture_s_mean_and_covariance(mixture: Mixture):
    draws = np.stack([mixture.sample(seed, None) for seed in range(8000)])
    mean = mixture.weights @ mixture.means
    inner = np.einsum("m,mij,mkj->ik", mixture.weights, mixture.cholesky, mixture.cholesky)
    outer = np.einsum("m,mi,mj->ij", mixture.weights, mixture.means - mean, mixture.means - mean)
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.08)
    assert np.cov(draws.T) == pytest.approx(inner + outer, abs=0.25)


def test_class_conditional_components_follow_bayes(mixture: Mixture):
    joint = mixture.weights * mixture.classes[:, 3]
    assert mixture.component_weights(one_hot(3, 10)) == pytest.approx(joint / joint.sum())
    half = mixture.component_weights(class_weights({3: 1, 5: 1}, 10))
    both = mixture.component_weights(one_hot(3, 10)) + mixture.component_weights(one_hot(5, 10))
    assert half == pytest.approx(both / 2)


def test_class_conditional_samples_come_from_components_of_that_class(mixture: Mixture):
    means = np.stack([mixture.sample(seed, one_hot(3, 10), temperature=0) for seed in range(500)])
    drawn = np.abs(means[:, None] - mixture.means).sum(axis=2).argmin(axis=1)
    assert np.mean(mixture.classes[drawn].argmax(axis=1) == 3) > 0.85


def test_a_class_without_components_falls_back_to_the_whole_mixture(mixture: Mixture):
    without = Mixture(mixture.weights, mixture.means, mixture.cholesky, np.eye(10)[np.arange(20) % 9])
    assert without.component_weights(one_hot(9, 10)) == pytest.approx(mixture.weights)


def test_temperature_scales_the_step_from_the_component_s_mean(mixture: Mixture):
    cold, half, full = (mixture.sample(11, None, t) for t in (0.0, 0.5, 1.0))
    assert np.abs(cold - mixture.means).sum(axis=1).min() == pytest.approx(0, abs=1e-5)
    assert half == pytest.approx((cold + full) / 2, abs=1e-6)
