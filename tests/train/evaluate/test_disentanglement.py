"""Codes whose factors are known."""

import numpy as np
import pytest

from train.evaluate.disentanglement import dci, mutual_information_gap


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return np.random.default_rng(0).integers(0, (3, 6, 10), (3000, 3))


def test_a_code_that_is_the_factors_scores_one(factors):
    codes = np.concatenate([factors[:, [2, 0, 1]], np.random.default_rng(1).random((3000, 1))], axis=1)
    assert mutual_information_gap(codes, factors)[0] > 0.97
    found = dci(codes, factors)
    assert min(found.disentanglement, found.completeness, found.informativeness) > 0.95


def test_a_code_that_knows_nothing_scores_zero(factors):
    codes = np.random.default_rng(1).standard_normal((3000, 6))
    assert mutual_information_gap(codes, factors)[0] < 0.01
    found = dci(codes, factors)
    assert max(found.disentanglement, found.completeness, found.informativeness) < 0.1


def test_a_rotated_code_knows_everything_but_mixes_it(factors):
    mixing = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3  # a rotation
    codes = ((factors - factors.mean(0)) / factors.std(0)) @ mixing
    assert mutual_information_gap(codes, factors)[0] < 0.3
    found = dci(codes, factors)
    assert found.informativeness > 0.5
    assert max(found.disentanglement, found.completeness) < 0.6


def test_a_factor_told_by_two_units_has_no_gap(factors):
    gap, of_each = mutual_information_gap(np.concatenate([factors, factors[:, :1]], axis=1), factors)
    assert of_each[0] == pytest.approx(0, abs=1e-9)
    assert of_each[1:] == pytest.approx(1, abs=0.02)
    assert gap == pytest.approx(2 / 3, abs=0.02)


def test_a_code_of_one_number_is_measured(factors):
    codes = factors[:, [2]].astype(np.float64)
    _, gaps = mutual_information_gap(codes, factors)
    np.testing.assert_allclose(gaps, [0, 0, 1], atol=0.03)
    assert dci(codes, factors).informativeness == pytest.approx(1 / 3, abs=0.02)  # one factor of three
