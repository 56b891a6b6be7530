"""How much samples differ from each other, as the log of the GAN tells it."""

import pytest
import torch

from train.stages import gan


def test_mean_pairwise_distance_of_a_square_and_of_one_point():
    square = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert gan.mean_pairwise_distance(square) == pytest.approx((4 + 2 * 2**0.5) / 6)
    assert gan.mean_pairwise_distance(torch.ones(10, 3)) == 0
    assert gan.mean_pairwise_distance(square[:1]) == 0


def test_the_evenness_of_classes_counts_the_classes_in_use():
    assert gan.class_evenness(torch.arange(100) % 10, 10) == pytest.approx(1)
    assert gan.class_evenness(torch.arange(100) % 5, 10) == pytest.approx(0.5)
    assert gan.class_evenness(torch.zeros(7, dtype=torch.int64), 10) == pytest.approx(0.1)
