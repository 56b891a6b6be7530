"""The report of a run and of a bundle: complete, repeatable, equal for both; mistakes are sentences."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from benchmarks import binarized as binarized_benchmark
from benchmarks import results
from benchmarks import stacked as stacked_benchmark
from bundle import latents
from bundle.read import read
from demo.serving.engine import Engine, choose_provider
from demo.serving.served_bundle import ServedBundle
from tests.support.pictures import draw_folder
from train.__main__ import main
from train.evaluate import context, feature_extractor
from train.evaluate.evaluation import evaluate
from train.evaluate.report import Report
from train.evaluate.subject import Gan, open_subject
from train.settings import EvaluateSettings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_leak")]
QUICK = ["--images", "256", "--batch", "32", "--threads", "1"]
FEW = {"samples": 100, "bound_samples": 4, "bound_pictures": 8, "threads": 1}
FLAGS = ["--samples", "100", "--bound-samples", "4", "--bound-pictures", "8", "--threads", "1"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("pictures"), 400)


@pytest.fixture(scope="module")
def run(tmp_path_factory, pictures) -> Path:
    """Every stage, of 40 held-out and 360 training pictures in three classes, hardly trained."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    for stage in ("classifier", "gan", "vae", "inverse"):
        assert main([stage, str(folder), "--data", str(pictures), *QUICK]) == 0
    return folder


@pytest.fixture(scope="module")
def report(run) -> Report:
    return evaluate(EvaluateSettings(run, **FEW))[0]


@pytest.fixture(scope="module")
def binary_run(tmp_path_factory) -> Path:
    """A Bernoulli VAE of binarized pictures without classes, and nothing else."""
    folder = tmp_path_factory.mktemp("runs") / "binary"
    data = draw_folder(tmp_path_factory.mktemp("plain"), 150, classes=False)
    flags = ["--likelihood", "bernoulli", "--binarize", "--latent-dim", "4", "--width", "32", "--seed", "7"]
    assert main(["vae", str(folder), "--data", str(data), *flags, *QUICK]) == 0
    return folder


# --------------------------------------------------------------------------------------------- reports


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
    assert report["vae.weighted_bound"].value < report["vae.elbo"].value
    assert report["vae.frechet_prior"].floor == report["vae.frechet_reconstruction"].value
    assert report["gan.frechet"].floor == report["vae.frechet_reconstruction"].floor
    assert sum(report.tables["classes read in GAN samples"]) == 40
    assert report["gan.inversion"].floor == pytest.approx(report["vae.mse"].value)
    assert any("40 pictures a side are few" in note for note in report.notes)


def test_without_copies_everything_else_is_the_same(run, report):
    short = evaluate(EvaluateSettings(run, **FEW, copies=False))[0]
    left_out = ("_ratio", "_copies", "_nearer")
    assert [f for f in report.figures if not f.name.endswith(left_out)] == short.figures
    assert "--no-copies" in short.facts["command"]


def test_the_report_is_printed_and_stored_and_repeats(run, report, capsys):
    assert main(["evaluate", str(run), *FLAGS]) == 0
    shown, folder = capsys.readouterr().out, run / "evaluation"
    stored = json.loads((folder / "report.json").read_text())
    assert [f["value"] for f in stored["figures"]] == [f.value for f in report.figures]
    assert report.facts["features"] in shown
    card = (folder / "report.md").read_text()
    for figure in report.figures:
        assert figure.line.split("  ")[0] in shown
        assert figure.row in card
    sheets = {path.name for path in folder.glob("*.png")}
    assert {f"{model}_closest_{space}.png" for model in ("gan", "vae") for space in ("pixels", "features")} <= sheets
    assert {"gan_samples.png", "vae_samples.png", "vae_reconstructions.png", "vae_midpoints.png"} <= sheets
    assert all(f"![{name}]({name})" in card for name in sheets)
    assert Image.open(folder / "gan_closest_pixels.png").size == (16 * 16, 4 * 16)


