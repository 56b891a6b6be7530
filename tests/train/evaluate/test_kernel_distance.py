"""The kernel distance and its standard error, where both are known."""

import numpy as np
import pytest
import torch

from train.evaluate.kernel_distance import kernel_distance


def test_kernel_distance_is_zero_for_one_distribution_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 1200, 8))
    same = kernel_distance(a, b)
    assert abs(same.value) < 3 * same.error
    near, far = (kernel_distance(a, b + shift).value for shift in (0.2, 0.4))
    assert same.value < near < far


def test_kernel_distance_is_that_of_torchmetrics():
    from torchmetrics.image.kid import poly_mmd  # slow to load

    a, b = torch.randn(2, 600, 5, generator=torch.Generator().manual_seed(0)).double()
    ours = kernel_distance(a.numpy(), b.numpy() + 0.1).value
    assert ours == pytest.approx(poly_mmd(a, b + 0.1).item(), rel=1e-9)


def test_kernel_distance_is_unbiased_in_closed_form():
    """x = +-1 in one dimension against x = 0: E k(x, x') = (8 + 0) / 2 = 4, E k(x, 0) = k(0, 0) = 1, so 4 - 2 + 1."""
    signs = np.where(np.random.default_rng(0).random((1500, 1)) < 0.5, -1.0, 1.0)
    assert kernel_distance(signs, np.zeros((1500, 1))).value == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("n", "m"), [(120, 120), (60, 180)])
def test_the_error_covers_the_spread_over_independent_draws(shift: float, n: int, m: int):
    """Both sets are drawn anew each time. Where the distributions are equal the jackknife is 1.4 times the spread."""
    rng = np.random.default_rng(0)
    found = [
        kernel_distance(rng.standard_normal((n, 6)), rng.standard_normal((m, 6)) * 0.9 + shift) for _ in range(300)
    ]
    spread = np.std([one.value for one in found])
    stated = np.sqrt(np.mean([one.error**2 for one in found]))
    assert 0.95 * spread < stated < 1.6 * spread
    true = np.mean([one.value for one in found])
    assert np.mean([abs(one.value - true) < 2 * one.error for one in found]) > 0.9


def test_a_wide_feature_of_many_rows_is_summed_in_blocks():
    """Row by row, whatever the blocks: the sets may be put in any order."""
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 1300, 4))
    one, other = kernel_distance(a, b), kernel_distance(a[::-1].copy(), b[rng.permutation(1300)])
    assert (one.value, one.error) == pytest.approx((other.value, other.error), rel=1e-9)
