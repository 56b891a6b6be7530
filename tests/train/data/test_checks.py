"""What a set must be before anything is trained."""

import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from train.data.checks import check_labels
from train.data.load import load


def test_a_missing_label_and_a_lonely_class_are_sentences():
    with pytest.raises(UserError, match="2 training pictures of x have no label"):
        check_labels("x", torch.tensor([0, -1, 1, -1]), ("a", "b"))
    with pytest.raises(UserError, match="1 training pictures of 'b'"):
        check_labels("x", torch.tensor([0, 0, 1]), ("a", "b"))
    check_labels("x", torch.tensor([-1, -1]), ())


def test_identical_pictures_are_refused(tmp_path):
    for i in range(120):
        Image.new("RGB", (20, 20), "teal").save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match=r"All 120 pictures of .* are the same"):
        load(str(tmp_path))
