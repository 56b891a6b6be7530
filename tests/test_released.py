"""The bundles in artifacts/: whole, served, as good as the README says."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.figures import headlines
from bundle.images import to_uint8
from bundle.quality_section import figure_rows
from bundle.read import GRAPHS, discover, read
from demo.serving.engine import Engine, choose_provider
from demo.serving.served_bundle import ServedBundle
from export.report import overview
from train.evaluate.inverse import centre

ROOT = Path(__file__).parents[1]
MNIST = ROOT / "artifacts" / "mnist"
# What the released bundles must reach: figure -> (least, most).
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "mnist": {
        "classifier.accuracy": (0.993, 1),
        "gan.label_accuracy": (0.99, 1),
        "gan.precision": (0.75, 1),
        "gan.recall": (0.55, 1),
        "vae.psnr": (26, 100),
        "vae.ssim": (0.96, 1),
        "repair.centre": (0, 0.12),
        "repair.left": (0, 0.035),
        "repair.random": (0, 0.017),
    },
    "fashion": {
        "classifier.accuracy": (0.93, 1),
        "gan.label_accuracy": (0.93, 1),
        "gan.precision": (0.7, 1),
        "gan.recall": (0.5, 1),
    },
    "mednist": {
        "classifier.accuracy": (0.995, 1),
        "gan.label_accuracy": (0.99, 1),
        "vae.psnr": (26, 100),
        "repair.left": (0, 0.0189),
        "repair.random": (0, 0.0045),
    },
    "cifar10": {
        "vae.psnr": (26, 100),
        "repair.random": (0, 0.0075),
        "gan.features_copies": (0, 0.01),
        "gan.pixels_copies": (0, 0.01),
    },
    "emoji": {
        "gan.coverage": (0.5, 1),
        "gan.features_copies": (0, 0.01),
        "gan.leak_translation": (0, 0.01),
        "gan.leak_cutout": (0, 0.01),
    },
}
PROMISES = [(bundle, figure) for bundle, bounds in BOUNDS.items() for figure in bounds]
RELEASED = sorted(path.parent for path in (ROOT / "artifacts").glob("*/bundle.json"))
MB_EACH, MB_ALL = 12.0, 45.0


@pytest.fixture(scope="module")
def served() -> ServedBundle:
    return ServedBundle(Engine(read(MNIST), choose_provider("cpu")))


@pytest.fixture(scope="module")
def figures(served) -> dict[str, float]:
    return {figure.name: figure.value for figure in served.info.quality.figures}


def test_every_released_bundle_is_served():
    bundles, unavailable = discover(ROOT / "artifacts")
    assert bundles[0].info.name == "mnist"  # the README says what is on the screen first
    assert not unavailable


@pytest.mark.parametrize("folder", RELEASED, ids=lambda path: path.name)
def test_every_graph_of_a_bundle_is_there_and_behaves(folder):
    engine = Engine(read(folder), choose_provider("cpu"))
    wanted = set(GRAPHS) if engine.bundle.info.dataset.classes else set(GRAPHS) - {"classifier"}
    assert set(engine.bundle.info.graphs) == wanted
    engine.check()


@pytest.mark.parametrize("folder", RELEASED, ids=lambda path: path.name)
def test_the_sheet_is_what_the_seeds_draw(folder):
    served = ServedBundle(Engine(read(folder), choose_provider("cpu")))
    image = served.info.image
    with Image.open(folder / "sheet.png") as opened:
        sheet = np.asarray(opened).reshape(8, image.size, 8, image.size, image.channels)
    tiles = sheet.transpose(0, 2, 1, 3, 4).reshape(64, image.size, image.size, image.channels)
    assert np.abs(tiles.astype(int) - to_uint8(served.sample(list(range(64))))).max() <= 1


def sizes() -> dict[str, float]:
    return {path.name: sum(file.stat().st_size for file in path.iterdir()) / 1e6 for path in RELEASED}


@pytest.mark.parametrize("folder", RELEASED, ids=lambda path: path.name)
def test_a_bundle_is_small(folder):
    assert sizes()[folder.name] <= MB_EACH


def test_all_bundles_together_are_small_in_git():
    """As a pack, which is what a clone fetches: synthesis and generator share their weights there."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-s", *map(str, RELEASED)], cwd=ROOT, capture_output=True, check=True)
    # Mode, object, stage and path of each file -> the object with its path, by which git finds files that are alike.
    objects = b"".join(line.split()[1] + b" " + line.split(b"\t")[1] + b"\n" for line in listed.stdout.splitlines())
    pack = ["git", "pack-objects", "--stdout", "-q"]
    packed = subprocess.run(pack, cwd=ROOT, input=objects, capture_output=True, check=True).stdout
    assert 1e6 < len(packed) <= MB_ALL * 1e6, sizes()


