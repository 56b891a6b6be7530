"""The search lowers any error and repeats exactly."""

from itertools import islice, pairwise

import numpy as np

from bundle.cross_entropy_method import cross_entropy_rounds

GOAL = np.linspace(-1, 1, 12)


def error(points: np.ndarray) -> np.ndarray:
    """The mean squared distance [P] of points [P, 12] from GOAL."""
    return ((points - GOAL) ** 2).mean(axis=1)


def test_it_finds_a_minimum_and_never_loses_ground():
    rounds = cross_entropy_rounds(np.zeros(12), np.full(12, 0.5), error, seed=0)
    errors = [lowest for _, lowest in islice(rounds, 25)]
    assert all(late <= early for early, late in pairwise(errors))
    assert errors[-1] < 0.1 * errors[0]


def test_from_the_best_point_it_stays_there():
    for best, lowest in islice(cross_entropy_rounds(GOAL, np.ones(12), error, seed=0), 10):
        assert np.array_equal(best, GOAL.astype(np.float32)) and lowest < 1e-12


def test_it_repeats_exactly():
    first, second = (
        [best.tobytes() for best, _ in islice(cross_entropy_rounds(np.zeros(12), np.ones(12), error, seed=42), 6)]
        for _ in range(2)
    )
    assert first == second
