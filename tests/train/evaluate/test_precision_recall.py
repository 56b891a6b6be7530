"""Precision, recall, density and coverage."""

import numpy as np
import pytest
from prdc import compute_prdc

from train.evaluate import precision_recall as module
from train.evaluate.precision_recall import precision_recall, radii


def test_precision_and_recall_tell_collapse_from_noise():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((500, 4))
    collapsed = real[:5].repeat(100, axis=0) + 1e-3 * rng.standard_normal((500, 4))
    found = precision_recall(real, collapsed)
    assert found.precision > 0.95
    assert found.recall < 0.1
    apart = precision_recall(real, real + 50)
    assert (apart.precision, apart.recall) == (0.0, 0.0)


@pytest.mark.parametrize("k", [3, 5])
def test_it_is_prdc_in_blocks(monkeypatch, k):
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((257, 6)), rng.standard_normal((193, 6)) * 0.8 + 0.3
    monkeypatch.setattr(module, "BLOCK", 50)
    found = precision_recall(real, fake, k)
    assert vars(found) == pytest.approx(compute_prdc(real_features=real, fake_features=fake, nearest_k=k))
    assert found == precision_recall(real, fake, k, radii(real, k))
