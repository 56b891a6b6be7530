"""Directions in latent space: differences between classes are taken out, and nothing else, however many there are."""

import numpy as np
import pytest

from bundle.latents import seed_class
from demo.tabs.explore.directions import principal_directions, seen_classes, without_class_means


@pytest.mark.parametrize("classes", [1, 10, 32, 100, 256, 300, 1000])
def test_many_classes_leave_the_differences_within_them(classes: int):
    random = np.random.default_rng(3)
    kinds = seen_classes(256, classes)
    assert kinds.min() >= 0 and kinds.max() < classes and np.unique(kinds, return_counts=True)[1].min() >= 8
    centres = 100 * random.standard_normal((classes, 6))
    rows = centres[kinds] + random.standard_normal((256, 6))
    found = principal_directions(without_class_means(rows, kinds))
    assert found.deviations == pytest.approx(np.ones(6), abs=0.3)


def test_few_classes_are_those_of_the_seeds():
    assert seen_classes(256, 10).tolist() == [seed_class(seed, 10) for seed in range(256)]


def test_a_bundle_without_classes_keeps_its_latents():
    rows = np.ones((4, 2))
    assert without_class_means(rows, None) is rows
