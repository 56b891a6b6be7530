"""Features are z-scored on the reference."""

import numpy as np

from train.evaluate.evaluator import Scale


def test_scale_standardises_the_reference():
    features = np.random.default_rng(0).normal(3, 7, (1000, 4))
    scaled = Scale.of(features)(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-9)
    np.testing.assert_array_equal(Scale.none(4)(features), features)
