"""One seed, one picture: seeds 0 to 63 of the released bundles are the same bytes through every door of a running demo.

The demo runs in the environment that TWOFOLD_DEMO_PYTHON names, where there is one.
"""

import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio_client
import httpx
import numpy as np
import pytest
from PIL import Image

from bundle.model import Model
from tests.support import server
from tests.support.released import (
    ARTIFACTS,
    EVERY,
    NAMES,
    SEEDS,
    WITH_VAE,
    drawn,
    model,
    sheet_tiles,
    stored_vae_thumbnails,
    thumbnails,
    tiles,
)

NOT_IN_THE_DEMO = {"torch", "onnx", "sklearn", "tyro", "train", "export"}


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the demo notes what it imports."""
    return tmp_path_factory.mktemp("doors") / "imports"


@pytest.fixture(scope="module")
def address(imports: Path) -> Iterator[str]:
    """A running demo that serves the released bundles."""
    python = (server.DEMO_PYTHON or sys.executable, "-X", "importtime")
    flags = ("--bundles", ARTIFACTS, "--provider", "cpu")
    with imports.open("wb") as errors, server.demo(*flags, python=python, errors=errors) as place:
        yield place


@pytest.fixture(scope="module")
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


def decoded(address: str) -> np.ndarray:
    """A picture's data address -> uint8 [H, W, C]."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2]))) as picture:
        pixels = np.asarray(picture)
    return pixels.reshape(*pixels.shape[:2], -1)


def raw(answer: httpx.Response) -> np.ndarray:
    """The bytes that a route gives with f=raw -> uint8 [H, W, C]."""
    shape = [int(side) for side in answer.raise_for_status().headers["X-Shape"].replace(",", " ").split()]
    return np.frombuffer(answer.content, np.uint8).reshape(shape)


@pytest.mark.parametrize("name", NAMES)
def test_the_gan_draws_its_sample_sheet(name: str):
    """Within one grey level: another processor may round otherwise."""
    assert np.abs(sheet_tiles(name).astype(int) - drawn(name, "gan")).max() <= 1


@pytest.mark.parametrize("name", WITH_VAE)
def test_the_vae_draws_what_it_drew_when_it_was_released(name: str):
    assert np.abs(stored_vae_thumbnails()[name] - thumbnails(drawn(name, "vae"))).max() <= 1.5


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_the_endpoint(address: str, name: str, kind: Model):
    client = gradio_client.Client(address, verbose=False)
    found = client.predict(list(SEEDS), name, kind, api_name="/sample")["images"]
    for seed, address in enumerate(found):
        assert (decoded(address) == drawn(name, kind)[seed]).all(), seed


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_the_live_canvas(visitor: httpx.Client, name: str, kind: Model):
    classes = model(name).class_count
    for seed in SEEDS:
        query = {"m": kind, "x": seed, "y": 0, "f": "raw"} | ({"c": seed % classes} if classes else {})
        assert (raw(visitor.get(f"/live/{name}", params=query)) == drawn(name, kind)[seed]).all(), seed


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_the_grid(visitor: httpx.Client, name: str, kind: Model):
    sheet = raw(visitor.get(f"/live/{name}/grid", params={"m": kind, "s": 0, "g": 8, "f": "raw"}))
    assert (tiles(sheet, model(name).info.image) == drawn(name, kind)).all()


@pytest.mark.parametrize("name", [name for name in NAMES if model(name).class_count])
def test_without_a_class_a_seed_is_class_seed_modulo_classes(visitor: httpx.Client, address: str, name: str):
    """Whatever door it comes through: a place of the plane, a place given to the endpoint, a keyframe."""
    seeds = [3, 7, 12]
    client = gradio_client.Client(address, verbose=False)
    at_places = client.predict([[seed, 0] for seed in seeds], name, "gan", api_name="/sample")["images"]
    for seed, place in zip(seeds, at_places, strict=True):
        travelled = visitor.get(f"/live/{name}", params={"m": "gan", "x": seed, "y": 0, "f": "raw"})
        key = visitor.get(f"/live/{name}/morph", params={"m": "gan", "keys": f"{seed},1", "p": 0, "f": "raw"})
        for found in (decoded(place), raw(travelled), raw(key)):
            assert (found == drawn(name, "gan")[seed]).all(), seed


def test_nothing_of_training_was_imported_for_all_that(visitor: httpx.Client, imports: Path):
    visitor.get("/").raise_for_status()
    lines = imports.read_text(encoding="utf-8").splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if line.startswith("import time:")}
    assert {"onnxruntime", "gradio", "bundle", "demo"} <= imported
    assert not imported & NOT_IN_THE_DEMO
