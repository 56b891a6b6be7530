"""Masks of the mask encoders."""

import torch

from train.stages.inverse import random_masks


def test_masks_are_binary_and_of_all_four_kinds():
    torch.manual_seed(0)
    masks = random_masks(400, (32, 24))
    assert masks.shape == (400, 1, 32, 24)
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    missing = 1 - masks.flatten(1).mean(dim=1)
    assert 0.15 < (missing == 0).float().mean() < 0.4
    assert missing.max() < 0.9
    whole_rows = (masks == 0).all(dim=3).any(dim=2).flatten()
    whole_columns = (masks == 0).all(dim=2).any(dim=2).flatten()
    assert whole_rows.float().mean() > 0.05
    assert whole_columns.float().mean() > 0.05


def test_masks_follow_the_seed():
    torch.manual_seed(3)
    first = random_masks(8, (16, 16))
    torch.manual_seed(3)
    assert torch.equal(first, random_masks(8, (16, 16)))
