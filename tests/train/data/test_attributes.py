"""Columns become attributes: numbers, two words, booleans, gaps; what is none is said so in a sentence."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from tests.inputs.attributes import draw
from train.data.attributes import NoAttribute, choose_attributes, column_of, matrix
from train.data.cache import Cache
from train.data.dataset import DataInfo
from train.data.load import load
from train.data.reading import Reading


def test_kinds_of_columns():
    words = column_of("glasses", ["yes", "no", None, "yes", " "] * 40)
    assert (words.info.kind, words.info.low, words.info.high, words.info.words) == ("binary", 0, 1, ("no", "yes"))
    assert np.array_equal(words.values[:5], [1, 0, np.nan, 1, np.nan], equal_nan=True)
    assert column_of("hat", [True, False] * 100).info.kind == "binary"
    signs = column_of("sign", [-1, 1] * 100)
    huge = column_of("huge", [1e300, *map(float, range(239))]).info  # which float32 cannot hold
    assert (huge.mean, huge.high) == (119.0, pytest.approx(226.1))
    assert signs.info.kind == "binary" and signs.values[:2].tolist() == [0, 1]
    dates = column_of("day", [20240131, 20240201, None] * 100)  # the same to six digits, and nearly so as float32
    assert dates.info.words == ("20240131", "20240201") and dates.values[:2].tolist() == [0, 1]
    moments = [1_700_000_000_000_000, 1_700_000_000_000_001]  # microseconds, which differ in the 16th digit
    assert column_of("moment", moments * 100).info.words == tuple(map(str, moments))
    assert column_of("length", [0.1, 0.2] * 100).info.words == ("0.1", "0.2")
    number = column_of("age", [float(i) for i in range(101)] + [float("nan")] * 9)
    assert (number.info.kind, number.info.low, number.info.high, number.info.mean) == ("number", 5, 95, 50)
    assert matrix([number.info, words.info], {"glasses": ["no", "other"]}, 2)[:, 1].tolist()[:1] == [0]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["a", "b", "c"] * 100, "3 different words"),
        ([f"w{i}" for i in range(1000)], "1000 different words"),
        ([1.0] * 200, "one value only"),
        ([None] * 200, "is empty"),
        ([1.0, 2.0, 3.0] * 30, "in 90 training pictures"),
        ([0] * 195 + [1] * 5, "in 5 training pictures"),
        ([1, "a"] * 100, "numbers and words"),
        ([[1, 2]] * 200, "a list"),
    ],
)
def test_what_is_no_attribute(cells: list, words: str):
    with pytest.raises(NoAttribute, match=words):
        column_of("x", cells)
    with pytest.raises(UserError, match=words):
        choose_attributes("x", {"x": cells})


def test_all_leaves_out_the_class_and_what_is_none():
    cells = {"label": [0, 1] * 100, "age": list(range(200)), "name": [f"w{i}" for i in range(200)]}
    columns, notes = choose_attributes("all", cells, ["label"])
    assert [column.info.name for column in columns] == ["age"]
    assert len(notes) == 1 and "the column name is no attribute" in notes[0]
    many = {f"a{i}": list(range(200)) for i in range(40)}
    columns, notes = choose_attributes("all", many)
    assert len(columns) == 32 and "only the first 32 of 40" in notes[-1]
    assert choose_attributes(None, cells, ["label"]) == ([], [])


def test_values_follow_their_pictures_in_memory_and_in_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A gap stays a gap, and both ways give the same splits."""
    draw(tmp_path / "set")
    reading = Reading(attributes="glasses,age")
    info, train, test = load(str(tmp_path / "set"), 16, True, reading=reading)
    assert DataInfo.from_json(info.as_json()) == info
    assert train.attributes is not None and test.attributes is not None
    shade = train.images.float().mean(dim=(1, 2, 3))
    ages = train.attributes[:, 1]
    known = ages.isfinite()
    assert 0 < int((~known).sum()) < len(train) / 2
    assert torch.corrcoef(torch.stack([shade[known], ages[known]]))[0, 1] > 0.99
    monkeypatch.setattr("train.data.picture_set.fits_in_memory", lambda needed: False)
    for _ in range(2):  # packed, then found packed
        _, packed, held_out = load(str(tmp_path / "set"), 16, True, reading=reading, cache=Cache(tmp_path / "pack"))
        assert np.array_equal(packed.pixels, train.pixels) and packed.attributes is not None
        assert torch.allclose(packed.attributes, train.attributes, equal_nan=True)
        assert held_out.attributes is not None and torch.allclose(held_out.attributes, test.attributes, equal_nan=True)
    assert load(str(tmp_path / "set"), 16, True)[1].attributes is None


def test_shapes_offer_their_factors():
    info, train, _ = load("shapes", 16, quiet=True, reading=Reading(attributes="size,x"))
    assert [one.name for one in info.attributes] == ["size", "x"]
    assert train.attributes is not None and train.attributes.shape == (20_000, 2)
    with pytest.raises(UserError, match=r"colour: the column holds 8 different words"):
        load("shapes", 16, quiet=True, reading=Reading(attributes="colour"))
