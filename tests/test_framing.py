"""One picture, one way to the model: training, evaluation, training codes and uploads see the same pixels."""

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.images import from_uint8, to_uint8
from bundle.read import read
from bundle.schema import Fit
from bundle.sessions import choose_provider
from demo import arguments
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import training_codes
from tests.support.tiny import build, load_index, save_index
from train.data.dataset import Pictures
from train.data.load import load
from train.evaluate.evaluation import subject_pictures
from train.evaluate.subject import open_subject

BACKGROUND = "#205080"
FRAMINGS: list[tuple[Fit, str | None]] = [("pad", BACKGROUND), ("pad", None), ("crop", BACKGROUND), ("crop", None)]


def odd_pictures(folder: Path) -> list[Path]:
    """Wide, tall, small, large, transparent and JPEG pictures, 120 in all."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    paths = []
    for i in range(120):
        extent = [(60, 30), (30, 60), (26, 30), (32, 32), (500, 200), (9, 40)][i % 6]
        values = rng.integers(0, 256, (extent[1], extent[0], 4), dtype=np.uint8)
        path = folder / f"{i:03}.{'jpg' if i % 6 == 4 else 'png'}"
        picture = Image.fromarray(values)
        (picture.convert("RGB") if path.suffix == ".jpg" else picture).save(path)
        paths.append(path)
    return paths


@dataclass(frozen=True)
class Framed:
    """A data set as training read it, and a bundle that says how."""

    paths: list[Path]
    train: Pictures
    test: Pictures
    bundle: Path


@pytest.fixture(params=FRAMINGS, ids=lambda framing: f"{framing[0]}-{framing[1]}")
def framed(request: pytest.FixtureRequest, tmp_path: Path) -> Framed:
    how, background = request.param
    paths = odd_pictures(tmp_path / "pictures")
    info, train, test = load(str(tmp_path / "pictures"), 32, True, how, background)
    bundle = build(tmp_path / "tiny", classes=0, channels=3)
    index = load_index(bundle)
    index["dataset"] |= {"fit": info.fit, "background": info.background}
    index["dataset"] |= {"value_range": info.value_range, "border": info.border}
    index["dataset"] |= {"train_images": info.train_images, "test_images": info.test_images}
    save_index(bundle, index)
    return Framed(paths, train, test, bundle)


def rows(images: np.ndarray) -> set[bytes]:
    """Pictures uint8 [N, C, H, W], to be compared whatever their order."""
    return {one.tobytes() for one in images}


def test_uploads_look_as_in_training(framed: Framed):
    served = ServedBundle(Engine(read(framed.bundle), choose_provider("cpu")))
    seen = rows(framed.train.images.numpy()) | rows(framed.test.images.numpy())
    from_files = np.concatenate([to_uint8(arguments.picture_file(path, served)) for path in framed.paths])
    assert rows(from_files.transpose(0, 3, 1, 2)) == seen
    address = "data:image/png;base64," + base64.b64encode(framed.paths[0].read_bytes()).decode()
    assert np.array_equal(to_uint8(arguments.picture_data(address, served))[0], from_files[0])


def test_a_bundle_is_evaluated_on_the_pictures_of_its_training(framed: Framed):
    _, train, test = subject_pictures(open_subject(framed.bundle), str(framed.paths[0].parent))
    assert np.array_equal(train.images, framed.train.images) and np.array_equal(test.images, framed.test.images)


def test_training_codes_are_of_the_pictures_of_the_training(framed: Framed):
    training_codes.add(framed.bundle, str(framed.paths[0].parent))
    bundle = read(framed.bundle)
    assert bundle.training_codes is not None and bundle.training_codes.thumbnails is not None
    shown = bundle.training_codes.thumbnails.transpose(0, 3, 1, 2)
    assert np.array_equal(shown, framed.train.images.numpy()[bundle.training_codes.indices])
    served = ServedBundle(Engine(bundle, choose_provider("cpu")))
    codes = served.engine.run("encoder", {"image": from_uint8(bundle.training_codes.thumbnails)})["mean"]
    assert np.allclose(codes, bundle.training_codes.codes, atol=1e-5)


def test_a_mask_is_framed_as_its_picture(framed: Framed, tmp_path: Path):
    """What padding adds is known; what the picture lacks is not."""
    served = ServedBundle(Engine(read(framed.bundle), choose_provider("cpu")))
    values = np.full((30, 60), 255, np.uint8)
    values[:, 30:] = 0
    Image.fromarray(values).save(tmp_path / "mask.png")
    mask = arguments.mask_file(tmp_path / "mask.png", served)
    assert mask.shape == (1, 1, 32, 32) and set(np.unique(mask)) == {0, 1}
    assert mask[0, 0, 16, :15].min() == 1 and mask[0, 0, 16, 17:].max() == 0
    padded = served.info.dataset.fit == "pad"
    assert mask[0, 0, 0, 31] == (1 if padded else 0)
