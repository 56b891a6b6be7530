"""The drawn set: every picture follows from its number, every factor shows."""

import numpy as np
import pytest
import torch
from PIL import Image

from train.data import shapes
from train.data.load import load, load_again
from train.data.pixel_format import PixelFormat
from train.data.reading import Reading


def drawn(side: int = 64, /, **chosen: int) -> np.ndarray:
    """One picture [3, side, side]: the middle value of every factor that is not named."""
    values = {name: len(options) // 2 for name, options in shapes.FACTORS.items()} | chosen
    return shapes.draw(np.array([[values[name] for name in shapes.FACTORS]]), (side, side))[0]


def inside(picture: np.ndarray) -> np.ndarray:
    """How much of each pixel is shape, by its distance from the paper, 0 to 1."""
    far = np.abs(picture.astype(float) - np.array(shapes.PAPER)[:, None, None]).sum(0)
    return far / far.max()


def test_a_picture_is_a_function_of_seed_and_number():
    values = shapes.factors([5, 17, 5])
    assert (values[0] == values[2]).all() and (values[0] != values[1]).any()
    assert np.array_equal(values[1:2], shapes.factors([17]))
    assert np.array_equal(shapes.draw(values)[1:2], shapes.draw(values[1:2]))
    assert (shapes.factors(range(50), seed=1) != shapes.factors(range(50))).any()
    with pytest.raises(IndexError):
        shapes.factors([int(np.prod(shapes.COUNTS))])


def test_no_picture_comes_twice_and_every_value_is_as_frequent():
    values = shapes.factors(np.concatenate([shapes.TRAIN, shapes.TEST]))
    assert values.dtype == np.int64 and values.shape == (22_000, 6)
    assert len(np.unique(values, axis=0)) == 22_000
    for column, count in enumerate(shapes.COUNTS):
        found = np.bincount(values[:, column], minlength=count)
        assert len(found) == count and np.abs(found * count / 22_000 - 1).max() < 0.12


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("size", range(6))
def test_all_shapes_of_one_size_cover_the_same_area(kind, size):
    area = inside(drawn(100, shape=kind, size=size)).sum() / 100**2
    assert area == pytest.approx(shapes.FACTORS["size"][size] ** 2, rel=0.03)


@pytest.mark.parametrize("side", [28, 32, 64, 96, 100])
def test_shapes_stay_on_the_paper_at_every_place_and_angle(side):
    largest = len(shapes.FACTORS["size"]) - 1
    corners = [[k, largest, a, x, y, 0] for k in range(4) for a in range(9) for x in (0, 15) for y in (0, 15)]
    pictures = shapes.draw(np.array(corners), (side, side))
    edge = np.concatenate([pictures[..., 0, :], pictures[..., -1, :], pictures[..., 0], pictures[..., -1]], axis=-1)
    assert (edge == np.array(shapes.PAPER)[:, None]).all()


@pytest.mark.parametrize("kind", range(4))
def test_x_and_y_move_and_the_angle_turns(kind):
    def middle(**chosen: int) -> tuple[float, float]:
        mass = inside(drawn(shape=kind, **chosen))
        at = np.arange(64) + 0.5
        return float((mass.sum(0) * at).sum() / mass.sum()), float((mass.sum(1) * at).sum() / mass.sum())

    left, right = middle(x=0), middle(x=15)
    assert right[0] - left[0] == pytest.approx(0.34 * 64, abs=0.2) and right[1] == pytest.approx(left[1], abs=0.1)
    top, bottom = middle(y=0), middle(y=15)
    assert bottom[1] - top[1] == pytest.approx(0.34 * 64, abs=0.2)
    angles = [inside(drawn(shape=kind, angle=a)) for a in range(9)]
    apart = [np.abs(a - b).sum() for i, a in enumerate(angles) for b in angles[:i]]
    assert min(apart) > 8  # also of the square, whose quarter turn would be the same


def test_edges_are_smooth():
    cover = inside(drawn(64, shape=1))
    assert ((cover > 0.1) & (cover < 0.9)).sum() > 20
    # One edge pixel more or less is what a large picture, made small, would show.
    large = inside(drawn(256, shape=1)).reshape(64, 4, 64, 4).mean((1, 3))
    assert np.abs(cover - large).max() < 0.2


def test_colours_are_the_inks():
    for i, ink in enumerate(shapes.INKS):
        assert drawn(colour=i)[:, 32, 32].tolist() == ink.tolist()


def test_loading_needs_nothing_but_its_name(monkeypatch, capsys):
    monkeypatch.setattr(shapes, "TRAIN", np.arange(300))
    monkeypatch.setattr(shapes, "TEST", np.arange(300, 340))
    info, train, test = load("shapes", 28)
    assert (info.source, info.size, info.channels) == ("shapes", 28, 3)
    assert info.classes == ("square", "ellipse", "triangle", "heart")
    assert (len(train), len(test)) == (300, 40)
    assert train.images.dtype == torch.uint8 and train.images.shape == (300, 3, 28, 28)
    assert np.array_equal(train.labels.numpy(), shapes.factors(range(300))[:, 0])
    assert np.array_equal(test.images.numpy(), shapes.draw(shapes.factors(range(300, 340)), (28, 28)))
    assert "shape (4), size (6), angle (9), x (16), y (16), colour (8)" in capsys.readouterr().out
    assert load("shapes", quiet=True)[0].size == 64


def test_in_grey_they_are_what_files_in_colour_would_be(monkeypatch, capsys):
    monkeypatch.setattr(shapes, "TRAIN", np.arange(300))
    monkeypatch.setattr(shapes, "TEST", np.arange(300, 340))
    info, _, test = load("shapes", "28x20", pixels=PixelFormat(channels=1))
    assert info.channels == 1 and "28x20 grey" in capsys.readouterr().out
    coloured = shapes.draw(shapes.factors([300]), (20, 28))[0].transpose(1, 2, 0)
    assert np.array_equal(test.images[0, 0].numpy(), np.asarray(Image.fromarray(coloured).convert("L")))
    again = load_again("shapes", info)
    assert again[0] == info and torch.equal(again[2].images, test.images)


def test_shapes_are_not_stretched_where_pictures_are_not_square():
    """A shape is as large as in a square of the shorter side, and as far from the middle as its place says."""
    values = np.array([[0, 3, 4, 8, 8, 4]])
    square, wide = inside(shapes.draw(values, (64, 64))[0]), inside(shapes.draw(values, (64, 96))[0])
    assert wide.shape == (64, 96) and wide.sum() == pytest.approx(square.sum(), rel=0.01)


def test_without_classes_the_shapes_are_not_told():
    info, train, test = load("shapes", 16, quiet=True, reading=Reading(classes=False))
    assert info.classes == () and not info.reading.classes
    assert (train.labels == -1).all() and (test.labels == -1).all()
