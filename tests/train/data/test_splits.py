"""The order of the pictures is a pure function."""

import torch

from train.data.dataset import Pictures
from train.data.splits import batch_indices, hold_out_rows, random_subset, spread_rows


def test_every_epoch_shows_every_picture_once():
    steps = [batch_indices(100, 10, step, seed=3) for step in range(20)]
    assert sorted(torch.cat(steps[:10]).tolist()) == list(range(100))
    assert sorted(torch.cat(steps[10:]).tolist()) == list(range(100))
    assert not torch.equal(torch.cat(steps[:10]), torch.cat(steps[10:]))
    assert torch.equal(steps[7], batch_indices(100, 10, 7, seed=3))
    assert len(batch_indices(5, 10, 0, seed=0)) == 5


def test_a_tenth_is_held_out_and_nothing_is_lost():
    train, test = hold_out_rows(torch.full((105,), -1), 0)
    assert len(test) == 10
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(105))
    assert torch.equal(hold_out_rows(torch.full((105,), -1), 0)[1], test)


def test_a_random_subset_is_always_the_same_and_at_most_everything():
    whole = Pictures(torch.zeros(50, 1, 2, 2), torch.arange(50))
    few = random_subset(whole, 8)
    assert len(set(few.labels.tolist())) == 8 and few.labels.tolist() != list(range(8))
    assert torch.equal(random_subset(whole, 8).labels, few.labels)
    assert sorted(random_subset(whole, 99).labels.tolist()) == list(range(50))


def test_few_pictures_of_a_sorted_set_are_of_all_its_classes():
    assert spread_rows(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert spread_rows(3, 5).tolist() == [0, 1, 2] and spread_rows(0, 5).tolist() == spread_rows(5, 0).tolist() == []
    many = spread_rows(30_000_000, 20_000)
    assert int(many[-1]) == 29_999_999 and int(many.diff().min()) >= 1499
