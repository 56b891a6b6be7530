"""What a set must be before anything is trained."""

import pytest
from PIL import Image

from bundle.errors import UserError
from train.data.load import load


def test_identical_pictures_are_refused(tmp_path):
    for i in range(120):
        Image.new("RGB", (20, 20), "teal").save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match=r"All 120 pictures of .* are the same"):
        load(str(tmp_path))
