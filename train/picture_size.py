"""The size of pictures as --size says it, and which sizes the networks can draw."""

import math
from itertools import product

from bundle.errors import UserError
from bundle.sizes import read_size, size_word
from train.models.layers import Sides, resolutions

PictureSize = int | str
"""64 for squares of 64 x 64 pixels, else width x height as in "96x64"."""
SMALLEST_SIDE, LARGEST_SIDE = 16, 256
SUGGESTED = 3  # sizes that are named where another one is refused


def sides_of(size: PictureSize) -> Sides:
    """(height, width) in pixels. Raises UserError for words that are no size."""
    return read_size(str(size))


def given_size(height: int, width: int) -> PictureSize:
    """The inverse of `sides_of`."""
    return height if height == width else size_word(height, width)


def normal_size(size: PictureSize | None) -> PictureSize | None:
    """A size in its one form: 64 for 64x64. Raises UserError for words that are no size."""
    return None if size is None else given_size(*sides_of(size))


def can_be_drawn(sides: Sides) -> bool:
    """Whether the networks can draw pictures of this (height, width): they need a feature map of half the size."""
    try:
        maps = resolutions(sides)
    except ValueError:
        return False
    return len(maps) >= 2 and all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides)


def check_size(size: PictureSize) -> None:
    """Raises UserError unless the networks can draw pictures of this size; it names the nearest sizes that they can."""
    sides = sides_of(size)
    if not can_be_drawn(sides):
        near = ", ".join(str(given_size(*other)) for other in nearest_sizes(sides))
        raise UserError(
            f"--size {size} cannot be drawn: each side must be 4 to 25 times the same power of two (2, 4, 8, …), and "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE} pixels. Near it: {near}."
        )


def nearest_sizes(sides: Sides) -> list[Sides]:
    """The SUGGESTED (height, width) that can be drawn and are nearest to `sides`, by the ratio of their sides; for a
    square only squares."""
    every = range(SMALLEST_SIDE, LARGEST_SIDE + 1)
    squares = ((side, side) for side in every)
    candidates = squares if sides[0] == sides[1] else product(every, every)

    def distance(other: Sides) -> float:
        return math.hypot(*(math.log(a / b) for a, b in zip(sides, other, strict=True)))

    return sorted(filter(can_be_drawn, candidates), key=distance)[:SUGGESTED]
