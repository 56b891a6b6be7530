"""The gallery of a static page: what its pictures show. What is refused: tests/inputs/favourites.py."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import UserError
from bundle.marks import Point, plain_state, xmp
from bundle.marks.verify import finding
from bundle.model import BundleModel
from bundle.read import OpenBundle, read
from bundle.runner import BundleRunner
from export.targets.folder import TargetFile
from export.targets.gallery import FORMAT, gallery, read_favourites
from tests.support import tiny

PLAIN = Point(m="gan", x=3, y=0.5, t=0.8, c=2)
BENT = PLAIN.model_copy(update={"bend": {"2.scale": 3.0, "3.noise": 1.5}})


@pytest.fixture
def bundle(tmp_path: Path) -> OpenBundle:
    return read(tiny.build(tmp_path / "tiny", name="tiny"))


def pictures_of(points: list[Point], bundle: OpenBundle, folder: Path) -> list[TargetFile]:
    file = folder / "favourites.json"
    entries = [{"bundle": "tiny", **plain_state(point)} for point in points]
    file.write_text(json.dumps({"format": FORMAT, "favourites": entries}))
    return gallery(read_favourites(file), [bundle])[0]


def test_a_favourite_is_named_by_its_place_in_the_file(bundle: OpenBundle, tmp_path: Path, capsys):
    file = tmp_path / "favourites.json"
    states = [("others", PLAIN), ("tiny", PLAIN), ("others", PLAIN), ("tiny", PLAIN.model_copy(update={"c": 99}))]
    entries = [{"bundle": name, **plain_state(point)} for name, point in states]
    file.write_text(json.dumps({"format": FORMAT, "favourites": entries}))
    with pytest.raises(UserError, match=r"Favourite 4 cannot be drawn\."):
        gallery(read_favourites(file), [bundle])
    assert "left out (1, 3)" in capsys.readouterr().out


def pixels_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def test_each_picture_is_the_one_that_its_mark_draws(bundle: OpenBundle, tmp_path: Path):
    model = BundleModel(BundleRunner(bundle))
    drawn = []
    for picture in pictures_of([PLAIN, BENT, Point(m="vae", x=7, y=0)], bundle, tmp_path):
        assert isinstance(picture.content, bytes)
        assert finding(picture.content, xmp.read(picture.content), model).again == "same", picture.place
        drawn.append(picture.content)
    plain, bent, _ = (pixels_of(data) for data in drawn)
    assert not np.array_equal(plain, bent)
