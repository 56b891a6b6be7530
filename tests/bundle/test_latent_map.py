"""The latent map's mathematics: moments, planes, and the code of a place, against brute force."""

import numpy as np
import pytest

from bundle import latent_map
from bundle.latents import Mixture, Projection


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    """Four components in six dimensions, three classes."""
    rng = np.random.default_rng(5)
    lower = np.tril(rng.normal(0, 0.3, (4, 6, 6)))
    lower[:, range(6), range(6)] = rng.uniform(0.3, 0.8, (4, 6))
    classes = np.array([[1, 0, 0], [0, 1, 0], [0, 0.2, 0.8], [0, 0, 1.0]])
    return Mixture(np.array([0.4, 0.3, 0.2, 0.1]), rng.normal(0, 2, (4, 6)), lower, classes)


@pytest.fixture(scope="module")
def drawn(mixture: Mixture) -> np.ndarray:
    """Many codes of the mixture [N, 6]."""
    rng = np.random.default_rng(6)
    kinds = rng.choice(4, 300_000, p=mixture.weights)
    noise = rng.standard_normal((len(kinds), 6))
    return mixture.means[kinds] + np.einsum("nij,nj->ni", mixture.cholesky[kinds], noise)


def test_moments_are_those_of_many_draws(mixture: Mixture, drawn: np.ndarray):
    found = latent_map.moments(mixture)
    assert found.mean == pytest.approx(drawn.mean(axis=0), abs=0.02)
    assert found.within + found.between == pytest.approx(np.cov(drawn.T), abs=0.05)
    assert np.linalg.matrix_rank(found.between) == 2  # three classes span a plane


def test_the_first_plane_holds_most_variance_the_other_separates_classes_best(mixture: Mixture):
    found = latent_map.moments(mixture)
    rng = np.random.default_rng(7)

    def separation(plane: np.ndarray) -> float:
        within, between = plane @ found.within @ plane.T, plane @ found.between @ plane.T
        return float(np.trace(np.linalg.solve(within, between)))

    principal, separating = latent_map.axes(found, "pca"), latent_map.axes(found, "lda")
    assert principal @ principal.T == pytest.approx(np.eye(2), abs=1e-9)
    whole = found.within + found.between
    for _ in range(200):
        other = np.linalg.qr(rng.standard_normal((6, 2)))[0].T
        assert np.trace(other @ whole @ other.T) <= np.trace(principal @ whole @ principal.T) + 1e-9
        assert separation(other) <= separation(separating) + 1e-3


@pytest.mark.parametrize("projection", ["pca", "lda"])
def test_a_place_stands_for_the_mean_of_the_codes_there(mixture: Mixture, drawn: np.ndarray, projection: Projection):
    chart = latent_map.latent_map(mixture, projection)
    places = chart.places(drawn)
    spread = places.std(axis=0)
    for place in (places[0], places[1], np.zeros(2)):
        code = chart.code(place)
        assert chart.places(code[None].astype(np.float64))[0] == pytest.approx(place, abs=1e-3 * float(spread.max()))
        near = (np.abs(places - place) < 0.06 * spread).all(axis=1)
        if near.sum() > 300:
            error = drawn[near].std(axis=0) / np.sqrt(near.sum())
            assert (np.abs(drawn[near].mean(axis=0) - code) < 5 * error + 0.1).all()


def test_a_frame_holds_nearly_all_and_far_places_stay_finite(mixture: Mixture, drawn: np.ndarray):
    chart = latent_map.latent_map(mixture, "pca")
    low, high = latent_map.bounds(chart.places(drawn))
    inside = ((chart.places(drawn) > low) & (chart.places(drawn) < high)).all(axis=1)
    assert inside.mean() > 0.97
    assert np.isfinite(chart.code(np.array([1e6, -1e6]))).all()


@pytest.mark.parametrize("projection", ["pca", "lda"])
def test_codes_of_one_number_lie_on_a_line(projection: Projection):
    line = Mixture(np.array([0.5, 0.5]), np.array([[-2.0], [3.0]]), np.full((2, 1, 1), 0.5), np.eye(3)[:2])
    chart = latent_map.latent_map(line, projection)
    places = chart.places(line.means)
    assert places.shape == (2, 2) and places[0, 0] != places[1, 0] and not places[:, 1].any()
    for beside in (0.0, 5.0):
        assert chart.code(places[1] + [0, beside])[0] == pytest.approx(3, abs=1e-3)
    low, high = latent_map.bounds(places)
    assert (high > low).all()