@pytest.mark.parametrize(("bundle", "name"), PROMISES)
def test_the_stored_figures_keep_what_was_promised(bundle, name):
    quality = read(ROOT / "artifacts" / bundle).info.quality
    least, most = BOUNDS[bundle][name]
    assert least <= {figure.name: figure.value for figure in quality.figures}[name] <= most


@pytest.mark.xfail(strict=True, reason="regressors that know the class and this mask alone do not reach it either: "
                   "python -m benchmarks.attainable artifacts/mednist --data mednist")  # fmt: skip
def test_the_centre_of_a_scan_is_repaired_nearly_as_well_as_whole_scans_are_rebuilt():
    """Pixel by pixel."""
    found = {one.name: one.value for one in read(ROOT / "artifacts" / "mednist").info.quality.figures}
    assert found["repair.centre"] <= 1.5 * found["vae.mse"]


def test_a_scan_with_its_centre_repaired_is_nearly_as_good_as_a_whole_one_rebuilt():
    """Picture by picture, the known pixels as they are."""
    found = {one.name: one.value for one in read(ROOT / "artifacts" / "mednist").info.quality.figures}
    missing = (centre(64) == 0).mean()
    assert missing == (24 / 64) ** 2
    assert missing * found["repair.centre"] <= 1.5 * found["vae.mse"]


@pytest.mark.parametrize("figure", ["frechet", "kernel", "histogram", "precision", "recall", "density", "coverage"])
def test_cifar10_is_better_than_its_control(figure):
    found = {one.name: one for one in read(ROOT / "artifacts" / "cifar10").info.quality.figures}
    ours, control = found[f"gan.{figure}"], found[f"control.{figure}"]
    sign = -1 if ours.better == "lower" else 1
    assert sign * ours.value > sign * control.value


@pytest.mark.parametrize("bundle", [folder.name for folder in RELEASED])
def test_truncation_gives_precision_for_recall(bundle):
    found = {one.name: one.value for one in read(ROOT / "artifacts" / bundle).info.quality.figures}
    assert found["gan.precision"] < found["gan.precision_at_0.8"] < found["gan.precision_at_0.6"]
    assert found["gan.recall"] > found["gan.recall_at_0.8"] > found["gan.recall_at_0.6"]


def test_the_gan_halves_the_distance_of_the_control(figures):
    assert figures["gan.frechet"] <= figures["control.frechet"] / 2


def test_the_fitted_prior_is_worth_its_place(figures):
    assert figures["vae.frechet_prior"] <= figures["vae.frechet_normal"] / 20
    assert figures["vae.frechet_prior"] <= 2.5 * figures["vae.frechet_reconstruction"]


def test_the_readme_quotes_the_stored_figures(served):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in figure_rows(headlines(served.info.quality)):
        assert row in readme


@pytest.mark.parametrize("folder", RELEASED, ids=lambda path: path.name)
def test_the_readme_has_a_line_of_every_bundle(folder):
    line = overview([read(folder).info]).splitlines()[-1].replace("](#", "](artifacts/REPORT.md#")
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_gives_the_commands_that_made_the_bundle(served):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for training in served.info.training.values():
        for command in training.command.split(" && "):
            assert f"    {command.replace(' --data mnist', '')}\n" in readme


def test_test_pictures_are_read_rebuilt_and_repaired(served):
    """On the bundle's own test pictures: the models see what they should."""
    bundle = served.engine.bundle
    images = bundle.examples.transpose(0, 3, 1, 2).astype(np.float32) / 255
    assert (served.classify(images).argmax(axis=1) == bundle.example_labels).mean() > 0.95
    assert served.reconstruct(images[:1]).psnr > 18
    mask = np.ones_like(images[:1])
    mask[..., :16] = 0
    repaired = served.repair(images[:1], mask)
    assert np.array_equal(to_uint8(repaired)[:, :, 16:], bundle.examples[:1, :, 16:])
