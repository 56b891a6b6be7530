"""Changes to a bundle that exists: files, index and card change together or not at all."""

import shutil
from pathlib import Path

import pytest

from bundle.errors import BundleError, UserError
from bundle.read import read
from export import model_card, update
from tests.export.conftest import Exported
from tests.export.test_assemble import QUALITY


@pytest.fixture
def own_bundle(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "artifacts" / "shapes"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_figures_go_into_index_and_card(own_bundle: Path):
    update.set_quality(own_bundle, QUALITY)
    assert read(own_bundle).info.quality == QUALITY
    card = (own_bundle / "README.md").read_text()
    assert "| GAN: distance | 12.34 | 5.5 | lower |" in card and "Not measured" not in card
    update.set_quality(own_bundle, QUALITY.model_copy(update={"samples": 21}))
    assert (own_bundle / "README.md").read_text() == card.replace("20 samples", "21 samples")
    with pytest.raises(UserError, match="no folder"):
        update.set_quality(own_bundle / "nowhere", QUALITY)


def test_a_bundle_without_a_card_gets_one(own_bundle: Path):
    (own_bundle / "README.md").unlink()
    update.set_quality(own_bundle, QUALITY)
    assert "## Graphs" in (text := (own_bundle / "README.md").read_text()) and "| GAN: distance |" in text


def test_what_fails_its_checks_leaves_everything_as_it_was(own_bundle: Path):
    before, bundle = contents(own_bundle), read(own_bundle)
    sheet = bundle.info.files["sheet"]
    files = bundle.info.files | {"sheet": update.file_entry(sheet.file, b"no picture")}
    with pytest.raises(BundleError, match="not a PNG"):
        update.update(bundle, bundle.info.model_copy(update={"files": files}), {sheet.file: b"no picture"})
    assert contents(own_bundle) == before and [p.name for p in own_bundle.parent.iterdir()] == ["shapes"]


def test_what_the_owner_added_stays(own_bundle: Path):
    (own_bundle / "notes.txt").write_text("mine")
    update.set_quality(own_bundle, QUALITY)
    assert (own_bundle / "notes.txt").read_text() == "mine"
    assert model_card.BEGIN in (own_bundle / "README.md").read_text()
