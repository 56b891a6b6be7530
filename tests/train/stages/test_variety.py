"""How much samples differ from each other."""

import numpy as np
import pytest
import torch

from train.stages import variety


def test_mean_pairwise_distance_of_a_square_and_of_one_point():
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    assert variety.mean_pairwise_distance(square) == pytest.approx((4 + 2 * 2**0.5) / 6)
    assert variety.mean_pairwise_distance(torch.ones(10, 3)) == 0
    assert variety.mean_pairwise_distance(square[:1]) == 0


def test_class_entropy_counts_the_classes_in_use():
    assert variety.class_entropy(np.arange(100) % 10, 10) == pytest.approx(1)
    assert variety.class_entropy(torch.arange(100) % 5, 10) == pytest.approx(0.5)
    assert variety.class_entropy(np.zeros(7, np.int64), 10) == pytest.approx(0.1)
