"""The word for the size of pictures: 96x64 is 96 wide and 64 high."""

import pytest

from bundle.errors import UserError
from bundle.sizes import read_size, size_word


@pytest.mark.parametrize(
    ("word", "size"), [("96x64", (64, 96)), ("64", (64, 64)), ("28X32", (32, 28)), ("1024x1", (1, 1024))]
)
def test_a_word_is_width_x_height(word: str, size: tuple[int, int]):
    assert read_size(word) == size
    assert read_size(size_word(*size)) == size


@pytest.mark.parametrize(
    "word", ["", "x", "64x", "x64", "0", "0x5", "1025", "96x64x3", "-3", "6 4", "96*64", "²", "99999"]
)
def test_other_words_are_refused(word: str):
    with pytest.raises(UserError, match="width x height such as 96x64"):
        read_size(word)
