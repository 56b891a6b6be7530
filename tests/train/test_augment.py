"""DiffAugment and its controller: what changes, what must not, and that gradients pass."""

import dataclasses

import pytest
import torch

from train import augment
from train.augment import OPERATIONS, next_probability, policy, starts_augmented, unseen_gap
from train.data.dataset import DataInfo

ALL = tuple(OPERATIONS)
INFO = DataInfo("somebody/cifar10", "", "", 3, 32, 32, (), 50_000, 10_000)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def noise(count: int = 64, channels: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand(count, channels, size, size) * 2 - 1


def test_without_probability_the_very_same_tensor_comes_back():
    images = noise()
    assert augment.augment(images, ALL, 0.0) is images
    assert augment.augment(images, (), 1.0) is images


@pytest.mark.parametrize("name", ALL)
def test_each_picture_is_changed_with_the_probability_and_the_others_not_at_all(name):
    images = noise(2000, 1, 8)
    changed = (augment.augment(images, (name,), 0.3) != images).flatten(1).any(dim=1).float().mean()
    assert 0.25 < float(changed) < 0.35  # a shift by nothing is 1 of 9
    assert torch.equal(augment.augment(images[:0], (name,), 0.3), images[:0])


def test_the_same_seed_makes_the_same_pictures():
    images = noise()
    torch.manual_seed(5)
    first = augment.augment(images, ALL, 0.7)
    torch.manual_seed(5)
    assert torch.equal(first, augment.augment(images, ALL, 0.7))
    assert not torch.equal(first, augment.augment(images, ALL, 0.7))


def test_translation_moves_whole_pixels_up_to_an_eighth_and_draws_the_border_out():
    ramp = torch.arange(16.0).expand(400, 1, 16, 16)
    moved = augment.translation(ramp)
    shifts = (moved[:, 0, 8, 8] - 8).tolist()
    assert set(shifts) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    for picture, shift in zip(moved, shifts, strict=True):
        assert torch.equal(picture[0, 0], (torch.arange(16.0) + shift).clamp(0, 15))
    tall = augment.translation(ramp.transpose(2, 3))
    assert len(tall[:, 0, 8, 8].unique()) == 5


def test_a_white_picture_stays_white_wherever_it_goes():
    white = torch.ones(50, 3, 16, 16)
    for ops in (("translation",), ("cutout",), ("translation", "cutout")):
        assert torch.equal(augment.augment(white, ops, 1.0), white)


def test_cutout_fills_half_the_side_with_the_border_of_each_picture():
    images = noise(300, 3, 16) * 0.1
    edges = torch.linspace(-1, 1, 300)[:, None, None]
    for side in (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1]):
        side.copy_(edges.expand_as(side))
    cut = augment.cutout(images)
    changed = (cut != images).any(dim=1)
    assert torch.equal(cut[:, 0][changed], edges.expand(300, 16, 16)[changed])
    rows, columns = changed.any(dim=2).sum(dim=1), changed.any(dim=1).sum(dim=1)
    assert rows.max() == columns.max() == 8
    assert changed.flatten(1).any(dim=1).float().mean() > 0.9


def test_colour_of_greys_changes_brightness_and_contrast_only():
    images = noise(500, 1)
    changed = augment.colour(images)
    slope = changed.std(dim=(1, 2, 3)) / images.std(dim=(1, 2, 3))
    moved = changed.mean(dim=(1, 2, 3)) - images.mean(dim=(1, 2, 3))
    assert 0.5 <= slope.min() < 0.55 and 1.45 < slope.max() <= 1.5
    assert -0.5 <= moved.min() < -0.45 and 0.45 < moved.max() <= 0.5
    line = (images - images.mean(dim=(1, 2, 3), keepdim=True)) * slope[:, None, None, None]
    assert torch.allclose(changed - changed.mean(dim=(1, 2, 3), keepdim=True), line, atol=1e-5)


def test_colour_keeps_hues_and_greys():
    grey = noise(100, 1).expand(-1, 3, -1, -1)
    changed = augment.colour(grey)
    assert torch.allclose(changed[:, 0], changed[:, 2], atol=1e-6)
    red = torch.tensor([0.9, -0.4, -0.4]).view(1, 3, 1, 1).expand(100, 3, 16, 16)
    changed = augment.colour(red)
    assert torch.allclose(changed[:, 1], changed[:, 2], atol=1e-6)
    strength = changed[:, 0, 0, 0] - changed[:, 1, 0, 0]
    assert strength.min() >= 0 and strength.max() > 1.5  # never turned round to the opposite hue


@pytest.mark.parametrize("ops", [*((name,) for name in ALL), ALL])
def test_gradients_pass_also_twice(ops):
    images = noise(2, 3, 4).double().requires_grad_()

    def changed(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return augment.augment(x, ops, 0.9)

    assert torch.autograd.gradcheck(changed, images)
    assert torch.autograd.gradgradcheck(lambda x: changed(x) ** 2, images, fast_mode=True)


def test_an_unknown_operation():
    with pytest.raises(ValueError, match="no such operation: flip"):
        augment.augment(noise(), ("flip",), 0.5)


def test_policies_by_name_then_by_channels():
    def ops(source: str, channels: int = 3) -> tuple[str, ...]:
        return policy(dataclasses.replace(INFO, source=source, channels=channels))

    assert ops("somebody/cifar10") == ALL
    assert ops("ylecun/mnist", 1) == ops("MedNIST", 1) == ops("stacked_mnist") == ("translation",)
    assert ops("mednist.zip", 1) == ("translation",)
    assert "translation" not in ops("shapes") and "colour" not in ops("shapes")  # place and colour are factors there
    assert ops("my cats") == ALL and "colour" not in ops("my sketches", 1)
    for chosen in (*augment.POLICIES.values(), *augment.POLICY_BY_CHANNELS.values()):
        assert set(chosen) <= set(OPERATIONS)


def test_only_small_sets_begin_augmented():
    assert starts_augmented(9_999) and not starts_augmented(10_000)


def test_the_gap_to_unseen_pictures():
    train, fake = torch.tensor([[2.0], [4.0]]), torch.tensor([[-1.0], [-1.0]])
    assert float(unseen_gap(train, train, fake)) == 0
    assert float(unseen_gap(train, fake, fake)) == 1
    assert float(unseen_gap(train, torch.tensor([1.0]), fake)) == pytest.approx(0.5)
    assert float(unseen_gap(train + 9, torch.tensor([10.0]), fake + 9)) == pytest.approx(0.5)
    assert float(unseen_gap(fake, train, train)) == 0  # a critic that tells nothing apart knows nothing by heart


def test_the_probability_follows_the_gap_and_stays_in_its_bounds():
    assert next_probability(0.2, 0.9, 1_000) == pytest.approx(0.21)
    assert next_probability(0.2, 0.1, 1_000) == pytest.approx(0.19)
    assert next_probability(0.2, 0.5, 1_000) == 0.2
    assert all(next_probability(0.2, float(gap), 1_000) == 0.2 for gap in ("nan", "inf", "-inf"))
    assert next_probability(0.2, 0.6, 1_000, target=0.7, speed=1e-6) == pytest.approx(0.199)
    assert next_probability(0.795, 1.0, 10**6) == 0.8
    assert next_probability(0.005, 0.0, 10**6) == 0.0
