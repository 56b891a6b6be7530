"""Which pictures and classes of a set remain, and which pictures are held out."""

import torch

from train.data.selection import select_rows
from train.data.splits import hold_out_rows


def labels(*counts: int, missing: int = 0) -> torch.Tensor:
    """Labels of classes with so many pictures each, and of `missing` pictures without one."""
    return torch.cat([torch.full((count,), i) for i, count in enumerate(counts)] + [torch.full((missing,), -1)])


def test_what_has_no_label_is_left_out_and_said():
    chosen = select_rows(labels(60, 60, missing=3), None, ("a", "b"))
    assert chosen.classes == ("a", "b") and chosen.train is not None and chosen.test is not None
    assert sorted([*chosen.train.tolist(), *chosen.test.tolist()]) == list(range(120))
    assert chosen.notes == ["left out 3 pictures without a label; --no-classes trains on all"]
    without = select_rows(labels(missing=50), None, ())
    assert without.train is not None and len(without.train) == 45 and not without.notes


def test_a_class_that_is_too_small_is_left_out_and_the_others_are_numbered_anew():
    found = labels(60, 1, 60, 0)
    chosen = select_rows(found, None, ("a", "b", "c", "d"))
    assert chosen.classes == ("a", "c") and chosen.train is not None
    assert chosen.notes == ["left out 2 classes (b, d) with fewer than 2 training pictures, and 1 picture of them"]
    assert set(chosen.renumbered(found[chosen.train]).tolist()) == {0, 1}
    assert chosen.renumbered(torch.tensor([0, 1, 2, -1])).tolist() == [0, -1, 1, -1]


def test_labels_that_hardly_repeat_are_no_classes():
    chosen = select_rows(labels(30, 30, *[1] * 100), None, tuple(map(str, range(102))))
    assert chosen.classes == () and chosen.notes == ["no classes: 100 of 102 have fewer than 2 training pictures"]
    assert chosen.train is not None and len(chosen.train) == 144
    pairs = select_rows(labels(*[2] * 60), None, tuple(map(str, range(60))))
    assert pairs.classes == () and "hardly any could be held out" in pairs.notes[0]


def test_a_test_split_keeps_what_can_be_compared():
    chosen = select_rows(labels(60, 1, 60), labels(5, 5, 5, missing=2), ("a", "b", "c"))
    assert chosen.test is not None and chosen.test.tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert not chosen.test_of_train and "left out 7 test pictures of no class that is trained on" in chosen.notes
    nothing_left = select_rows(labels(60, 1, 60), labels(0, 5), ("a", "b", "c"))
    assert nothing_left.test_of_train and nothing_left.test is not None and len(nothing_left.test) == 12
    whole = select_rows(labels(60, 60), labels(5, 5), ("a", "b"))
    assert whole.train is None and whole.test is None and not whole.notes


def test_small_classes_are_held_out_evenly():
    small = torch.arange(60).repeat_interleave(3)
    inner, held_out = hold_out_rows(small, 60)
    assert len(held_out) == 18 and sorted([*inner.tolist(), *held_out.tolist()]) == list(range(180))
    assert torch.bincount(small[inner], minlength=60).min() == 2
    one_small = labels(500, 3, 500)
    counts = torch.bincount(one_small[hold_out_rows(one_small, 3)[1]], minlength=3).tolist()
    assert counts[1] <= 1 and sum(counts) == 100


def test_a_split_that_was_possible_stays_what_it_was():
    """Runs of before, and the figures of the released bundles, rest on it."""
    order = torch.randperm(120, generator=torch.Generator().manual_seed(0))
    inner, held_out = hold_out_rows(labels(40, 40, 40), 3)
    assert torch.equal(held_out, order[:12]) and torch.equal(inner, order[12:])
