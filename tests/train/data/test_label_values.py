"""What cells of a column of labels mean."""

import numpy as np
import pytest

from bundle.picture_tables import LABEL_COLUMNS, by_name
from train.data.columns import likeliest_pictures
from train.data.label_values import class_keys, class_numbers, label_key


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (3, 3), (3.0, 3), (np.float32(3), 3), (np.int64(3), 3), (True, "True"), (np.True_, "True"), ("cat ", "cat"),
        (b"cat", "cat"), (None, None), (float("nan"), None), ("", None), ([], None), ([2], 2), (["cat"], "cat"),
        ([0, 1, 0], 1), ([0.0, 0.0, 1.0], 2), (np.array([1, 0]), 0), ([False, True], 1), ([0, 0], None), ("7", "7"),
    ],
)  # fmt: skip
def test_a_cell_names_a_class_or_none(cell, key):
    found = label_key(cell)
    assert found == key and type(found) is type(key)


@pytest.mark.parametrize("cell", [0.5, float("inf"), [1, 1], [0, 2], ["cat", "dog"], {"a": 1}])
def test_a_cell_that_names_no_single_class_says_why(cell):
    with pytest.raises(ValueError, match="is no class"):
        label_key(cell)


def test_classes_are_in_order_and_minus_one_is_none_of_them():
    assert class_keys([10, 9, None, -1, "b", "a", 9]) == [9, 10, "a", "b"]
    assert class_keys([-1, 1, 1]) == [-1, 1]
    assert class_numbers([9, None, -1, "b"], [9, "b"]) == [0, -1, -1, 1]


def test_columns_by_their_names():
    assert by_name(["Target", "id", "LABEL"], LABEL_COLUMNS) == ["LABEL", "Target"]
    assert likeliest_pictures({"id": 1, "mask": 0, "photo": 1, "pixels": 2}) == ["photo", "pixels", "mask", "id"]
    assert likeliest_pictures({"b": 0, "image_mask": 0, "image": 0}) == ["image", "b", "image_mask"]