def test_a_bundle_is_measured_as_its_run_is(run, report, tmp_path, pictures, capsys):
    from export.assemble import write
    from train.run_folder import Run

    bare = Path(shutil.copytree(run, tmp_path / "bare"))
    shutil.rmtree(bare / "gan")
    write(Run.open(bare), tmp_path / "bundle", "bundle", str(pictures))
    settings = EvaluateSettings(tmp_path / "bundle", data=str(pictures), **FEW)
    exported = evaluate(settings)[0]
    assert [f.name for f in exported.figures] == [f.name for f in report.figures if not f.name.startswith("gan.")]
    for name in (
        "classifier.accuracy",
        "vae.coverage",
        "vae.mse",
        "vae.elbo",
        "vae.weighted_bound",
        "vae.frechet_prior",
    ):
        assert exported[name].value == pytest.approx(report[name].value, rel=0.02), name
    assert not list((tmp_path / "bundle").glob("report.*"))
    (tmp_path / "bundle" / "decoder.onnx").unlink()
    assert main(["evaluate", str(tmp_path / "bundle"), *FLAGS]) == 2
    assert "decoder.onnx is missing" in capsys.readouterr().err


def test_a_generator_is_read_from_a_bundle(tiny_bundle):
    subject = open_subject(tiny_bundle)
    z, classes = np.zeros((3, subject.gan.latent_dim), np.float32), np.eye(10, dtype=np.float32)[:3]
    images = subject.gan.draw(z, classes)
    assert (images.shape, subject.gan.prior) == ((3, 1, 32, 32), "normal")
    assert not np.array_equal(images[0], images[1])
    index = json.loads((tiny_bundle / "bundle.json").read_text())
    assert subject.reader.sha256 == index["graphs"]["classifier"]["sha256"]


def test_a_bundle_truncates_as_the_demo_does(tiny_bundle):
    subject, served = open_subject(tiny_bundle), ServedBundle(Engine(read(tiny_bundle), choose_provider("cpu")))
    seeds, classes = [3, 4, 5], np.eye(10, dtype=np.float32)[:3]
    z = np.stack([latents.seed_latent(seed, subject.gan.latent_dim) for seed in seeds])
    for psi in (0.0, 0.5, 1.0):
        expected = served.sample(seeds, classes, psi)
        np.testing.assert_allclose(subject.gan.truncated(psi)(z, classes), expected, atol=2e-6)
    assert not np.allclose(served.sample(seeds, classes, 0.5), served.sample(seeds, classes, 1.0), atol=1e-3)


def test_a_run_is_measured_at_each_truncation_asked_for(run, report):
    subject = open_subject(run)
    z, classes = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32), np.eye(3, dtype=np.float32)[[1, 1]]
    np.testing.assert_allclose(subject.gan.truncated(1)(z, classes), subject.gan.draw(z, classes), atol=1e-5)
    alike = subject.gan.truncated(0)(z, classes)
    np.testing.assert_allclose(alike[0], alike[1], atol=1e-6)  # the mean style of the class
    at = {figure.name: figure for figure in report.figures if "_at_" in figure.name}
    measured = "frechet", "kernel", "precision", "recall", "density", "coverage", "label_accuracy"
    assert list(at) == [f"gan.{name}_at_{psi}" for psi in ("0.8", "0.6") for name in measured]
    assert at["gan.recall_at_0.6"].label == "Recall of GAN samples at truncation 0.6, k = 3"
    assert at["gan.frechet_at_0.6"].floor == report["gan.frechet"].floor
    assert at["gan.frechet_at_0.6"].value != at["gan.frechet_at_0.8"].value != report["gan.frechet"].value
    bare = evaluate(EvaluateSettings(run, **FEW, truncation=()))[0]
    assert [f for f in report.figures if f.name not in at] == bare.figures


