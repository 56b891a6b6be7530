"""What the export commands make of a bundle whose generator was exported elsewhere."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from bundle.adopt import About, adopt
from bundle.errors import UserError
from bundle.generator_inputs import Given
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from export import class_directions, report, shrink
from export.__main__ import main
from export.runtime_comparison import check_bundle
from tests.support import foreign
from tests.support.generator_kinds import KINDS
from tests.support.static_site import need_runtime

pytestmark = pytest.mark.slow


@pytest.fixture
def adopted(tmp_path: Path) -> Path:
    (tmp_path / "g.onnx").write_bytes(foreign.exported())
    given = Given(classes=tuple("abcde"), inputs={"truncation": "0.7"})
    adopt(tmp_path / "g.onnx", tmp_path / "adopted", About("adopted", "Adopted"), given)
    return tmp_path / "adopted"


def drawn(folder: Path) -> np.ndarray:
    return BundleModel(BundleRunner(read(folder))).sample(range(10))


def test_every_runtime_runs_it_by_its_own_names_and_types(adopted: Path):
    table = check_bundle(adopted, ("reference", "onnxruntime", "web"))
    assert "does not run" not in table


def test_onnx_s_own_domain_may_be_written_out(tmp_path: Path):
    data, given = KINDS["domains"]()
    (tmp_path / "g.onnx").write_bytes(data)
    adopt(tmp_path / "g.onnx", tmp_path / "adopted", About("adopted", "Adopted"), given)
    assert "does not run" not in check_bundle(tmp_path / "adopted", ("reference", "onnxruntime"))


def test_half_the_bytes_draw_the_same_pictures(adopted: Path):
    before, size = drawn(adopted), (adopted / "generator.onnx").stat().st_size
    shrink.shrink(adopted)
    assert (adopted / "generator.onnx").stat().st_size < size
    assert np.abs(drawn(adopted) - before).max() <= 2 / 255  # one grey level in those that it tries


def test_a_static_page_has_it_by_the_formats_own_names(adopted: Path, tmp_path: Path):
    need_runtime()
    assert main(["web", str(adopted), str(tmp_path / "page")]) == 0
    (known,) = json.loads((tmp_path / "page" / "facts.json").read_text())["bundles"]
    assert known["sha256"] == read(adopted).sha256  # by which its pictures are known at home
    assert list(known["graphs"]) == ["generator"] and known["latents"]["bytes"] == 0
    assert known["graphs"]["generator"]["inputs"] == {"z": [foreign.LATENT], "classes": [5]}
    data = (tmp_path / "page" / known["graphs"]["generator"]["url"]).read_bytes()
    assert len(data) == known["graphs"]["generator"]["bytes"]
    assert {value.name for value in onnx.load_from_string(data).graph.input} == {"z", "classes"}


def test_a_report_says_nothing_that_nobody_knows(adopted: Path):
    page = report.write(adopted.parent).read_text(encoding="utf-8")
    assert "5 classes. Licence unknown. [Model card]" in page
    assert "for training" not in page and "pictures seen" not in page


def test_a_space_has_it_as_it_came(adopted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["space", str(adopted), "--out", str(tmp_path / "space")]) == 0
    copy = tmp_path / "space" / "artifacts" / "adopted"
    assert (copy / "generator.onnx").read_bytes() == (adopted / "generator.onnx").read_bytes()
    assert np.array_equal(drawn(copy), drawn(adopted))


def test_it_has_no_styles_to_find_directions_in(adopted: Path):
    with pytest.raises(UserError, match="made elsewhere"):
        class_directions.add(adopted)
