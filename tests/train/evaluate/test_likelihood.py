"""Bounds on a likelihood that is known: a linear Gaussian model, and independent pixels."""

import numpy as np
import pytest
import torch

from train import losses
from train.evaluate import likelihood
from train.evaluate.likelihood import (
    Bounds,
    bernoulli_log_likelihood,
    bounds,
    elbo,
    gaussian_log_likelihood,
    importance_weighted,
)

SIGMA = 0.5


class Linear:
    """x = W z + noise of deviation SIGMA, z ~ N(0, I): log p(x) and the posterior are Gaussian. W has orthogonal
    columns, so that the posterior is diagonal. `off`: error of the encoder's mean, in posterior deviations."""

    def __init__(self, off: float = 0.0):
        rng = np.random.default_rng(0)
        self.w = np.linalg.qr(rng.standard_normal((16, 2)))[0] * [2.0, 0.7]
        self.precision = 1 + np.square(self.w).sum(axis=0) / SIGMA**2
        self.off = off

    def encode(self, x):
        mean = x.reshape(-1, 16) @ self.w / SIGMA**2 / self.precision + self.off / np.sqrt(self.precision)
        return mean.astype(np.float32), np.broadcast_to(-np.log(self.precision), mean.shape).astype(np.float32)

    def decode(self, z):
        return (z @ self.w.T).reshape(-1, 1, 4, 4).astype(np.float32)

    def draw(self, count):
        rng = np.random.default_rng(1)
        noise = SIGMA * rng.standard_normal((count, 1, 4, 4))
        return (self.decode(rng.standard_normal((count, 2))) + noise).astype(np.float32)

    def log_likelihood(self, x):
        covariance = torch.from_numpy(self.w @ self.w.T + SIGMA**2 * np.eye(16))
        return torch.distributions.MultivariateNormal(torch.zeros(16).double(), covariance).log_prob(
            torch.from_numpy(x.reshape(-1, 16)).double()
        ).numpy()  # fmt: skip


def test_the_bound_is_exact_when_the_encoder_is():
    """With q = p(z | x) every importance weight is p(x) itself, whatever K and z."""
    model = Linear()
    x = model.draw(20)
    for samples in (1, 7):
        found = importance_weighted(x, model.encode, model.decode, gaussian_log_likelihood(SIGMA), samples)
        np.testing.assert_allclose(found, model.log_likelihood(x), atol=1e-3)


def test_elbo_is_under_the_bound_which_rises_to_the_truth():
    model = Linear(off=1.0)
    x = model.draw(400)
    arguments = (x, model.encode, model.decode, gaussian_log_likelihood(SIGMA))
    truth = model.log_likelihood(x).mean()
    assert elbo(*arguments).mean() == pytest.approx(truth - 1, abs=0.3)  # KL(q || p) = 2 * off^2 / 2
    steps = [importance_weighted(*arguments, samples).mean() for samples in (1, 5, 100)]
    assert elbo(*arguments).mean() < steps[1] < steps[2] < truth + 0.02
    assert steps[0] == pytest.approx(truth - 1, abs=0.3)
    assert steps[2] == pytest.approx(truth, abs=0.05)


def test_the_same_seed_gives_the_same_bound_in_any_batches(monkeypatch):
    model = Linear(off=0.5)
    x = model.draw(30)
    arguments = (x, model.encode, model.decode, gaussian_log_likelihood(SIGMA), 10)
    whole = importance_weighted(*arguments)
    monkeypatch.setattr(likelihood, "DECODES", 40)
    np.testing.assert_allclose(importance_weighted(*arguments), whole, atol=1e-4)


def test_log_likelihoods_are_those_of_torch():
    rng = np.random.default_rng(0)
    image, decoded = rng.random((2, 5, 1, 4, 4), dtype=np.float32)
    normal = torch.distributions.Normal(torch.from_numpy(decoded), 0.3).log_prob(torch.from_numpy(image))
    np.testing.assert_allclose(gaussian_log_likelihood(0.3)(image, decoded), normal.sum(dim=(1, 2, 3)), rtol=1e-5)
    binary = (image > 0.5).astype(np.float32)
    bernoulli = torch.distributions.Bernoulli(torch.from_numpy(decoded)).log_prob(torch.from_numpy(binary))
    np.testing.assert_allclose(bernoulli_log_likelihood(binary, decoded), bernoulli.sum(dim=(1, 2, 3)), rtol=1e-5)


def test_a_sure_and_wrong_pixel_is_dear_but_finite():
    sure = np.zeros((1, 1, 2, 2), np.float32)
    assert bernoulli_log_likelihood(sure, sure)[0] == pytest.approx(0, abs=1e-6)
    assert -100 < bernoulli_log_likelihood(sure + 1, sure)[0] < -50


def test_kl_is_that_of_the_training_loss():
    mean, logvar = np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)
    expected = losses.kl_to_normal(torch.from_numpy(mean), torch.from_numpy(logvar))
    np.testing.assert_allclose(likelihood.kl_to_normal(mean, logvar), expected, rtol=1e-5)


def test_binarized_pictures_keep_their_mean_and_repeat():
    grey = np.full((50, 1, 20, 20), 51, np.uint8)
    drawn = likelihood.binarize(grey, seed=3)
    assert set(np.unique(drawn)) == {0, 255}
    assert drawn.mean() / 255 == pytest.approx(0.2, abs=0.01)
    assert np.array_equal(drawn, likelihood.binarize(grey, seed=3))
    assert not np.array_equal(drawn, likelihood.binarize(grey, seed=4))
    extremes = np.array([0, 255] * 500, np.uint8).reshape(10, 1, 10, 10)
    assert np.array_equal(likelihood.binarize(extremes), extremes)


def test_bounds_add_the_gain_of_a_few_pictures_to_the_elbo_of_all():
    rng = np.random.default_rng(0)
    log_p = rng.normal(-90, 25, 4000)
    elbos, weighted = log_p - 4 + rng.normal(0, 1, 4000), log_p - 1
    few, all_of_them = bounds(elbos, weighted[:200]), bounds(elbos, weighted)
    assert all_of_them.weighted_bound == pytest.approx(-weighted.mean())
    assert few.weighted_bound == pytest.approx(all_of_them.weighted_bound, abs=0.3)
    assert few.negative_elbo == all_of_them.negative_elbo == pytest.approx(-elbos.mean())
    assert few.elbo_error == pytest.approx(25 / np.sqrt(4000), rel=0.05)
    assert isinstance(few, Bounds) and few.weighted_error < 0.5


def test_active_units_are_those_that_move():
    means = np.random.default_rng(0).standard_normal((500, 4)) * [1, 0.2, 0.05, 0]
    assert likelihood.active_units(means) == 2
