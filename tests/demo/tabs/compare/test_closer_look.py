"""The closer look of the tab Compare: right pictures, the right class, a sentence for each mistake."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle import images
from bundle.errors import UserError
from bundle.latents import one_hot
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.compare import occlusion
from demo.tabs.compare.closer_look import closer_look
from tests.support import tiny


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


def pixels(address: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        return np.asarray(picture)


def test_a_seed_is_drawn_and_its_class_asked_about(served: ServedBundle):
    found = closer_look(served, {"m": "gan", "seed": 12, "c": 7, "t": 0.5})
    drawn = images.to_uint8(served.sample([12], one_hot(7, 10), 0.5))
    assert (pixels(found["picture"]) == drawn[0, ..., 0]).all()
    image = images.from_uint8(drawn)
    score = served.engine.run("critic", {"image": image, "classes": one_hot(7, 10)[None]})["score"][0, 0]
    assert found["critic"]["score"] == pytest.approx(float(score), abs=1e-4)
    assert pixels(found["critic"]["overlay"]).shape == (32, 32, 4) and found["critic"]["windows"] == 225
    assert np.shape(found["critic"]["regions"]) == (3, 3)


def test_a_test_picture_is_asked_about_as_its_own_class(served: ServedBundle):
    bundle = served.engine.bundle
    found = closer_look(served, {"c": 0, "test": 13, "cover": "grey"})
    assert (pixels(found["picture"]) == bundle.examples[13][..., 0]).all()
    classes = one_hot(int(bundle.example_labels[13]), 10)[None]
    image = images.from_uint8(bundle.examples[[13]])
    score = served.engine.run("critic", {"image": image, "classes": classes})["score"][0, 0]
    assert found["critic"]["score"] == pytest.approx(float(score), abs=1e-4)


def test_a_picture_that_was_brought(served: ServedBundle):
    data = images.png(np.full((32, 32, 1), 77, np.uint8))
    found = closer_look(served, {"c": 1}, data)
    assert (pixels(found["picture"]) == 77).all()
    assert abs(found["critic"]["highest"]) < 1e-4  # a flat picture blurred is the same picture


@pytest.mark.parametrize(
    "wish",
    [
        {"c": 0},
        {"c": 0, "seed": float("nan")},
        {"c": 0, "seed": -1},
        {"c": 0, "seed": 2**32},
        {"c": 10, "seed": 1},
        {"c": 0, "seed": 1, "m": "x"},
        {"c": 0, "seed": 1, "t": 1e9},
        {"c": 0, "seed": 1, "cover": "black"},
        {"c": 0, "test": 24},
        {"c": 0, "test": "first"},
        {"c": 0, "picture": "data:image/png;base64,AAAA"},
    ],
)
def test_wrong_wishes_are_answered_with_a_sentence(served: ServedBundle, wish: dict):
    with pytest.raises(UserError) as refused:
        closer_look(served, wish)
    assert str(refused.value).endswith(".")


def test_a_file_that_is_no_picture_is_refused(served: ServedBundle):
    with pytest.raises(UserError, match="not a picture that can be read"):
        closer_look(served, {"c": 0}, b"no picture")


def test_what_a_bundle_lacks_is_told(served: ServedBundle, broken_bundle: Path):
    assert "carries no training codes" in closer_look(served, {"c": 0, "seed": 1})["nearest"]["missing"]
    index = tiny.load_index(broken_bundle)
    del index["graphs"]["critic"]
    tiny.save_index(broken_bundle, index)
    without = open_bundles(broken_bundle, choose_provider("cpu"))[0]
    assert "has no critic" in closer_look(without["tiny"], {"c": 0, "seed": 1})["critic"]["missing"]


def test_a_small_batch_makes_a_coarse_map(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    index["max_batch"] = 20
    tiny.save_index(broken_bundle, index)
    small = open_bundles(broken_bundle, choose_provider("cpu"))[0]
    found = closer_look(small["tiny"], {"c": 0, "seed": 1})
    assert found["critic"]["windows"] == len(occlusion.window_grid(32, 32, 1, 20)) == 16


@pytest.mark.parametrize("shown", [True, False], ids=["thumbnails", "data that may not be shown"])
def test_a_copy_of_a_training_picture_is_told(broken_bundle: Path, shown: bool):
    pictures = np.random.default_rng(1).integers(0, 256, (60, 32, 32, 1), dtype=np.uint8)
    before = open_bundles(broken_bundle, choose_provider("cpu"))[0]["tiny"]
    arrays = {
        "codes": before.engine.run("encoder", {"image": images.from_uint8(pictures)})["mean"],
        "labels": np.arange(60) % 10,
        "indices": np.arange(60) + 30,
    }
    if shown:
        arrays["thumbnails"] = pictures
    index = tiny.load_index(broken_bundle)
    index["files"]["training"] = tiny.write(broken_bundle / "training.npz", tiny.npz(**arrays))
    tiny.save_index(broken_bundle, index)
    bundles = open_bundles(broken_bundle, choose_provider("cpu"))[0]
    copy = closer_look(bundles["tiny"], {"c": 0}, images.png(pictures[17]))["nearest"]
    first = copy["pictures"][0]
    assert (first["index"], first["class"], first["distance"]) == (47, "7", pytest.approx(0, abs=1e-4))
    assert (pixels(first["picture"]) == pictures[17][..., 0]).all() if shown else first["picture"] is None
    assert copy["remarkable"] and copy["nearer"] == 1 and len(copy["pictures"]) == 6
    assert (copy["of"], copy["train"], copy["held_out"]) == (60, 100, 24)
    held_out = closer_look(bundles["tiny"], {"c": 0, "test": 3})["nearest"]
    assert not held_out["remarkable"] and copy["median"] == held_out["median"] > 0
