"""What a set must be before anything is trained."""

import pytest
from PIL import Image

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from train.data.load import load


def test_identical_pictures_are_refused(tmp_path):
    for i in range(120):
        Image.new("RGB", (20, 20), "teal").save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match=r"All 120 pictures of .* are the same"):
        load(str(tmp_path))


def test_training_pictures_have_a_least_number_of_their_own(tmp_path):
    draw_folder(tmp_path / "test", 30, classes=False)
    (tmp_path / "train").mkdir()
    for i in range(30):
        (tmp_path / "train" / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"0 training pictures that can be used, beside 30 held-out ones.*unreadable"):
        load(str(tmp_path), quiet=True)
