"""The bundles in artifacts/: whole, served, as good as the README says."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.bundle import GRAPHS, discover, read
from demo.figures import headlines
from demo.images import to_uint8
from demo.runtime import Engine, choose_provider
from demo.studio import Studio
from export.card import figure_rows

ROOT = Path(__file__).parents[1]
MNIST = ROOT / "artifacts" / "mnist"
# What the released digits must reach: (least, most).
BOUNDS = {
    "classifier.accuracy": (0.993, 1),
    "gan.label_accuracy": (0.99, 1),
    "gan.precision": (0.75, 1),
    "gan.recall": (0.55, 1),
    "vae.psnr": (26, 100),
    "vae.ssim": (0.96, 1),
    "repair.centre": (0, 0.12),
    "repair.left": (0, 0.035),
    "repair.random": (0, 0.017),
}


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(Engine(read(MNIST), choose_provider("cpu")))


@pytest.fixture(scope="module")
def figures(studio) -> dict[str, float]:
    return {figure.name: figure.value for figure in studio.info.quality.figures}


def test_every_released_bundle_is_served():
    bundles, unavailable = discover(ROOT / "artifacts")
    assert "mnist" in {bundle.info.name for bundle in bundles}
    assert not unavailable


def test_the_digits_have_all_nine_graphs_and_they_behave(studio):
    assert set(studio.info.graphs) == set(GRAPHS)
    studio.engine.check()


def test_the_sheet_is_what_the_seeds_draw(studio):
    sheet = np.asarray(Image.open(io.BytesIO((MNIST / "sheet.png").read_bytes())))
    drawn = to_uint8(studio.sample(list(range(64))))
    size = studio.info.image.size
    tiles = sheet.reshape(8, size, 8, size).transpose(0, 2, 1, 3).reshape(64, size, size, 1)
    assert np.abs(tiles.astype(int) - drawn).max() <= 1


@pytest.mark.parametrize("name", BOUNDS)
def test_the_stored_figures_keep_what_was_promised(figures, name):
    least, most = BOUNDS[name]
    assert least <= figures[name] <= most


def test_the_gan_halves_the_distance_of_the_control(figures):
    assert figures["gan.frechet"] <= figures["control.frechet"] / 2


def test_the_fitted_prior_is_worth_its_place(figures):
    assert figures["vae.frechet_prior"] <= figures["vae.frechet_normal"] / 20
    assert figures["vae.frechet_prior"] <= 2.5 * figures["vae.frechet_reconstruction"]


def test_the_readme_quotes_the_stored_figures(studio):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in figure_rows(headlines(studio.info.quality)):
        assert row in readme


def test_the_readme_gives_the_commands_that_made_the_bundle(studio):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for training in studio.info.training.values():
        for command in training.command.split(" && "):
            assert f"    {command.replace(' --data mnist', '')}\n" in readme


def test_test_pictures_are_read_rebuilt_and_repaired(studio):
    """On the bundle's own test pictures: the models see what they should."""
    bundle = studio.engine.bundle
    images = bundle.examples.transpose(0, 3, 1, 2).astype(np.float32) / 255
    assert (studio.classify(images).argmax(axis=1) == bundle.example_labels).mean() > 0.95
    assert studio.reconstruct(images[:1]).psnr > 18
    mask = np.ones_like(images[:1])
    mask[..., :16] = 0
    repaired = studio.repair(images[:1], mask)
    assert np.array_equal(to_uint8(repaired)[:, :, 16:], bundle.examples[:1, :, 16:])