def test_copies_of_training_pictures_are_found(run, pictures):
    """The generator replaced by one that hands out training pictures."""
    subject = open_subject(run)
    info, train, test = load_pictures(pictures)
    eye = feature_extractor.choose(subject, None, None, "0..1")
    reference = train.images[:40].numpy()
    judge = feature_extractor.Judge(eye, reference, test.images.numpy())
    bench = context.Bench(Report({}), judge, take(train, 40), test, train.images.numpy(), len(info.classes), 0)
    thief = Gan(4, "normal", lambda z, classes: train.images[: len(z)].numpy() / np.float32(255))
    context.measure_gan(bench, thief)
    for space in ("features", "pixels"):
        assert bench.report[f"gan.{space}_ratio"].value < 0.01 * bench.report[f"gan.{space}_ratio"].floor
        assert bench.report[f"gan.{space}_copies"].value == 1
        assert bench.report[f"gan.{space}_nearer"].value > 0.95
        sheet, columns = bench.sheets[f"gan_closest_{space}.png"]
        tiles = sheet.reshape(16, 4, *sheet.shape[1:])
        assert columns == 16
        assert np.array_equal(tiles[:, 0], tiles[:, 1])
        assert not np.array_equal(tiles[:, 0], tiles[:, 2])


def load_pictures(folder: Path):
    from train.data.load import load

    return load(str(folder), quiet=True)


def take(pictures, count: int):
    return type(pictures)(pictures.images[:count], pictures.labels[:count])


def test_a_bernoulli_vae_is_measured_in_nats_of_binarized_pictures(binary_run, monkeypatch, tmp_path):
    found, _ = evaluate(EvaluateSettings(binary_run, **FEW))
    assert "binarized" in found["vae.elbo"].label
    assert 0 < found["vae.weighted_bound"].value < found["vae.elbo"].value < 256 * np.log(2) * 3
    assert "own encoder" in found.facts["features"]
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["binarized", str(binary_run), "--bound-samples", "4", "--bound-pictures", "8"])
    assert binarized_benchmark.main() == 0
    stored = json.loads((tmp_path / "binarized_mnist.json").read_text())
    assert stored["figures"]["vae.elbo"]["value"] == pytest.approx(found["vae.elbo"].value, abs=1e-4)
    assert (stored["training"]["seed"], stored["training"]["images"]) == (7, 256)
    assert str(tmp_path.parent) not in json.dumps(stored)


# ------------------------------------------------------------------------------------------- who looks


def onnx_features(path: Path, shape: list, output: list | None = None) -> Path:
    """A graph whose features are the mean of each channel."""
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["m"]), helper.make_node("Flatten", ["m"], ["features"])]
    graph = helper.make_graph(
        nodes, "means", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, output or ["n", shape[1]])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(("form", "expected"), [("0..1", 0.4), ("-1..1", -0.2), ("0..255", 102), ("imagenet", None)])
