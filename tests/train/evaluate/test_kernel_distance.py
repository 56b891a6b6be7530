"""The kernel distance, where its value is known."""

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from train.evaluate.kernel_distance import kernel_distance


def test_kernel_distance_is_zero_for_one_distribution_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3000, 8))
    same = kernel_distance(a, b, subsets=30, size=500)
    assert abs(same.value) < 3 * same.error + 2e-3
    near, far = (kernel_distance(a, b + shift, subsets=30, size=500).value for shift in (0.2, 0.4))
    assert same.value < near < far


def test_kernel_distance_is_that_of_torchmetrics():
    a, b = torch.randn(2, 600, 5, generator=torch.Generator().manual_seed(0)).double()
    ours = kernel_distance(a.numpy(), b.numpy() + 0.1, subsets=1).value  # one subset, of all rows
    assert ours == pytest.approx(poly_mmd(a, b + 0.1).item(), rel=1e-9)


def test_kernel_distance_is_unbiased_in_closed_form():
    """x = +-1 in one dimension against x = 0: E k(x, x') = (8 + 0) / 2 = 4, E k(x, 0) = k(0, 0) = 1, so 4 - 2 + 1."""
    signs = np.where(np.random.default_rng(0).random((4000, 1)) < 0.5, -1.0, 1.0)
    assert kernel_distance(signs, np.zeros((4000, 1)), subsets=10).value == pytest.approx(3, abs=0.1)
