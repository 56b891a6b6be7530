"""Draws of the posterior: they belong to seeds, have the right moments, and their deviation is what is shown."""

from pathlib import Path

import numpy as np
import pytest

from bundle import images
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.rebuild import posterior
from demo.tabs.rebuild.completions import decode_of


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


def test_draws_have_the_moments_of_the_posterior_and_belong_to_their_seeds():
    mean, logvar = np.array([[1.0, -2.0]], np.float32), np.log(np.array([[0.25, 4.0]], np.float32))
    many = posterior.draw(mean, logvar, 4000, seed=2**32 - 100)  # seeds go round at 2**32
    assert many.mean(axis=0) == pytest.approx(mean[0], abs=0.1)
    assert many.std(axis=0) == pytest.approx([0.5, 2.0], rel=0.05)
    assert posterior.draw(mean, logvar, 3, seed=2**32 - 98).tobytes() == many[2:5].tobytes()
    assert (posterior.draw(mean, logvar, 2, temperature=0) == mean).all()
    half = posterior.draw(mean, logvar, 5, seed=9, temperature=0.5) - mean
    assert half == pytest.approx((posterior.draw(mean, logvar, 5, seed=9) - mean) / 2, abs=1e-6)


def test_conditioned_codes_are_a_gaussians_given_what_is_known():
    """Two numbers of three are seen through a matrix, with hardly any noise: mean and covariance are the textbook's."""
    rng = np.random.default_rng(0)
    root, seen = rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
    prior = rng.normal(size=(50_000, 3)) @ root.T
    spread = root @ root.T
    gain = spread @ seen.T @ np.linalg.inv(seen @ spread @ seen.T + 1e-6 * np.eye(2))
    mean = gain @ np.array([1.0, -2.0])
    codes = posterior.conditioned(mean[None], prior, lambda codes: codes @ seen.T @ gain.T)
    assert codes.mean(axis=0) == pytest.approx(mean, abs=0.03)
    assert np.cov(codes.T) == pytest.approx(spread - gain @ seen @ spread, rel=0.05, abs=1e-3)
    assert codes @ seen.T == pytest.approx(np.tile([1.0, -2.0], (len(codes), 1)), abs=1e-3)
    half = posterior.conditioned(mean[None], prior, lambda codes: codes @ seen.T @ gain.T, temperature=0.5)
    assert half - mean == pytest.approx((codes - mean) / 2, abs=1e-5)


def test_the_shown_deviation_is_that_of_the_decoder_s_pictures(served: ServedBundle):
    """Against the first-order rule: the variance of a pixel is the sum over the code of (slope × deviation)²."""
    again = served.reconstruct(images.from_uint8(served.engine.bundle.examples[:1]))
    logvar = np.full_like(again.logvar, 2 * np.log(0.02))
    drawn = decode_of(served)(posterior.draw(again.mean, logvar, 1500))
    step = 0.01 * np.eye(again.mean.shape[1], dtype=np.float32)
    slopes = (served.decode(again.mean + step) - served.decode(again.mean - step)) / 0.02
    expected = np.sqrt(np.square(0.02 * slopes).sum(axis=0))[0]
    assert posterior.pixel_deviation(drawn) == pytest.approx(expected, rel=0.15, abs=2e-4)
    assert expected.max() > 10 * 2e-4


def test_the_deviation_of_colours_joins_their_variances():
    image = np.zeros((2, 3, 1, 1), np.float32)
    image[1, 0] = 1  # one channel of three goes from 0 to 1: variance 0.25, mean over the channels 0.25 / 3
    assert posterior.pixel_deviation(image) == pytest.approx(np.sqrt(0.25 / 3))


def test_heat_rises_evenly_from_black_to_the_top():
    ramp = posterior.heat(np.linspace(0, 2, 101)[None], top=1.0)[0].astype(int)
    light = ramp @ [299, 587, 114]
    assert (np.diff(light)[:50] > 0).all() and (ramp[50:] == ramp[50]).all()
    assert tuple(ramp[0]) == posterior.COLOURS[0] and tuple(ramp[50]) == posterior.COLOURS[-1]
    assert (posterior.heat(np.zeros((2, 2)), top=0.0) == posterior.COLOURS[0]).all()
