"""How the classes of two sets differ."""

import numpy as np
import pytest

from train.evaluate.class_histogram import histogram_kl


def test_histogram_kl():
    even, half = np.arange(1000) % 4, np.arange(1000) % 2
    assert histogram_kl(even, even, 4) == 0
    assert histogram_kl(half, even, 4) == pytest.approx(np.log(2))
    assert np.isfinite(histogram_kl(even, half, 4))
