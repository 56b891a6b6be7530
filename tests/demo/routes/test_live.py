"""The live routes: right pictures, one sentence for every wrong parameter."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.latents import class_weights, one_hot
from bundle.paths import path_shares
from bundle.sessions import choose_provider
from demo.routes.live import routes
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


@pytest.fixture(scope="module")
def client(served: ServedBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    plain = tiny.build(tmp_path_factory.mktemp("live") / "plain", "plain", classes=0, channels=3)
    bundles = {"tiny": served, **open_bundles(plain, choose_provider("cpu"))[0]}
    app = Starlette(routes=routes(bundles))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture).reshape(32, 32, -1)


def test_a_picture_of_the_plane(client: TestClient, served: ServedBundle):
    answer = client.get("/live/tiny?m=gan&x=1.25&y=-2.5&t=0.8&c=3&n=17")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert (pixels(answer.content) == images.to_uint8(served.at(1.25, -2.5, one_hot(3, 10), 0.8, "gan"))[0]).all()
    assert answer.headers["x-sequence"] == "17"
    assert answer.headers["cache-control"] == "private, max-age=3600"
    name, duration = answer.headers["server-timing"].split(";dur=")
    assert name == "model" and 0 < float(duration) < 5000


def test_raw_bytes(client: TestClient):
    raw = client.get("/live/plain?x=0.5&f=raw&m=vae")
    assert raw.headers["content-type"] == "application/octet-stream" and raw.headers["x-shape"] == "32,32,3"
    png = client.get("/live/plain?x=0.5&m=vae").content
    assert (np.frombuffer(raw.content, np.uint8).reshape(32, 32, 3) == pixels(png)).all()
    assert "x-sequence" not in raw.headers


def test_no_parameters_at_all(client: TestClient, served: ServedBundle):
    wanted = images.to_uint8(served.sample([0], one_hot(0, 10)))[0]
    assert (pixels(client.get("/live/tiny").content) == wanted).all()


def test_class_shares(client: TestClient, served: ServedBundle):
    wanted = images.to_uint8(served.at(2, 0, class_weights({3: 1, 5: 3}, 10)))[0]
    assert (pixels(client.get("/live/tiny?x=2&c=3:0.5,5:1.5").content) == wanted).all()


@pytest.mark.parametrize(
    ("given", "held"),
    [("x=1e9", "x=1e6"), ("y=-1e300", "y=-1e6"), ("t=99", "t=1.5"), ("t=-1", "t=0"), ("x=3&evil=1&seed=9", "x=3")],
)
def test_excess_is_held_in_range_and_foreign_parameters_are_ignored(client: TestClient, given: str, held: str):
    assert client.get(f"/live/tiny?{given}").content == client.get(f"/live/tiny?{held}").content


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("x=nan", "'x' must be a finite number"),
        ("y=inf", "'y' must be a finite number"),
        ("x=-Infinity", "'x'"),
        ("t=warm", "'t' must be a finite number"),
        ("x=1e999", "'x'"),
        ("n=1.5", "'n' takes whole numbers"),
        ("n=-1", "'n' takes whole numbers"),
        ("n=" + "9" * 5000, "'n' takes whole numbers"),
        ("n=9999999999999999", "'n' takes whole numbers"),
        ("n=%C2%B2", "'n' takes whole numbers"),
        ("n=1%0d%0aSet-Cookie:%20a=b", "'n' takes whole numbers"),
        ("m=diffusion", "gan, vae"),
        ("f=exe", "png, raw"),
        ("c=10", "below 10"),
        ("c=-1", "below 10"),
        ("c=three", "below 10"),
        ("c=3:x", "below 10"),
        ("c=3:nan", "share of class 3"),
        ("c=3:-1", "share of class 3"),
        ("c=3:0", "more than zero"),
        ("c=3:1e308,4:1e308", "share of class 3"),
    ],
)
def test_wrong_parameters_are_answered_with_a_sentence(client: TestClient, query: str, words: str):
    answer = client.get(f"/live/tiny?{query}")
    assert answer.status_code == 400 and words in answer.text
    assert answer.headers["content-type"].startswith("text/plain") and len(answer.text) < 200


def test_classes_of_a_model_without_classes(client: TestClient):
    assert client.get("/live/plain?c=0").status_code == 400
    assert client.get("/live/plain").status_code == 200


@pytest.mark.parametrize("path", ["/live/none", "/live/none/morph?keys=1", "/live/lost", "/live/%2e%2e"])
def test_an_unknown_bundle(client: TestClient, path: str):
    answer = client.get(path)
    assert answer.status_code == 404


def test_only_reading_is_possible(client: TestClient):
    assert client.post("/live/tiny").status_code == 405


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_scrubbing_a_morph_shows_what_the_export_shows(client: TestClient, served: ServedBundle, model: str):
    rows = np.stack([one_hot(7, 10), class_weights({3: 1, 5: 1}, 10), one_hot(3, 10)])
    frames = images.to_uint8(served.morph_at([1, 2, 33], path_shares(6, True), rows, "spline", True, 0.9, model))
    for i, frame in enumerate(frames):
        query = f"keys=1,2,33&classes=7,3:0.5|5:0.5,&p={i / 6!r}&path=spline&loop=1&m={model}&t=0.9&n={i}"
        answer = client.get(f"/live/tiny/morph?{query}")
        assert np.abs(pixels(answer.content).astype(int) - frame).max() <= 1
        assert answer.headers["x-sequence"] == str(i)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "keys=",
        "keys=1,,2",
        "keys=a",
        "keys=4294967296",
        "keys=" + ",".join(["1"] * 17),
        "keys=1,2&path=zigzag",
        "keys=1,2&loop=2",
        "keys=1,2&p=nan",
        "keys=1,2&classes=3",
        "keys=1,2&classes=3,99",
    ],
)
def test_wrong_morphs_are_answered_with_a_sentence(client: TestClient, query: str):
    answer = client.get(f"/live/tiny/morph?{query}")
    assert answer.status_code == 400 and answer.text.endswith(".")
