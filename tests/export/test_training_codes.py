"""Codes and thumbnails of training pictures, added to a bundle that exists."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleError
from bundle.read import read
from bundle.sessions import choose_provider
from bundle.write import file_entry
from demo.serving.engine import Engine
from export import training_codes
from export.__main__ import main
from tests.support import tiny
from train.data.dataset import DataInfo, Pictures
from train.data.load import Loaded


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch, broken_bundle: Path) -> Pictures:
    """What the bundle says that it was trained on, without the files."""
    import torch

    about = read(broken_bundle).info
    count, image = about.dataset.train_images, about.image
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, *image.shape), generator=generator, dtype=torch.uint8)
    found = Pictures(images, torch.arange(count) % len(about.dataset.classes))
    info = DataInfo("x", "x", "none", *image.shape, about.dataset.classes, count, 10)
    monkeypatch.setattr(training_codes, "load_again", lambda *_, **__: Loaded(info, found, found))
    return found


def test_codes_are_those_of_the_bundles_own_encoder(broken_bundle: Path, pictures: Pictures):
    before = read(broken_bundle).info
    assert main(["training-codes", str(broken_bundle), "--data", "somewhere"]) == 0
    bundle = read(broken_bundle)
    assert bundle.info.graphs == before.graphs and bundle.info.quality == before.quality
    known = bundle.training_codes
    assert len(known.codes) == min(training_codes.GREY, len(pictures.images))
    assert np.bincount(known.labels).max() - np.bincount(known.labels).min() <= 1
    assert (known.labels == pictures.labels.numpy()[known.indices]).all()
    image = pictures.images.numpy()[known.indices[:3]].astype(np.float32) / np.float32(255)
    codes = Engine(bundle, choose_provider("cpu")).run("encoder", {"image": image})["mean"]
    assert np.array_equal(codes, known.codes[:3])
    assert np.array_equal(known.thumbnails[2], pictures.images.numpy()[known.indices[2]].transpose(1, 2, 0))


def test_published_pictures_without_a_licence_are_not_passed_on(broken_bundle: Path, pictures: Pictures):
    index = tiny.load_index(broken_bundle)
    index["dataset"]["licence"] = "Somebody 2009, no licence stated"
    tiny.save_index(broken_bundle, index)
    assert main(["training-codes", str(broken_bundle), "--data", "somewhere"]) == 0
    known = read(broken_bundle).training_codes
    assert known.thumbnails is None and len(known.codes)


def test_other_pictures_and_damaged_codes_are_refused(broken_bundle: Path, pictures: Pictures, capsys, monkeypatch):
    info, train_set, _ = training_codes.load_again("x", None)
    other = replace(info, channels=3)
    monkeypatch.setattr(training_codes, "load_again", lambda *_, **__: Loaded(other, train_set, train_set))
    assert main(["training-codes", str(broken_bundle), "--data", "somewhere"]) == 2
    assert "channels 3, not 1" in capsys.readouterr().err
    monkeypatch.setattr(training_codes, "load_again", lambda *_, **__: Loaded(info, train_set, train_set))
    assert main(["training-codes", str(broken_bundle), "--data", "somewhere", "--codes-only"]) == 0
    assert read(broken_bundle).training_codes.thumbnails is None
    with np.load(broken_bundle / training_codes.FILE) as file:
        arrays = dict(file)
    for name, value in (("codes", arrays["codes"][:, 1:]), ("labels", arrays["labels"] + 10), ("indices", None)):
        changed = {key: one for key, one in (arrays | {name: value}).items() if one is not None}
        np.savez_compressed(broken_bundle / training_codes.FILE, **changed)
        index = tiny.load_index(broken_bundle)
        data = (broken_bundle / training_codes.FILE).read_bytes()
        index["files"]["training"] = file_entry(training_codes.FILE, data).model_dump()
        tiny.save_index(broken_bundle, index)
        with pytest.raises(BundleError, match="training codes"):
            read(broken_bundle)


def test_thumbnails_are_small_and_classes_even():
    assert training_codes.thumbnails(np.zeros((2, 64, 64, 3), np.uint8)).shape == (2, 32, 32, 3)
    assert training_codes.thumbnails(np.zeros((2, 64, 64, 1), np.uint8)).shape == (2, 32, 32, 1)
    assert training_codes.classes_in_turn(np.array([0, 0, 0, 1, 1, 2]), 4).tolist() == [0, 3, 5, 1]
    assert training_codes.classes_in_turn(np.array([1, -1, 0]), 5).tolist() == [2, 0]
    assert training_codes.classes_in_turn(np.full(9, -1), 3).tolist() == [0, 4, 8]
    assert training_codes.classes_in_turn(np.zeros(2, np.int64), 3).tolist() == [0, 1]
