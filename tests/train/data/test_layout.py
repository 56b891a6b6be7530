"""What folders around pictures mean, as pure functions of paths."""

from pathlib import PurePosixPath

import pytest

from train.data.layout import are_shards, find_splits, split_folders, split_name


@pytest.mark.parametrize(
    ("name", "split", "part"),
    [
        ("train", "train", ""), ("TEST", "test", ""), ("Validation", "validation", ""), ("dev", "validation", ""),
        ("trainA", "train", "A"), ("test_B", "test", "B"), ("training_set", "train", ""), ("val2017", "validation", ""),
        ("Test-Images", "test", ""),
    ],
)  # fmt: skip
def test_names_of_splits(name, split, part):
    found = split_name(name)
    assert found is not None and (found.split, found.part) == (split, part)


@pytest.mark.parametrize("name", ["trains", "testudo", "valley", "developer", "training ground floor".title(), "cat"])
def test_names_of_classes_are_no_splits(name):
    assert not split_folders([name, "train", "cat"])


def test_splits_are_folders_side_by_side():
    assert not split_folders(["train", "plane", "car"])
    assert not split_folders(["train_station", "test_tube", "car"])
    assert set(split_folders(["train", "train_station", "test"])) == {"train", "test"}


def paths(*names: str) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in names]


def test_the_outermost_splits_count():
    found = find_splits(paths("a/b/train/x/1.png", "a/b/train/test/2.png", "a/b/test/x/3.png", "a/readme/4.png"))
    assert set(found.train.values()) == {("x", "1.png"), ("test", "2.png")}
    assert found.test is not None and set(found.test.values()) == {("x", "3.png")}
    assert found.notes == ["splits by the folders test/, train/", "left out 1 picture beside the splits (readme: 1)"]


def test_without_a_training_split_nothing_is_a_test():
    found = find_splits(paths("test/1.png", "val/2.png"))
    assert found.test is None and len(found.train) == 2


def test_shards_are_numbered_by_their_pictures():
    def parts(*names: str) -> dict:
        return {path: path.parts for path in paths(*names)}

    assert are_shards(parts("00000/img00000999.png", "00001/img00001000.png"))
    assert are_shards(parts("00000/00012.png", "01000/01999.png"))
    assert not are_shards(parts("00000/00000_00001.png", "00001/00000_00001.png"))  # road signs
    assert not are_shards(parts("0/0_12.png", "1/1_12.png"))
    assert not are_shards(parts("cafe/cafe1.png", "face/face1.png"))
