"""`--store`: a bundle keeps the figures that were printed, and only those of its own networks."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from bundle.errors import UserError
from bundle.figures import headlines
from bundle.read import read
from bundle.schema import Quality
from tests.support.trained import train_tiny
from tests.train.evaluate.support import FLAGS, refusal
from train.__main__ import main
from train.evaluate.report import Report
from train.evaluate.store import FROM_RUN, check_store
from train.evaluate.subject import open_subject


@pytest.fixture
def bundle(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "artifacts" / "own"))


def stored(bundle: Path) -> Quality:
    quality = read(bundle).info.quality
    assert quality is not None
    return quality


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_everything_is_stored_as_it_was_measured(bundle, shape_pictures, capsys):
    before = {path.name: path.read_bytes() for path in bundle.glob("*.onnx")}
    assert main(["evaluate", str(bundle), "--data", str(shape_pictures), *FLAGS, "--store", str(bundle)]) == 0
    shown, quality, card = capsys.readouterr().out, stored(bundle), (bundle / "README.md").read_text()
    assert quality.samples == 40 and quality.features.startswith("classifier of own")
    assert quality.command.startswith("python -m train evaluate artifacts/own --data ")
    assert "--bound-samples 4" in quality.command and "--store" not in quality.command
    assert str(bundle.parents[2]) not in quality.model_dump_json()
    assert len(quality.figures) > 35
    for figure in quality.figures:
        # What is stored was rounded before, to more digits: a five at the end may go either way.
        shares = (1 - 2e-5, 1, 1 + 2e-5)
        assert figure.name in shown and any(f"{figure.value * share:.4g}" in shown for share in shares)
        assert figure.label in card
    assert {figure.name for figure in headlines(quality)} >= {"gan.frechet", "vae.psnr", "repair.left"}
    sheet = Image.open(bundle.parent / "report" / f"{read(bundle).info.name}_closest.png")
    assert sheet.size == (16 * 16, 4 * 16)
    assert {path.name: path.read_bytes() for path in bundle.glob("*.onnx")} == before


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_the_figures_of_a_run_go_into_the_bundle_that_it_was_exported_to(bundle, trained_run, tmp_path):
    words = [*FLAGS, "--no-copies", "--out", str(tmp_path / "report")]
    assert main(["evaluate", str(trained_run), *words, "--store", str(bundle)]) == 0
    quality = stored(bundle)
    assert FROM_RUN in quality.notes and quality.command.startswith("python -m train evaluate runs/")
    assert quality.features.startswith("classifier of " + trained_run.name)


def test_a_bundle_of_other_networks_is_refused(bundle, tiny_bundle, trained_run, tmp_path, capsys):
    """Said before anything is measured: other pictures, fewer models, other weights."""
    assert "does not hold the networks of" in refusal(capsys, trained_run, "--store", tiny_bundle)
    bare = Path(shutil.copytree(trained_run, tmp_path / "bare"))
    shutil.rmtree(bare / "vae")
    shutil.rmtree(bare / "repair")
    assert "does not hold the networks of" in refusal(capsys, bare, "--store", bundle)
    shutil.rmtree(bare / "gan")
    shutil.rmtree(bare / "inverter")
    train_tiny(bare, Path(open_subject(trained_run).source), "gan", more=["--seed", "5"])
    shutil.copytree(trained_run / "vae", bare / "vae")
    assert "does not hold the networks of" in refusal(capsys, bare, "--store", bundle)
    assert "no folder" in refusal(capsys, trained_run, "--store", tmp_path / "nowhere")


def test_a_copy_of_a_bundle_holds_the_same_networks(bundle, exported, tiny_bundle):
    check_store(bundle, open_subject(exported.folder))
    check_store(tiny_bundle, open_subject(tiny_bundle))


def test_a_figure_that_is_no_number_is_not_stored():
    report = Report({"features": "none"}, samples=10)
    report.add("gan.frechet", "Fréchet distance", float("nan"), "lower")
    assert not report.figures and "gan.frechet came out as nan" in report.notes[0]
    with pytest.raises(UserError, match=r"gan\.frechet: not a finite number"):
        report.as_quality("command")
