"""Masks of the mask encoders, and steps of single pictures."""

from pathlib import Path

import pytest
import torch

from train.data.dataset import DataInfo
from train.recorder import SHEET_COLUMNS
from train.settings import GanSettings, InverseSettings
from train.stages import gan
from train.stages.inverse import InverterStage, build_inverter, damaged, random_masks, tiles

INFO = DataInfo("digits", "digits", "none", 1, 16, 16, ("a", "b", "c"), 60_000, 100)


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


def test_an_inverter_learns_from_parts_of_a_single_picture():
    """As --accumulate makes them of a small set: each part then is a generated picture."""
    torch.manual_seed(0)
    settings = InverseSettings(run=Path("unused"), width=16, hidden=16, accumulate=4)
    generator = gan.build(GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16), INFO).generator
    networks = build_inverter(settings, INFO, (generator.synthesis.stages, 8))
    stage = InverterStage(networks, settings, generator, INFO, "normal")
    before = [value.clone() for value in networks.parameters()]
    found = stage.step(torch.rand(4, 1, 16, 16), torch.tensor([0, 1, 2, 0]), 0.5)
    assert all(torch.isfinite(value) for value in found.values())
    assert all(torch.isfinite(value).all() for value in networks.parameters())
    assert any(not torch.equal(now, then) for now, then in zip(networks.parameters(), before, strict=True))


@pytest.mark.parametrize("count", [3, 32])
def test_a_sheet_shows_the_tiles_of_a_picture_side_by_side(count):
    pictures, mask = damaged(torch.rand(count, 1, 8, 8))
    shown = tiles(pictures, mask, pictures / 2)
    assert SHEET_COLUMNS % 4 == 0 and len(shown) <= SHEET_COLUMNS**2
    for i, picture in enumerate(pictures):
        whole, known, drawn, between = shown[4 * i : 4 * i + 4]
        assert torch.equal(whole, picture) and torch.equal(known, picture * mask[i])
        assert torch.equal(drawn, picture / 2) and len(between.unique()) == 1
