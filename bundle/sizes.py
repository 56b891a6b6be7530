"""The size of a data set's pictures in one word: 96x64 is 96 pixels wide and 64 high, 64 a square."""

import re

from bundle.errors import UserError
from bundle.schema import MAX_SIDE


def read_size(word: str) -> tuple[int, int]:
    """The (height, width) that a word such as "96x64" (width x height) or "64" (a square) says, each 1 to 1024.

    Raises UserError for any other word.
    """
    found = re.fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", word.lower())
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise UserError(
            f"'{word}' is no size of pictures: use 64 for squares, or width x height such as 96x64; "
            f"each side from 1 to {MAX_SIDE}."
        )
    return height, width


def size_word(height: int, width: int) -> str:
    """The inverse of `read_size`, always with both sides: (64, 96) -> "96x64"."""
    return f"{width}x{height}"
