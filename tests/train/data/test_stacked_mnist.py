"""Stacked MNIST: three digits a picture, and the count of its thousand modes."""

import math

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from train.data import stacked_mnist
from train.data.load import load
from train.data.pixel_format import PixelFormat


def read(digits: np.ndarray, confidence: float = 0.99) -> np.ndarray:
    """What a reader that is this sure sees in digits [N, 3]: [N, 3, 10]."""
    probabilities = np.full((*digits.shape, 10), (1 - confidence) / 9)
    np.put_along_axis(probabilities, digits[..., None], confidence, axis=2)
    return probabilities


def test_the_mode_is_red_green_blue():
    digits = np.array([[0, 0, 0], [1, 2, 3], [9, 9, 9], [0, 4, 0]])
    assert stacked_mnist.modes(read(digits)).tolist() == [0, 123, 999, 40]
    assert stacked_mnist.modes(torch.from_numpy(read(digits))).dtype == np.int64


def test_the_floor_is_what_a_perfect_sampler_reaches():
    rng = np.random.default_rng(0)
    found = [stacked_mnist.count(read(rng.integers(0, 10, (26_000, 3)))) for _ in range(3)]
    assert all(f.modes == 1000 and f.share == 1 for f in found)
    assert np.mean([f.divergence for f in found]) == pytest.approx(stacked_mnist.floor(), rel=0.05)
    assert stacked_mnist.floor() == pytest.approx(0.0192, abs=1e-4)


def test_an_even_cover_has_no_divergence_and_a_collapse_all_of_it():
    grid = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    even = stacked_mnist.count(read(grid))
    assert even.modes == 1000 and even.divergence == pytest.approx(0, abs=1e-12)
    alone = stacked_mnist.count(read(np.full((26_000, 3), 7)))
    assert alone.modes == 1 and alone.divergence == pytest.approx(math.log(1000))
    half = stacked_mnist.count(read(grid[:500]))
    assert half.modes == 500 and half.divergence == pytest.approx(math.log(2))


def test_the_gate_counts_only_what_is_read_in_all_three_channels():
    grid = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    sure, unsure = read(grid), read(grid, 0.5)
    assert stacked_mnist.count(unsure).modes == 1000
    gated = stacked_mnist.count(unsure, stacked_mnist.GATE)
    assert (gated.modes, gated.divergence, gated.share) == (0, None, 0.0)
    mixed = sure.copy()
    mixed[:250, 1] = unsure[:250, 1]  # one blurred channel is enough
    gated = stacked_mnist.count(mixed, stacked_mnist.GATE)
    assert (gated.modes, gated.share) == (750, 0.75)
    assert gated.divergence == pytest.approx(math.log(1000 / 750))


def test_pictures_are_three_digits_each_drawn_the_same_way_every_time():
    digits = torch.arange(50, dtype=torch.uint8).view(50, 1, 1, 1).expand(50, 1, 4, 4)
    pictures = stacked_mnist.stack(digits, 5000, seed=0)
    assert pictures.shape == (5000, 3, 4, 4) and pictures.dtype == torch.uint8
    assert torch.equal(pictures[:, :, 0, 0].long(), stacked_mnist.picks(50, 5000, 0))
    assert torch.equal(pictures, stacked_mnist.stack(digits, 5000, seed=0))
    assert not torch.equal(pictures, stacked_mnist.stack(digits, 5000, seed=1))
    share = pictures[:, :, 0, 0].long().flatten().bincount() / 15_000
    assert share.min() > 0.014 and share.max() < 0.027
    together = np.corrcoef(pictures[:, :, 0, 0].numpy().T)
    assert np.abs(together - np.eye(3)).max() < 0.05


def test_loading_from_another_copy(shapes, monkeypatch, capsys):
    monkeypatch.setattr(stacked_mnist, "TRAIN_IMAGES", 400)
    monkeypatch.setattr(stacked_mnist, "TEST_IMAGES", 60)
    info, train, test = load(f"stacked_mnist:{shapes}", 16)
    assert (info.source, info.title, info.classes, info.channels) == ("stacked_mnist", "Stacked MNIST", (), 3)
    assert train.images.shape == (400, 3, 16, 16) and len(test) == 60
    assert set(train.labels.tolist()) == set(test.labels.tolist()) == {-1}
    _, digits, held_out = load(str(shapes), 16, quiet=True)
    known = {digit.numpy().tobytes() for digit in digits.images}
    assert all(channel.numpy().tobytes() in known for picture in train.images[:50] for channel in picture)
    fresh = {digit.numpy().tobytes() for digit in held_out.images}
    assert all(channel.numpy().tobytes() in fresh for picture in test.images for channel in picture)
    assert "three digits of" in capsys.readouterr().out


def test_digits_must_be_grey(tmp_path):
    folder = draw_folder(tmp_path, 120, classes=False)
    from PIL import Image

    Image.new("RGB", (16, 16), "red").save(folder / "red.png")
    with pytest.raises(UserError, match="in colour; stacked_mnist needs grey digits"):
        load(f"stacked_mnist:{folder}")


def test_stacked_digits_cannot_be_grey(shapes):
    with pytest.raises(UserError, match="as red, green and blue: leave out --channels 1"):
        load(f"stacked_mnist:{shapes}", pixels=PixelFormat(channels=1))
