"""Pictures that are not square, 48 wide and 32 high: from a folder through training to every place a bundle can go."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle import on_device
from bundle.images import from_uint8, to_uint8
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from export import report_sheets
from export.targets import web
from tests.support.pictures import draw_shape
from tests.support.trained import EVERY_STAGE, Exported, export, made_once, train_tiny
from train.run_folder import Run
from train.stages import load_networks

pytestmark = [pytest.mark.slow, pytest.mark.long]  # its fixtures train and export

HEIGHT, WIDTH, KINDS = 32, 48, ("disc", "square", "bar")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 grey pictures in three classes: each a shape on the left half, so that no two sides are alike."""

    def draw(folder: Path) -> None:
        rng = np.random.default_rng(0)
        for i in range(120):
            canvas = Image.new("L", (WIDTH, HEIGHT), 0)
            canvas.paste(draw_shape(i % 3, rng, size=HEIGHT), (0, 0))
            home = folder / KINDS[i % 3]
            home.mkdir(exist_ok=True)
            canvas.save(home / f"{i:03d}.png")

    return made_once(tmp_path_factory, "wide-pictures", draw)


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    few = ["--size", "48x32", "--images", "64", "--batch", "32"]
    return train_tiny(tmp_path_factory.mktemp("runs") / "wide", pictures, *EVERY_STAGE, more=few)


@pytest.fixture(scope="module")
def wide(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundle. Read only."""
    folder = tmp_path_factory.mktemp("artifacts") / "wide"
    return Exported(folder, export("bundle", run, folder))


@pytest.fixture(scope="module")
def model(wide: Exported) -> BundleModel:
    return BundleModel(BundleRunner(read(wide.folder)))


def test_every_graph_is_exported_and_is_what_pytorch_computes(wide: Exported, run: Path, model: BundleModel):
    bundle = read(wide.folder)
    assert bundle.info.image.shape == (1, HEIGHT, WIDTH) and len(bundle.info.graphs) == 9
    assert bundle.examples.shape[1:] == bundle.golden.shape[1:] == (HEIGHT, WIDTH, 1)
    assert bundle.training_codes is not None and bundle.training_codes.thumbnails is not None
    assert bundle.training_codes.thumbnails.shape[1:] == (21, 32, 1)
    index = json.loads((wide.folder / "bundle.json").read_text())
    assert index["image"] == {"channels": 1, "height": HEIGHT, "width": WIDTH}
    encoder = load_networks(Run.open(run), "vae")["encoder"]
    image = from_uint8(bundle.examples[:3])
    with torch.no_grad():
        mean, _ = encoder(torch.from_numpy(image))
    np.testing.assert_allclose(model.runner.run("encoder", {"image": image})["mean"], mean.numpy(), atol=1e-4)


def test_the_card_says_width_x_height_and_its_snippet_draws(wide: Exported, model: BundleModel, monkeypatch):
    card = (wide.folder / "README.md").read_text()
    assert "48 x 32 grey pictures" in card and "[N, 1, 32, 48]" in card
    monkeypatch.chdir(wide.folder)
    try:
        exec(card.split("```python\n")[1].split("```")[0], {})
        drawn = np.asarray(Image.open("picture.png"))
    finally:
        (wide.folder / "picture.png").unlink(missing_ok=True)
    assert np.abs(drawn.astype(int) - to_uint8(model.sample([7]))[0, :, :, 0]).max() <= 1


def test_what_a_visitor_does(model: BundleModel):
    picture = from_uint8(model.runner.bundle.examples[:1])
    mask = np.ones((1, 1, HEIGHT, WIDTH), np.float32)
    mask[..., : WIDTH // 3] = 0
    shape = (1, 1, HEIGHT, WIDTH)
    for found in (model.at(0.5, 2.5), model.reconstruct(picture).image, model.invert(picture, mask, rounds=1).image):
        assert found.shape == shape
    for kind in model.models:
        repaired = model.repair(picture, mask, kind)
        np.testing.assert_array_equal(repaired[..., WIDTH // 3 :], picture[..., WIDTH // 3 :])
    assert all(sheet.pixels.shape[0] % HEIGHT == sheet.pixels.shape[1] % WIDTH == 0
               for sheet in report_sheets.sheets(model))  # fmt: skip


def test_it_becomes_a_run_again_and_the_same_bundle(wide: Exported, pictures: Path, tmp_path: Path):
    export("unpack", wide.folder, tmp_path / "run")
    data = Run.open(tmp_path / "run").data
    assert (data.height, data.width) == (HEIGHT, WIDTH)
    export("bundle", tmp_path / "run", tmp_path / "again", "--data", str(pictures))
    before, after = read(wide.folder), read(tmp_path / "again")
    assert np.abs(after.golden.astype(int) - before.golden).max() <= 1
    np.testing.assert_array_equal(after.examples, before.examples)


def test_it_goes_to_every_target(wide: Exported, pictures: Path, tmp_path: Path):
    export("space", wide.folder, "--out", tmp_path / "space")
    assert "48 x 32 grey pictures" in (tmp_path / "space" / "README.md").read_text()
    export("triton", wide.folder, tmp_path / "triton")
    assert "dims: [ 1, 32, 48 ]" in (tmp_path / "triton" / "wide_decoder" / "config.pbtxt").read_text()
    if on_device.installed(web.RUNTIME_HOME) is not None:
        export("web", wide.folder, tmp_path / "web")
        (facts,) = json.loads((tmp_path / "web" / "facts.json").read_text())["bundles"]
        assert (facts["height"], facts["width"]) == (HEIGHT, WIDTH)


def test_training_codes_are_added_by_the_framing_of_the_bundle(wide: Exported, pictures: Path, tmp_path: Path):
    copy = Path(shutil.copytree(wide.folder, tmp_path / "wide"))
    before = read(copy).training_codes
    export("training", copy, "--data", pictures)
    after = read(copy).training_codes
    assert before and after and np.array_equal(before.codes, after.codes)
    assert np.array_equal(before.thumbnails, after.thumbnails)
