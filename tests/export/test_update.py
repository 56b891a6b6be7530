"""Changes to a bundle that exists: files, index and card change together or not at all."""

import shutil
from pathlib import Path

import pytest

from bundle.errors import BundleError, UserError
from bundle.read import read
from bundle.write import file_entry
from export import update
from tests.export.test_assemble import ELSEWHERE
from tests.support.trained import Exported


@pytest.fixture
def own_bundle(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "artifacts" / "shapes"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_comparison_of_runtimes_goes_into_index_and_card(own_bundle: Path):
    update.set_runtime_comparison(own_bundle, ELSEWHERE)
    assert read(own_bundle).info.runtime_comparison == ELSEWHERE
    assert (own_bundle / "README.md").read_text().count("Not tried: CUDA. No GPU.") == 1
    with pytest.raises(UserError, match="no folder"):
        update.set_runtime_comparison(own_bundle / "nowhere", ELSEWHERE)


def test_a_bundle_without_a_card_gets_one(own_bundle: Path):
    (own_bundle / "README.md").unlink()
    update.set_runtime_comparison(own_bundle, ELSEWHERE)
    text = (own_bundle / "README.md").read_text()
    assert "## Graphs" in text and "Not tried: CUDA. No GPU." in text


def test_what_fails_its_checks_leaves_everything_as_it_was(own_bundle: Path):
    before, bundle = contents(own_bundle), read(own_bundle)
    sheet = bundle.info.files["sheet"]
    files = bundle.info.files | {"sheet": file_entry(sheet.file, b"no picture")}
    with pytest.raises(BundleError, match="not a PNG"):
        update.update(bundle, bundle.info.model_copy(update={"files": files}), {sheet.file: b"no picture"})
    assert contents(own_bundle) == before and [p.name for p in own_bundle.parent.iterdir()] == ["shapes"]


def test_what_the_owner_added_stays(own_bundle: Path):
    (own_bundle / "notes.txt").write_text("mine")
    update.set_runtime_comparison(own_bundle, ELSEWHERE)
    assert (own_bundle / "notes.txt").read_text() == "mine"
