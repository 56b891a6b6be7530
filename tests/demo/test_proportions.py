"""Pictures that are not square, through every door of the demo: each picture is height x width, in this order."""

import base64
import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.errors import InputError
from bundle.sessions import choose_provider
from demo import arguments
from demo.data_urls import data_url
from demo.facts import bundle_facts
from demo.page import launch_settings
from demo.routes.endpoints import drawing, reading
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.compare.closer_look import closer_look
from demo.tabs.rebuild.answers import rebuilt, refined
from tests.support import tiny

HEIGHT, WIDTH = 24, 40
WAYS = {"gif": "GIF", "webp": "WEBP", "png-strip": "PNG", "film-strip": "PNG"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    folder = tiny.build(tmp_path_factory.mktemp("wide") / "wide", "wide", channels=3, height=HEIGHT, width=WIDTH)
    return open_bundles(folder, choose_provider("cpu"))[0]["wide"]


@pytest.fixture(scope="module")
def client(served: ServedBundle) -> Iterator[TestClient]:
    routes = launch_settings({"wide": served})["app_kwargs"]["routes"]
    with TestClient(Starlette(routes=routes)) as client:
        yield client


def decoded(address: str) -> np.ndarray:
    """The pixels of a data URL."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        return np.asarray(picture)


def file_of(pixels: np.ndarray) -> bytes:
    return images.png(pixels)


def test_the_page_is_told_height_and_width(served: ServedBundle):
    facts = bundle_facts(served)
    assert (facts["height"], facts["width"]) == (HEIGHT, WIDTH)
    assert "size" not in drawing({"wide": served})["report"]()["image"]  # a square's only


@pytest.mark.parametrize(
    ("path", "rows", "columns"),
    [
        ("live/wide?x=3&m=gan", 1, 1),
        ("live/wide?x=3.5&y=2&m=vae", 1, 1),
        ("live/wide/morph?keys=1,2&p=0.3&m=vae", 1, 1),
        ("live/wide/grid?grid=3", 3, 3),
        ("live/wide/quiz?quiz=5", 4, 5),
        ("live/wide/map?mapx=0.1", 1, 1),
        ("live/wide/mix?seed=1&other=2&stages=0011", 1, 1),
        ("live/wide/sum?seed=1&minus=2&plus=3", 1, 1),
        ("live/wide/edit?seed=1&m=vae&dimensions=0:2&along=1:1&towards=3:0.5", 1, 1),
    ],
)
def test_live_pictures(client: TestClient, path: str, rows: int, columns: int):
    raw = client.get(f"{path}&f=raw")
    assert raw.headers["x-shape"] == f"{rows * HEIGHT},{columns * WIDTH},3"
    pixels = np.frombuffer(raw.content, np.uint8).reshape(rows * HEIGHT, columns * WIDTH, 3)
    assert (np.asarray(Image.open(io.BytesIO(client.get(path).content))) == pixels).all()


def test_endpoints_that_draw(served: ServedBundle):
    found = drawing({"wide": served})["sample"]([7, [7.5, 0.25]])
    assert [decoded(one).shape for one in found["images"]] == [(HEIGHT, WIDTH, 3)] * 2
    assert (decoded(found["images"][0]) == images.to_uint8(served.sample([7]))[0]).all()


@pytest.mark.parametrize("form", ["webp", "gif", "png-strip", "film-strip", "zip"])
def test_films(served: ServedBundle, form: str):
    answer = drawing({"wide": served})["interpolate"]([1, 2], frames=4, format=form)
    data = base64.b64decode(answer["animation"].partition(",")[2])
    if form == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            frame = np.asarray(Image.open(io.BytesIO(archive.read("frame-000.png"))))
        assert (frame == images.to_uint8(served.sample([1]))[0]).all()
        return
    with Image.open(io.BytesIO(data)) as file:
        assert file.format == WAYS[form]
        if form == "film-strip":
            assert file.height < file.width  # four wide frames in one row
        elif form == "png-strip":
            assert file.width * HEIGHT == 4 * file.height * WIDTH
        else:
            assert file.width * HEIGHT == file.height * WIDTH and len(list(ImageSequence.Iterator(file))) == 4


def test_endpoints_that_read(served: ServedBundle):
    read = reading({"wide": served}, arguments.picture_data, arguments.mask_data)
    picture = served.engine.bundle.examples[2]
    mask = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    mask[:, : WIDTH // 2] = 255
    sent, hidden = (data_url(file_of(one), "png") for one in (picture, mask))
    again = read["reconstruct"](sent)
    assert (decoded(again["input"]) == picture).all() and decoded(again["difference"]).shape == (HEIGHT, WIDTH, 3)
    for model in served.models:
        filled = decoded(read["repair"](sent, hidden, "", model)["image"])
        assert (filled[:, : WIDTH // 2] == picture[:, : WIDTH // 2]).all()
    assert decoded(read["invert"](sent, "", 1)["image"]).shape == (HEIGHT, WIDTH, 3)
    assert len(read["classify"](sent)) == 10


def test_an_upload_is_framed_to_the_bundle_s_proportions(served: ServedBundle):
    tall = np.zeros((4 * WIDTH, WIDTH, 3), np.uint8)
    tall[2 * WIDTH - HEIGHT // 2 : 2 * WIDTH + HEIGHT // 2] = 200  # what a crop of the middle keeps
    (seen,) = arguments.picture_bytes(file_of(tall), served)
    assert seen.shape == (3, HEIGHT, WIDTH) and (images.to_uint8(seen[None]) == 200).all()


def test_rebuild(client: TestClient, served: ServedBundle):
    cells = ("1" * (WIDTH // 2) + "0" * (WIDTH - WIDTH // 2)) * HEIGHT
    asked = {"test": 3, "mask": cells}
    answer = rebuilt(served, asked)
    picture = served.engine.bundle.examples[3]
    assert (decoded(answer["seen"]["input"]["image"]) == picture).all()
    assert decoded(answer["posterior"]["spread"]).shape == (HEIGHT, WIDTH, 3)
    for shown in (answer["repair"]["vae"], answer["repair"]["gan"], *answer["repair"]["completions"]):
        filled = decoded(shown["image"])
        assert (filled[:, : WIDTH // 2] == picture[:, : WIDTH // 2]).all()
    for model in served.models:
        *_, last = refined(served, asked | {"model": model, "rounds": 1})
        assert decoded(last["image"]).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(InputError, match=f"each of {WIDTH} x {HEIGHT} pixels"):
        rebuilt(served, asked | {"mask": cells[1:]})


def test_a_closer_look(served: ServedBundle):
    found = closer_look(served, {"seed": 5})
    assert decoded(found["picture"]).shape == (HEIGHT, WIDTH, 3)
    assert decoded(found["critic"]["overlay"]).shape == (HEIGHT, WIDTH, 4)


def test_a_test_picture_and_the_numbers_for_the_visitor_s_device(client: TestClient, served: ServedBundle):
    picture = np.asarray(Image.open(io.BytesIO(client.get("bundles/wide/examples/4.png").content)))
    assert (picture == served.engine.bundle.examples[4]).all()
    facts = bundle_facts(served)["device"]
    assert client.get(facts["latents"]["url"]).status_code == 200
