"""The fitted mixture, and the GAN's noise held against scipy's distributions."""

import numpy as np
import pytest
import scipy.stats
import torch

from train.priors import draw, fit, from_normal


def test_weights_classes_and_factors():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 100])
    codes = np.where(labels[:, None] == 0, rng.normal(-5, 1, (400, 3)), rng.normal(5, 0.5, (400, 3)))
    mixture = fit(codes, labels, classes=2, components=3)
    assert mixture["weights"].sum() == np.float32(1)
    share = mixture["weights"] @ mixture["classes"]
    np.testing.assert_allclose(share, [0.75, 0.25], atol=1e-6)
    owners = mixture["classes"].argmax(axis=1)
    assert (mixture["means"][owners == 0] < 0).all()
    assert (mixture["means"][owners == 1] > 0).all()
    assert np.allclose(mixture["cholesky"], np.tril(mixture["cholesky"]))


def test_one_component_is_the_sample_mean_and_covariance():
    rng = np.random.default_rng(1)
    codes = rng.multivariate_normal([1, -2], [[2, 0.8], [0.8, 1]], 30)
    mixture = fit(codes, np.zeros(30), classes=0, components=1)
    single = {k: v for k, v in fit(codes[:4], np.zeros(4), 0, 1).items()}
    assert mixture["classes"].shape[1] == single["classes"].shape[1] == 1
    factor = single["cholesky"][0].astype(np.float64)
    np.testing.assert_allclose(
        factor @ factor.T, np.cov(codes[:4], rowvar=False, bias=True) + 1e-4 * np.eye(2), rtol=1e-3
    )
    np.testing.assert_allclose(single["means"][0], codes[:4].mean(axis=0), rtol=1e-4)


# --- noise ----------------------------------------------------------------------------------------------

QUANTILES = torch.tensor([0.001, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 0.999], dtype=torch.double)
DISTRIBUTIONS = {
    "normal": scipy.stats.norm(),
    "uniform": scipy.stats.uniform(-1, 2),
    "truncated": scipy.stats.truncnorm(-2, 2),
}


@pytest.mark.parametrize("prior", DISTRIBUTIONS)
def test_quantiles_go_to_quantiles(prior: str):
    normal = torch.special.ndtri(QUANTILES)
    expected = DISTRIBUTIONS[prior].ppf(QUANTILES.numpy())
    np.testing.assert_allclose(from_normal(prior, normal).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(from_normal(prior, normal.float()).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("prior", DISTRIBUTIONS)
def test_draws_have_the_moments_and_bounds_of_their_distribution(prior: str):
    z = draw(prior, 20_000, 8, generator=torch.Generator().manual_seed(0)).double().flatten()
    mean, variance, skew, kurtosis = (float(m) for m in DISTRIBUTIONS[prior].stats("mvsk"))
    assert z.mean().item() == pytest.approx(mean, abs=0.01)
    assert z.var().item() == pytest.approx(variance, abs=0.01)
    assert (z**3).mean().item() == pytest.approx(skew, abs=0.03)
    assert ((z**4).mean() / z.var() ** 2 - 3).item() == pytest.approx(kurtosis, abs=0.05)
    assert scipy.stats.kstest(z.numpy(), DISTRIBUTIONS[prior].cdf).pvalue > 0.01
    bound = {"normal": np.inf, "uniform": 1, "truncated": 2}[prior]
    assert z.abs().max() <= bound


def test_normal_draws_are_those_of_randn():
    """Runs from before the choice repeat bit for bit."""
    torch.manual_seed(3)
    expected = torch.randn(2, 5, 7)
    torch.manual_seed(3)
    assert torch.equal(draw("normal", 10, 7).view(2, 5, 7), expected)


@pytest.mark.parametrize("prior", DISTRIBUTIONS)
def test_extreme_draws_stay_finite(prior: str):
    assert from_normal(prior, torch.tensor([-40.0, -9.0, 0.0, 9.0, 40.0])).isfinite().all()


class OnApple(torch.Tensor):
    """Numbers on a device that has no float64."""

    device = property(lambda self: torch.device("mps"))

    def double(self) -> torch.Tensor:
        raise TypeError("the MPS framework doesn't support float64")

    def cpu(self) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)


@pytest.mark.parametrize("prior", ["uniform", "truncated"])
def test_no_float64_is_asked_of_a_gpu_that_has_none(prior, monkeypatch):
    normal, returned = torch.randn(50), []
    expected = from_normal(prior, normal)
    to = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda x, to_what: returned.append(to_what) or (
        x if isinstance(to_what, torch.device) else to(x, to_what)))  # fmt: skip
    assert torch.equal(from_normal(prior, normal.as_subclass(OnApple)), expected)
    assert returned[-1] == torch.device("mps")
