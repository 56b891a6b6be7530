"""Nearest codes, and where a distance stands among those of held-out pictures."""

import numpy as np
import pytest

from bundle.errors import InputError
from demo.tabs.compare import nearest_training

RNG = np.random.default_rng(3)
KNOWN = RNG.normal(size=(500, 6)).astype(np.float32)


def test_nearest_first_and_equal_to_every_distance_taken_one_by_one():
    code = RNG.normal(size=6).astype(np.float32)
    found, apart = nearest_training.nearest(code, KNOWN, 7)
    each = np.array([np.linalg.norm(code.astype(float) - one) for one in KNOWN.astype(float)])
    assert found.tolist() == np.argsort(each)[:7].tolist() and apart == pytest.approx(each[found])


def test_a_copy_is_found_at_distance_zero():
    found, apart = nearest_training.nearest(KNOWN[123], KNOWN, 3)
    assert found[0] == 123 and apart[0] == 0 < apart[1]
    assert len(nearest_training.nearest(KNOWN[0], KNOWN[:2], 9)[0]) == 2  # fewer than asked for


def test_the_floor_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch):
    held_out = RNG.normal(size=(40, 6)).astype(np.float32)
    whole = nearest_training.floor(held_out, KNOWN)
    monkeypatch.setattr(nearest_training, "CHUNK", 1100)
    assert nearest_training.floor(held_out, KNOWN) == pytest.approx(whole)
    assert whole == pytest.approx([nearest_training.nearest(one, KNOWN, 1)[1][0] for one in held_out], rel=1e-9)


def test_where_a_distance_stands():
    held_out = np.linspace(1, 2, 101)
    middle = nearest_training.standing(1.5, held_out)
    assert middle.nearer == pytest.approx(50 / 101) and not middle.remarkable
    assert (middle.low, middle.median, middle.high) == pytest.approx((1.05, 1.5, 1.95))
    copy = nearest_training.standing(0.2, held_out)
    assert copy.nearer == 1 and copy.remarkable
    assert (
        nearest_training.standing(1.049, held_out).remarkable
        and not nearest_training.standing(1.06, held_out).remarkable
    )
    assert nearest_training.standing(9, held_out).nearer == 0


def test_samples_of_the_same_distribution_are_seldom_remarkable():
    held_out = nearest_training.floor(RNG.normal(size=(400, 6)), KNOWN)
    others = nearest_training.floor(RNG.normal(size=(400, 6)), KNOWN)
    share = np.mean([nearest_training.standing(d, held_out).remarkable for d in others])
    assert 0.01 < share < 0.1
    copies = nearest_training.floor(KNOWN[:100] + 0.01, KNOWN)
    assert all(nearest_training.standing(d, held_out).remarkable for d in copies)


def test_codes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="cannot be compared"):
        nearest_training.distances(KNOWN, np.zeros((3, 5)))
    with pytest.raises(InputError, match="cannot be compared"):
        nearest_training.distances(KNOWN, np.zeros((0, 6)))
    with pytest.raises(InputError, match="no held-out"):
        nearest_training.standing(1.0, np.zeros(0))
