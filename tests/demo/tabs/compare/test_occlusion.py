"""Occlusion maps of critics whose attention is known."""

import numpy as np
import pytest

from bundle.errors import InputError
from demo.tabs.compare import occlusion


def picture(size: int = 32, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).random((1, channels, size, size), dtype=np.float32)


def eye(top: int, left: int, sign: float = 1.0):
    """A critic that sees the brightness of one 6 x 6 spot, and nothing else."""
    return lambda images: sign * images[:, :, top : top + 6, left : left + 6].mean(axis=(1, 2, 3))


def bright_spot(top: int, left: int) -> np.ndarray:
    image = np.zeros((1, 1, 32, 32), np.float32)
    image[..., top : top + 6, left : left + 6] = 1
    return image


@pytest.mark.parametrize("cover", occlusion.COVERS)
@pytest.mark.parametrize(("top", "left"), [(2, 3), (20, 14), (26, 26)])
def test_the_map_peaks_where_the_critic_looks(cover: str, top: int, left: int):
    found = occlusion.occlusion_map(bright_spot(top, left), eye(top, left), 256, cover)
    assert found.score == pytest.approx(1)
    row, column = np.unravel_index(found.drop_map.argmax(), found.drop_map.shape)
    assert top <= row < top + 6 and left <= column < left + 6
    far = np.ones((32, 32), bool)
    far[max(0, top - 6) : top + 12, max(0, left - 6) : left + 12] = False
    assert np.abs(found.drop_map[far]).max() < 1e-6
    regions = occlusion.regions(found.drop_map)
    assert np.unravel_index(regions.argmax(), (3, 3)) == ((top + 3) * 3 // 32, (left + 3) * 3 // 32)


def test_what_speaks_against_is_negative():
    found = occlusion.occlusion_map(bright_spot(12, 12), eye(12, 12, sign=-1), 256)
    assert found.drop_map.min() < -0.1 and found.drop_map.max() < 1e-9
    colours = occlusion.overlay(found.drop_map)
    row, column = np.unravel_index(found.drop_map.argmin(), (32, 32))
    assert tuple(colours[row, column]) == (*occlusion.AGAINST, 255)


def test_the_drops_are_those_of_pictures_hidden_one_by_one():
    image, of = picture(), occlusion.window_grid(32, 32, 1, 256)
    critic = lambda images: (images**2).mean(axis=(1, 2, 3))  # noqa: E731
    found = occlusion.occlusion_map(image, critic, 256, "grey")
    i = 3 * len(of.lefts) + 7
    hidden = image.copy()
    top, left = of.tops[3], of.lefts[7]
    hidden[..., top : top + of.side, left : left + of.side] = image.mean()
    assert found.drops[i] == pytest.approx(critic(image)[0] - critic(hidden)[0], abs=1e-6)


def test_a_picture_without_edges_has_no_map():
    flat = np.full((1, 3, 16, 16), 0.5, np.float32)
    found = occlusion.occlusion_map(flat, eye(4, 4), 256)
    assert np.abs(found.drop_map).max() < 1e-6
    assert (occlusion.overlay(np.zeros((16, 16)))[..., 3] == 0).all()


def test_blurring_keeps_the_mean_of_the_inside():
    line = np.zeros((1, 1, 9, 9), np.float32)
    line[0, 0, 4, 4] = 1
    soft = occlusion.blurred(line, 3)
    assert soft[0, 0, 3:6, 3:6] == pytest.approx(1 / 9) and soft.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("size", "channels", "batch"), [(1, 1, 256), (8, 1, 256), (32, 1, 5), (64, 3, 256), (1024, 3, 4096)]
)
def test_one_bounded_batch_covers_every_pixel(size: int, channels: int, batch: int):
    of = occlusion.window_grid(size, size, channels, batch)
    asked = []
    critic = lambda images: asked.append(images.shape) or np.zeros(len(images))  # noqa: E731
    occlusion.occlusion_map(np.zeros((1, channels, size, size), np.float32), critic, batch)
    ((rows, *_),) = asked
    assert rows == len(of) + 1 <= batch and rows * channels * size * size <= occlusion.MAX_VALUES
    if batch > 200 and size <= 64:
        assert (occlusion.mean_drops(np.ones(len(of)), of, (size, size)) == 1).all()


@pytest.mark.parametrize(("height", "width", "batch"), [(96, 64, 256), (64, 96, 256), (64, 96, 5), (25, 1, 6)])
def test_pictures_of_other_proportions_are_covered_too(height: int, width: int, batch: int):
    of = occlusion.window_grid(height, width, 1, batch)
    assert 1 <= len(of) < batch
    assert of.tops[-1] + of.side <= height and of.lefts[-1] + of.side <= width
    if batch == 256:
        assert len(of) > 200 and (len(of.tops) > len(of.lefts)) == (height > width)
        assert (occlusion.mean_drops(np.ones(len(of)), of, (height, width)) == 1).all()


def test_too_small_a_batch_is_told():
    with pytest.raises(InputError, match="too few pictures at once"):
        occlusion.window_grid(32, 32, 1, 4)
    with pytest.raises(InputError, match="one of blur, grey"):
        occlusion.occlusion_map(picture(), eye(0, 0), 256, "black")
