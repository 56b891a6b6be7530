"""Which numbers of pixels deeper than 8 bits are black and white."""

import numpy as np
import pytest
from PIL import Image

from bundle.deep_pixels import EACH, eight_bits, range_of_one, to_bytes, value_range

rng = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 65535, (0, 65535)),
        (0, 3900, (0, 4095)),  # 12 bits in 16
        (90, 15000, (0, 16383)),
        (0, 1000, (0, 1023)),
        (0, 255, (0, 255)),
        (0, 17, (0, 17)),  # reaches no half of any full scale
        (0, 20000, (0, 20000)),
        (0, 400_000, (0, 400_000)),  # 32 bits
        (27000, 31000, (27000, 31000)),  # thermal: one picture of it shows nothing from 0 on
        (-1000, 3000, (-1000, 3000)),  # CT
        (-50, -10, (-50, -10)),
    ],
)
def test_whole_numbers(low: int, high: int, expected: tuple[float, float]):
    values = rng.integers(low, high + 1, 400_000)
    assert value_range(values) == pytest.approx(expected, rel=0.004)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, (0, 1)),
        (0, 1.01, (0, 1)),
        (-0.02, 1.02, (0, 1)),
        (-1, 1, (-1, 1)),
        (0, 254.9, (0, 255)),
        (0, 0.2, (0, 0.2)),
        (0, 5.5, (0, 5.5)),
        (-3, 3, (-3, 3)),
    ],
)
def test_floats(low: float, high: float, expected: tuple[float, float]):
    assert value_range(rng.uniform(low, high, 400_000)) == pytest.approx(expected, rel=0.003, abs=0.001)


def test_a_few_hot_pixels_and_what_is_no_number_do_not_count():
    values = rng.integers(0, 4000, 100_000).astype(float)
    values[:50], values[50:60], values[60], values[61] = 65535, np.nan, np.inf, -np.inf
    assert value_range(values) == (0, 4095)
    assert value_range(np.full(9, np.nan)) == (0, 1)


@pytest.mark.parametrize("one", [0.0, 7.0, 3000.0, -5.0])
def test_a_set_of_one_number_has_a_range(one: float):
    for found in (value_range(np.full((4, 4), one)), range_of_one(np.full((4, 4), one))):
        assert found[0] <= one <= found[1] and found[0] < found[1]


def test_a_pale_picture_alone_is_not_stretched():
    pale = rng.integers(40000, 60000, (50, 50))
    assert range_of_one(pale) == (0, 65535)


def test_bytes_of_numbers():
    values = np.array([-np.inf, -5, 0, 2047.5, 4095, 9999, np.inf, np.nan])
    assert to_bytes(values, (0, 4095)).tolist() == [0, 0, 0, 128, 255, 255, 255, 0]
    assert to_bytes(np.array([-1000.0, 1000, 3000]), (-1000, 3000)).tolist() == [0, 128, 255]


@pytest.mark.parametrize("order", ["<", ">"])
def test_large_pictures_of_16_bits_come_by_a_table(order: str):
    values = rng.integers(0, 65536, (300, 300)).astype(f"{order}u2")
    for scaling in ((0, 4095), (-100, 65535), (27000, 31000)):
        assert np.array_equal(to_bytes(values, scaling), to_bytes(values.astype(np.float64), scaling))


def test_one_range_keeps_pictures_comparable():
    """Half of a float set reaches 1.0, half 1.01: scaled each on its own, one half was white and the other black."""
    for top in (1.0, 1.01):
        picture = Image.fromarray(np.linspace(0, top, 256, dtype=np.float32).reshape(16, 16))
        assert np.asarray(eight_bits(picture, (0, 1)))[15, 15] == 255
        assert abs(int(np.asarray(eight_bits(picture, (0, 1)))[8, 0]) - 128) <= 2
    with pytest.raises(ValueError, match="NaN"):
        eight_bits(Image.fromarray(np.full((4, 4), np.nan, np.float32)), EACH)
    with pytest.raises(ValueError, match="no pixel is a number"):
        eight_bits(Image.fromarray(np.full((4, 4), np.nan, np.float32)), (0, 1))


def test_versions_before_ranges_scaled_each_picture_on_its_own():
    deep = Image.fromarray(np.array([[0, 256, 65535]], np.uint16))
    assert np.asarray(eight_bits(deep, EACH)).tolist() == [[0, 1, 255]]
    assert np.asarray(eight_bits(Image.fromarray(np.array([[0, 9, 255]], np.uint16)), EACH)).tolist() == [[0, 9, 255]]
    assert np.asarray(eight_bits(Image.fromarray(np.array([[0, 1]], np.float32)), EACH)).tolist() == [[0, 255]]
    with pytest.raises(ValueError, match="outside 0 to 65535"):
        eight_bits(Image.fromarray(np.array([[-1, 9]], np.int32)), EACH)
