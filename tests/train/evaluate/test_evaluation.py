"""The report of a run and of a bundle: complete, repeatable, equal for both; mistakes are sentences."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.quality_section import figure_row
from tests.support.pictures import draw_folder
from tests.support.trained import train_tiny
from tests.train.evaluate.support import FEW, FLAGS, refusal
from train.__main__ import main
from train.data.packed import Pack
from train.evaluate.evaluation import evaluate
from train.settings import EvaluateSettings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_leak")]


def test_every_figure_is_finite_and_has_its_floor(report):
    alone = {"classifier.accuracy", "vae.active_units"}
    assert len(report.figures) > 35
    for figure in report.figures:
        assert np.isfinite(figure.value), figure.name
        assert figure.name in alone or figure.name.endswith("_found") or np.isfinite(figure.floor), figure.name
    names = [figure.name for figure in report.figures]
    assert len(set(names)) == len(names)


def test_figures_that_depend_on_each_other_agree(report):
    assert report["vae.psnr"].value == pytest.approx(-10 * np.log10(report["vae.mse"].value))
    assert report["vae.weighted_bound"].value < report["vae.negative_elbo"].value
    assert report["vae.frechet_prior"].floor == report["vae.frechet_reconstruction"].value
    assert report["gan.frechet"].floor == report["vae.frechet_reconstruction"].floor
    assert sum(report.tables["classes read in GAN samples"]) == 40
    assert report["gan.inversion"].floor == pytest.approx(report["vae.mse"].value)
    assert any("40 pictures a side are few" in note for note in report.notes)


def test_each_truncation_that_was_asked_for_is_measured(report):
    at = {figure.name: figure for figure in report.figures if "_at_" in figure.name}
    measured = "frechet", "kernel", "precision", "recall", "density", "coverage", "label_accuracy"
    assert list(at) == [f"gan.{name}_at_{psi}" for psi in ("0.8", "0.6") for name in measured]
    assert at["gan.recall_at_0.6"].label == "Recall of GAN samples at truncation 0.6, k = 3"
    assert at["gan.frechet_at_0.6"].floor == report["gan.frechet"].floor
    assert at["gan.frechet_at_0.6"].value != at["gan.frechet_at_0.8"].value != report["gan.frechet"].value


def test_what_is_left_out_changes_no_other_figure(trained_run, report):
    short = evaluate(EvaluateSettings(trained_run, **FEW, copies=False, leaks=False, truncation=())).report
    parts = ("_ratio", "_copies", "_nearer", ".leak_", "_at_")
    kept = [f for f in report.figures if not any(part in f.name for part in parts)]
    assert kept == short.figures
    assert any(".leak_" in f.name for f in report.figures)
    assert "--no-copies" in short.facts["command"] and "--no-leaks" in short.facts["command"]


def test_the_report_is_printed_and_stored_and_repeats(trained_run, report, tmp_path, capsys):
    assert main(["evaluate", str(trained_run), *FLAGS, "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    stored = json.loads((tmp_path / "report.json").read_text())
    assert [f["value"] for f in stored["figures"]] == [f.value for f in report.figures]
    assert report.facts["features"] in shown
    card = (tmp_path / "report.md").read_text()
    for figure in report.figures:
        assert figure.name in shown and f"{figure.value:.4g}" in shown
        assert figure_row(figure) in card
    sheets = {path.name for path in tmp_path.glob("*.png")}
    assert {f"{model}_closest_{space}.png" for model in ("gan", "vae") for space in ("pixels", "features")} <= sheets
    assert {"gan_samples.png", "vae_samples.png", "vae_reconstructions.png", "vae_midpoints.png"} <= sheets
    assert all(f"![{name}]({name})" in card for name in sheets)
    assert Image.open(tmp_path / "gan_closest_pixels.png").size == (16 * 16, 4 * 16)


def test_without_out_the_report_of_a_run_is_in_its_folder(tmp_path, shape_pictures):
    """Of a run with a classifier alone, which is all that has to be measured."""
    run = train_tiny(tmp_path / "run", shape_pictures, "classifier")
    assert main(["evaluate", str(run), *FLAGS]) == 0
    stored = json.loads((run / "evaluation" / "report.json").read_text())
    assert [figure["name"] for figure in stored["figures"]] == ["classifier.accuracy"]


def test_a_bundle_is_measured_as_its_run_is(exported, shape_pictures, report, tmp_path, monkeypatch):
    """Here the pictures count as too many for memory: they are packed into a folder that is gone afterwards."""
    packed: list[Path] = []
    begin = Pack.begin
    monkeypatch.setattr(Pack, "begin", lambda folder, *rest: (packed.append(folder), begin(folder, *rest))[1])
    monkeypatch.setattr("train.data.picture_set.fits_in_memory", lambda needed: False)
    monkeypatch.setattr("train.data.cache.LARGE_FILES", tmp_path)
    monkeypatch.delenv("TMPDIR", raising=False)
    found = evaluate(EvaluateSettings(exported.folder, str(shape_pictures), **FEW)).report
    assert [figure.name for figure in found.figures] == [figure.name for figure in report.figures]
    for name in ("classifier.accuracy", "gan.frechet", "gan.recall_at_0.6", "gan.inversion", "vae.coverage", "vae.mse",
                 "vae.negative_elbo", "vae.weighted_bound", "vae.frechet_prior", "repair.centre"):  # fmt: skip
        assert found[name].value == pytest.approx(report[name].value, rel=0.02), name
    assert not list(exported.folder.glob("report.*"))
    assert [folder.parent for folder in packed] == [tmp_path] and not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------------------- mistakes


def test_what_is_neither_run_nor_bundle(tmp_path, capsys):
    assert "neither a run" in refusal(capsys, tmp_path / "nothing")
    (tmp_path / "run.json").write_text('{"data": 3}')
    assert "damaged" in refusal(capsys, tmp_path)


def test_few_samples_and_odd_numbers(trained_run, capsys):
    assert "--samples must be at least 100, not 99" in refusal(capsys, trained_run, "--samples", 99)
    assert "--bound-samples must be positive" in refusal(capsys, trained_run, "--bound-samples", 0)
    assert "--threads must be positive" in refusal(capsys, trained_run, "--threads", 0)
    for psi in (0, 1, 1.6, "nan"):
        assert "--truncation must lie between 0 and 1.5" in refusal(capsys, trained_run, "--truncation", psi)
    assert "names a number twice" in refusal(capsys, trained_run, "--truncation", 0.5, 0.5)


def test_a_run_without_classifier(trained_run, tmp_path, capsys):
    bare = Path(shutil.copytree(trained_run, tmp_path / "bare"))
    shutil.rmtree(bare / "classifier")
    assert "has no classifier" in refusal(capsys, bare)
    for flag in ("--classifier", "--reader"):  # the older name
        assert "has no trained classifier" in refusal(capsys, trained_run, flag, bare)
    shutil.rmtree(bare / "gan")
    shutil.rmtree(bare / "vae")
    assert "has no classifier, GAN or VAE yet" in refusal(capsys, bare)


def test_other_pictures(trained_run, tmp_path, capsys, shapes):
    assert "lacks 250 of the 400 pictures that" in refusal(capsys, trained_run, "--data", shapes)
    other = draw_folder(tmp_path / "other", 400, classes=False)
    assert "classes ()" in refusal(capsys, trained_run, "--data", other)
    assert "--data" in refusal(capsys, trained_run, "--data", tmp_path / "nowhere")


def test_damaged_bundles(broken_bundle, capsys):
    (broken_bundle / "generator.onnx").write_bytes(b"no graph")
    assert "its checksum is wrong" in refusal(capsys, broken_bundle)
    (broken_bundle / "generator.onnx").unlink()
    assert "'generator.onnx' of bundle 'tiny' is missing" in refusal(capsys, broken_bundle)
    (broken_bundle / "bundle.json").write_text("{}")
    assert "bundle.json of 'tiny' is wrong" in refusal(capsys, broken_bundle)


def test_help_says_what_feature_files_may_be(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())  # wherever the lines break
    for word in (
        "RUN_OR_BUNDLE",
        "--samples",
        "--classifier",
        "--features",
        "--store",
        "ONNX",
        "Nothing is downloaded",
    ):
        assert word in shown