def test_a_feature_file_gets_the_numbers_it_wants(tmp_path, form, expected):
    eye = feature_extractor.of_file(onnx_features(tmp_path / "means.onnx", ["n", 3, 40, 40]), form, None)
    features, logits = eye.look(np.full((2, 1, 16, 16), 0.4, np.float32))
    wanted = [expected] * 3 if expected is not None else (0.4 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(features, [wanted] * 2, rtol=1e-4)
    assert logits is None
    assert not eye.scaled


def test_a_feature_file_measures_the_distances_and_the_classifier_reads_the_classes(run, tmp_path, report):
    path = onnx_features(tmp_path / "means.onnx", ["n", 1, "h", "w"])
    found, _ = evaluate(EvaluateSettings(run, features=path, **FEW))
    assert "means.onnx" in found.facts["features"]
    assert found["gan.frechet"].value != report["gan.frechet"].value
    assert found["gan.label_accuracy"].value == report["gan.label_accuracy"].value


def test_without_classes_and_vae_a_network_of_random_weights_looks_always_the_same(run):
    subject = open_subject(run)
    eyes = [feature_extractor.of_chance(subject) for _ in range(2)]
    image = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    assert eyes[0].sha256 == eyes[1].sha256
    np.testing.assert_array_equal(eyes[0].look(image)[0], eyes[1].look(image)[0])


def test_a_grey_reader_looks_at_each_channel(run):
    subject = open_subject(run)
    data = type(subject.data)(**(vars(subject.data) | {"channels": 3, "classes": ()}))
    colour = type(subject)(**(vars(subject) | {"data": data, "reader": None}))
    eye = feature_extractor.choose(colour, subject.reader, None, "0..1")
    image = np.random.default_rng(0).random((2, 3, 16, 16), dtype=np.float32)
    features, logits = eye.look(image)
    one = subject.reader.read(image[:, 1:2])[1]
    np.testing.assert_allclose(features[:, one.shape[1] : 2 * one.shape[1]], one, atol=1e-5)
    assert logits is None


def test_the_stacked_benchmark_keeps_seeds_and_refuses_other_runs(run, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["stacked", str(run), "--reader", str(run)])
    assert stacked_benchmark.main() == 2
    assert "was not trained on stacked_mnist" in capsys.readouterr().err
    measured = [{"figures": {"gan.modes": {"value": v}}} for v in (990, 1000)]
    assert stacked_benchmark.summary(measured) == {"gan.modes": {"mean": 995, "least": 990, "largest": 1000}}


# -------------------------------------------------------------------------------------------- mistakes


def refuse(capsys, *arguments: object) -> str:
    assert main(["evaluate", *map(str, arguments)]) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert shown[-1].startswith("error: ")
    return shown[-1]


def test_what_is_neither_run_nor_bundle(tmp_path, capsys):
    assert "neither a run" in refuse(capsys, tmp_path / "nothing")
    (tmp_path / "run.json").write_text('{"data": 3}')
    assert "damaged" in refuse(capsys, tmp_path)


def test_few_samples_and_odd_numbers(run, capsys):
    assert "--samples must be at least 100, not 99" in refuse(capsys, run, "--samples", 99)
    assert "--bound-samples must be positive" in refuse(capsys, run, "--bound-samples", 0)
    assert "--threads must be positive" in refuse(capsys, run, "--threads", 0)
    for psi in (0, 1, 1.6, "nan"):
        assert "--truncation must lie between 0 and 1.5" in refuse(capsys, run, "--truncation", psi)
    assert "names a number twice" in refuse(capsys, run, "--truncation", 0.5, 0.5)


def test_a_run_without_classifier(run, tmp_path, capsys):
    bare = Path(shutil.copytree(run, tmp_path / "bare"))
    shutil.rmtree(bare / "classifier")
    assert "has no classifier" in refuse(capsys, bare)
    assert "has no trained classifier" in refuse(capsys, run, "--reader", bare)
    shutil.rmtree(bare / "gan")
    shutil.rmtree(bare / "vae")
    assert "nothing trained" in refuse(capsys, bare)


def test_other_pictures(run, tmp_path, capsys, shapes):
    assert "is not what" in refuse(capsys, run, "--data", shapes)
    other = draw_folder(tmp_path / "other", 400, classes=False)
    assert "classes ()" in refuse(capsys, run, "--data", other)
    assert "--data" in refuse(capsys, run, "--data", tmp_path / "nowhere")


def test_a_reader_of_another_size(run, binary_run, tmp_path, capsys):
    data = draw_folder(tmp_path / "pictures", 120)
    assert main(["classifier", str(tmp_path / "run"), "--data", str(data), "--size", "32", *QUICK]) == 0
    assert "reads 1 x 32 x 32" in refuse(capsys, run, "--reader", tmp_path / "run")


def test_damaged_bundles(broken_bundle, capsys):
    (broken_bundle / "generator.onnx").write_bytes(b"no graph")
    assert "it is not the file that bundle.json describes" in refuse(capsys, broken_bundle)
    (broken_bundle / "generator.onnx").unlink()
    assert "generator.onnx is missing" in refuse(capsys, broken_bundle)
    (broken_bundle / "bundle.json").write_text("{}")
    assert "bundle.json is damaged" in refuse(capsys, broken_bundle)


def test_feature_files_that_are_none(run, tmp_path, capsys):
    torch.save({}, tmp_path / "weights.pt")
    assert "ONNX files only" in refuse(capsys, run, "--features", tmp_path / "weights.pt")
    assert "does not exist" in refuse(capsys, run, "--features", tmp_path / "nothing.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    assert "is not an ONNX graph" in refuse(capsys, run, "--features", tmp_path / "text.onnx")
    odd = onnx_features(tmp_path / "odd.onnx", ["n", 4, 8, 8])
    assert "must have one input" in refuse(capsys, run, "--features", odd)


def test_help_says_what_feature_files_may_be(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())  # wherever the lines break
    for word in ("RUN_OR_BUNDLE", "--samples", "--reader", "--features", "ONNX", "Nothing is downloaded"):
        assert word in shown
