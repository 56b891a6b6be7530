"""Bundles of before go on being opened: tests/support/version_1 was written when the schema had version 1."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.images import to_uint8
from bundle.model import BundleModel
from bundle.read import discover, read
from bundle.runner import BundleRunner
from bundle.schema import USUAL_GRAPHS
from bundle.sessions import choose_provider
from demo.serving.served_bundle import open_bundles
from tests.support.released import tiles

OLD = Path(__file__).parent / "support" / "version_1"
SHOWN = 24  # pictures on its sheet


def test_it_is_of_version_1_and_whole():
    assert json.loads((OLD / "bundle.json").read_text(encoding="utf-8"))["schema_version"] == 1
    opened = read(OLD)
    assert set(opened.info.graphs) == set(USUAL_GRAPHS) and opened.info.dataset.classes == ("0", "1")
    BundleRunner(opened).check()


def test_it_draws_its_sample_sheet_and_reads_a_picture():
    old = BundleModel(BundleRunner(read(OLD)))
    with Image.open(OLD / "sheet.png") as opened:
        sheet = tiles(np.asarray(opened), old.info.image)
    assert np.abs(sheet.astype(int) - to_uint8(old.sample(range(SHOWN)))).max() <= 1
    picture = old.sample([0])
    assert old.classify(picture).sum() == pytest.approx(1)
    assert old.invert(picture).image.shape == old.decode(old.codes([0])).shape == picture.shape


def test_the_demo_serves_it_beside_others(tiny_bundle: Path, tmp_path: Path):
    shutil.copytree(OLD, tmp_path / "old")
    shutil.copytree(tiny_bundle, tmp_path / "new")
    bundles, unavailable = discover(tmp_path)
    assert len(bundles) == 2 and not unavailable
    models, unavailable = open_bundles(tmp_path, choose_provider("cpu"))
    assert set(models) == {"version-one", "tiny"} and not unavailable
