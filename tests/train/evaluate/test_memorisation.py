"""Copies are told from what was learned."""

import numpy as np
import pytest

from train.evaluate.memorisation import References, chance_of_less, nearest, pixel_rows


def test_nearest_finds_the_row_and_leaves_itself_out():
    rows = np.random.default_rng(0).standard_normal((700, 5)).astype(np.float32)
    found = nearest(rows[[3, 600]], rows)
    assert found.index.tolist() == [3, 600]
    assert found.distance.tolist() == [0, 0]
    others = nearest(rows, rows, leave_out_self=True)
    table = np.linalg.norm(rows[:, None] - rows, axis=2) + np.where(np.eye(700), np.inf, 0)
    np.testing.assert_allclose(others.distance, table.min(axis=1), rtol=1e-5)


def test_chance_of_less_counts_ties_as_half():
    assert chance_of_less(np.array([0.0, 1, 2]), np.array([1.0])) == pytest.approx(0.5)
    assert chance_of_less(np.array([0.0]), np.array([1.0, 2])) == 1
    assert chance_of_less(np.array([3.0]), np.array([1.0, 2])) == 0


def test_memorisation_tells_copies_from_learning():
    rng = np.random.default_rng(0)
    train, held_out, honest = (rng.standard_normal((n, 6)).astype(np.float32) for n in (2000, 500, 500))
    references = References(train, held_out)
    learned = references.compare(honest)
    assert learned.nearer == pytest.approx(0.5, abs=0.05)
    assert learned.copies < 0.03
    assert learned.ratio == pytest.approx(learned.ratio_floor, rel=0.05)
    assert learned.copies_floor == pytest.approx(0.01, abs=0.005)
    copied = references.compare(train[:500] + 1e-3 * rng.standard_normal((500, 6)).astype(np.float32))
    assert copied.nearer > 0.95
    assert copied.copies > 0.95
    assert copied.ratio < 0.05 * copied.ratio_floor
    some = references.compare(np.concatenate([train[:50], honest[50:]]))
    assert some.copies == pytest.approx(0.11, abs=0.03)
    assert set(some.closest(16)) <= set(range(50))


def test_typical_samples_are_near_everything_and_the_ratio_says_so():
    """A model that draws only the middle of the data copies nothing, though it is nearer to the training pictures."""
    rng = np.random.default_rng(0)
    train, held_out = (rng.standard_normal((n, 6)).astype(np.float32) for n in (1000, 1000))
    typical = References(train, held_out).compare(0.5 * rng.standard_normal((500, 6)).astype(np.float32))
    assert typical.nearer > 0.8
    assert typical.copies < 0.03
    assert typical.ratio == pytest.approx(typical.ratio_floor, rel=0.1)


def test_pixel_rows_are_pictures_averaged_down():
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 36, 36), dtype=np.uint8)
    rows = pixel_rows(images)
    assert rows.shape == (3, 3 * 18 * 18)
    blocks = images.reshape(3, 3, 18, 2, 18, 2).mean(axis=(3, 5)) / 255
    np.testing.assert_allclose(rows, blocks.reshape(3, -1), rtol=1e-5)
    assert pixel_rows(images[:, :1, :28, :28]).shape == (3, 28 * 28)
