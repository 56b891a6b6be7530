"""Every door that a picture leaves by: what a model drew has its mark there, small, and what nobody drew has none.

The tables below name all doors. A route, an endpoint, a format or a call of an encoder that is not among them fails.
"""

import ast
import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from bundle import images
from bundle.marks import COMPOSITE, TRAINED, Mark, xmp
from bundle.marks.formats import MOST_ADDED
from bundle.sessions import choose_provider
from demo.page import launch_settings
from demo.routes.endpoints import drawing, reading
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs import training_film
from demo.tabs.morph import morph_export, video
from export import class_directions
from export.targets import space
from tests.support import attributes, tiny

ROOT = Path(__file__).parents[1]
HALF = "1" * 512 + "0" * 512
MOVES = {"bright": 1.5}
BEND = {"1.scale": 1.5, "4.noise": 0.3, "seed": 7}
# Address -> a request to it, or why no model's picture leaves there.
ROUTES: dict[str, dict[str, Any] | str] = {
    "/live/{bundle}": {"x": 3.5, "y": 1, "c": "3:0.5,5:0.5", "t": 0.7, "attributes": "bright:1.5",
                       "bend": "1.rotate:-70,4.noise:0.5,seed:2"},
    "/live/{bundle}/morph": {"keys": "1,7.5:0.5", "classes": "3,1:0.5|2:0.5", "path": "spline", "loop": 1, "p": 0.25,
                             "bend": "2.scale:1.5"},
    "/live/{bundle}/grid": {"seed": 7, "grid": 3, "bend": "3.shift:-0.7"},
    "/live/{bundle}/quiz": {"quiz": 4},
    "/live/{bundle}/map": {"m": "vae", "mapx": 0.5, "mapy": -0.5},
    "/live/{bundle}/mix": {"seed": 1, "other": 2, "stages": "0" + "1" * (tiny.STAGES - 1)},
    "/live/{bundle}/sum": {"m": "vae", "seed": 1, "minus": 2, "plus": 3},
    "/live/{bundle}/edit": {"seed": 3, "along": "0:1.5", "across": "4:1", "attributes": "bright:-1"},
    "/training/{bundle}/film": {"m": "vae", "format": "webp"},
    "/morph/{bundle}": {"m": "vae", "t": 0.9, "keys": [3, [7.25, 0.5]], "classes": [3, None], "path": "linear",
                        "loop": False, "frames": 5, "fps": 20, "attributes": MOVES},
    "/rebuild/{bundle}": {"test": 2, "mask": HALF},
    "/rebuild/{bundle}/search": {"test": 2, "mask": HALF, "model": "gan", "rounds": 1},
    "/compare/look/{bundle}": {"seed": 5, "m": "gan", "c": 2},
    "/rebuild/{bundle}/eight-bits": "the visitor's own picture",
    "/compare/figures": "numbers", "/compare/quiz/{bundle}": "numbers",
    "/explore/{bundle}": "numbers", "/explore/{bundle}/directions": "numbers",
    "/explore/{bundle}/own-direction": "numbers",
    "/bundles/{bundle}/{file}": "the bundle's own files, which have a checksum: marked when they are made",
    "/bundles/{bundle}/examples/{number}.png": "a held-out picture: real",
    "/verify": "words", "/web/twofold.js": "a script", "/page/{version}/{name}": "scripts",
    "/device/{release}/{name}": "scripts", "/device/{release}/bundles/{bundle}.bin": "numbers",
    "/healthz": "words", "/metrics": "numbers",
}  # fmt: skip
# Places in answers where a picture stands that no model drew: the visitor's, the data set's, maps of measured values.
UNDRAWN = re.compile(r"input(\.image)?$|spread$|legend$|overlay$|nearest\.pictures\.\d+\.picture$")
REPAIRS = re.compile(r"repair|difference$|completions|quiz|/training/|/search")
# Module -> why it may write a picture without a mark.
ENCODERS = {
    "bundle/images.py": "the encoder itself, for pictures that no model drew",
    "bundle/marks/formats.py": "the encoder with a mark",
    "bundle/pictures.py": "the visitor's own picture, in 8 bits",
    "demo/data_urls.py": "picture_url, whose mark may be None",
    "demo/routes/files.py": "held-out pictures",
    "demo/make/crops.py": "the visitor's own pictures",
    "demo/routes/make_pictures.py": "the visitor's own pictures",
    "demo/tabs/morph/animation.py": "marked: xmp, formats.gif",
    "demo/tabs/morph/film_strip.py": "marked: formats.png_info",
    "export/snapshots.py": "marked: xmp",
    "export/targets/offline.py": "marked: formats.png_info",
    "export/model_card.py": "code for people, with a mark",
    "train/data/picture_folder.py": "pictures of a set",
    "train/snapshots.py": "held-out pictures",
    "train/recorder.py": "filters of a classifier",
}
# Scripts of pages that turn a canvas into a file or download one.
SCRIPTS = {
    "demo/static/core/marks.js": "markedPng and savePicture, with the mark",
    "demo/static/core/elements.js": "saveBlob itself",
    "demo/static/core/own_directions.js": "numbers as a file",
    "demo/static/tabs/play/favourites.js": "numbers as a file, and markedPng",
    "demo/static/instrument/preset_controls.js": "a preset, which is no picture",
    "demo/static/tabs/about/how_it_learned.js": "the server's film, which is marked",
    "demo/static/tabs/make/burst_camera.js": "the visitor's camera",
    "demo/static/tabs/make/video_frames.js": "the visitor's film",
    "demo/static/tabs/rebuild/drawing_board.js": "the visitor's drawing, on its way to the server",
    "demo/static/tabs/rebuild/cropper.js": "the visitor's picture, on its way to the server",
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServedBundle]:
    folder = tmp_path_factory.mktemp("doors") / "faces"
    attributes.add(tiny.build(folder, name="faces"))
    class_directions.add(folder)
    tiny.add_snapshots(folder)
    return open_bundles(folder, choose_provider("cpu"), check=False)[0]


@pytest.fixture(scope="module")
def client(bundles: dict[str, ServedBundle]) -> Iterator[TestClient]:
    app = Starlette(routes=launch_settings(bundles)["app_kwargs"]["routes"])
    with TestClient(app) as client:
        yield client


def marked(data: bytes, bundles: dict[str, ServedBundle], place: str) -> Mark:
    """The mark in a file, which must be the bundle's, and small."""
    mark = xmp.read(data).mark
    assert mark is not None, f"{place}: no mark"
    assert mark.bundle == "faces" and mark.sha256 == bundles["faces"].engine.bundle.sha256, place
    assert mark.source == (COMPOSITE if REPAIRS.search(place) else TRAINED), place
    assert mark.state and mark.state["draw"], place
    assert len(xmp.block(mark)) < MOST_ADDED
    return mark


def pictures_in(value: Any, place: str = "") -> Iterator[tuple[str, bytes]]:
    """Every picture in an answer of JSON, by its place."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from pictures_in(one, f"{place}.{name}".strip("."))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from pictures_in(one, f"{place}.{i}".strip("."))
    elif isinstance(value, str) and value.startswith("data:"):
        yield place, base64.b64decode(value.partition(";base64,")[2])


def check(found: list[tuple[str, bytes]], bundles: dict[str, ServedBundle], door: str) -> list[Mark]:
    """All pictures of an answer have marks, but those that no model drew."""
    assert found, door
    marks = []
    for place, data in found:
        if UNDRAWN.search(place):
            assert xmp.read(data).mark is None, (door, place)
        else:
            marks.append(marked(data, bundles, f"{door} {place}"))
    return marks


def test_all_routes_are_named(client: TestClient):
    paths = {route.path for route in client.app.routes if isinstance(route, Route)}  # type: ignore[attr-defined]
    assert paths == set(ROUTES)


@pytest.mark.parametrize("path", [path for path, asked in ROUTES.items() if isinstance(asked, dict)])
def test_what_leaves_by_a_route_is_marked_and_drawn_again(
    path: str, client: TestClient, bundles: dict[str, ServedBundle]
):
    asked = ROUTES[path]
    assert isinstance(asked, dict)
    address = path.format(bundle="faces")
    if path.startswith(("/live", "/training")):
        answer = client.get(address, params=asked)
        assert answer.status_code == 200, answer.text
        mark = marked(answer.content, bundles, path)
        again = client.post("/verify", content=answer.content).json()
        assert (again["place"], again["again"], again["difference"]) == ("here", "same", 0), again["sentences"]
        if path.startswith("/live"):
            assert answer.headers["x-digital-source-type"] == xmp.SOURCES + mark.source
            raw = client.get(address, params={**asked, "f": "raw"})
            assert raw.headers["x-digital-source-type"] == xmp.SOURCES + mark.source
            shape = [int(n) for n in raw.headers["x-shape"].split(",")]
            with Image.open(io.BytesIO(answer.content)) as picture:
                assert (np.asarray(picture).reshape(shape) == np.frombuffer(raw.content, np.uint8).reshape(shape)).all()
        return
    formats = morph_export.FORMATS if path == "/morph/{bundle}" else ("",)
    for file_format in formats:
        if file_format == "mp4" and video.missing():
            continue
        given = {**asked, "format": file_format} if file_format else asked
        answer = client.post(address, data={"request": json.dumps(given)}, files={"none": b""})
        assert answer.status_code == 200, answer.text
        found = list(pictures_in([json.loads(line) for line in answer.text.splitlines()]))
        if file_format == "zip":
            with zipfile.ZipFile(io.BytesIO(found[0][1])) as archive:
                found = [(name, archive.read(name)) for name in archive.namelist() if name.endswith(".png")]
            assert len(found) == given["frames"]
        check(found, bundles, f"{path} {file_format}")
        for _, data in found:
            again = client.post("/verify", content=data).json()
            drawn = path == "/morph/{bundle}" and file_format != "mp4"
            if drawn:
                assert again["again"] == "same", (file_format, again["sentences"])
            elif file_format == "mp4":
                assert again["mark"] and again["again"] == "not compared"


def test_a_held_out_picture_is_not_said_to_be_drawn(client: TestClient):
    form = {"data": {"request": json.dumps({"test": 1})}, "files": {"none": b""}}
    answer = client.post("/compare/look/faces", **form).json()
    assert all(xmp.read(data).mark is None for place, data in pictures_in(answer) if place == "picture")
    assert xmp.read(client.get("/bundles/faces/examples/3.png").content).mark is None


def test_what_leaves_by_an_endpoint_is_marked(bundles: dict[str, ServedBundle], client: TestClient):
    def picture_of(sent: Any, served: ServedBundle) -> np.ndarray:
        return images.from_uint8(served.engine.bundle.examples[:1])

    def mask_of(sent: Any, served: ServedBundle) -> np.ndarray:
        return np.concatenate([np.ones((1, 1, 16, 32)), np.zeros((1, 1, 16, 32))], axis=2).astype(np.float32)

    calls: dict[str, list[dict[str, Any]]] = {
        "sample": [{"seeds": [3, [7.25, 0.5], 2**32 - 1], "label": "4", "truncation": 0.8, "attributes": MOVES,
                    "bend": BEND},
                   {"seeds": [1, 2], "model": "vae"}],
        "interpolate": [{"seeds": [1, [7.25, 0.5]], "frames": 4, "format": name, "attributes": MOVES, "bend": BEND}
                        for name in morph_export.FORMATS if name not in ("zip", "mp4")],
        "reconstruct": [{"picture": "", "attributes": MOVES}],
        "repair": [{"picture": "", "mask": "", "model": name} for name in ("vae", "gan")],
        "invert": [{"picture": ""}],
        "classify": [], "report": [],
    }  # fmt: skip
    functions = drawing(bundles) | reading(bundles, picture_of, mask_of)
    assert set(functions) == set(calls)
    for name, asked in calls.items():
        for one in asked:
            answer = list(pictures_in(functions[name](**one)))
            check(answer, bundles, name)
            for _, data in answer:
                if name in ("sample", "interpolate"):
                    assert client.post("/verify", content=data).json()["again"] == "same", one
            assert functions[name](**one) == functions[name](**one)


def test_the_film_of_a_training_is_marked_in_every_format(bundles: dict[str, ServedBundle]):
    for file_format in training_film.FORMATS:
        if file_format == "mp4" and video.missing():
            continue
        for model in ("gan", "vae"):
            mark = xmp.read(training_film.film(bundles["faces"], model, file_format)).mark
            assert mark and mark.state == {"draw": "training", "m": model}


# --- in the code -----------------------------------------------------------------------------------


def writes_pictures(path: Path) -> bool:
    """Whether a module calls an encoder of pictures that asks for no mark: images.png, or Pillow's save."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    pillow = any(
        isinstance(node, ast.ImportFrom | ast.Import) and "PIL" in ast.unparse(node) for node in ast.walk(tree)
    )
    return "images.png" in calls or (pillow and any(call.endswith(".save") for call in calls))


def test_no_module_writes_a_picture_without_being_named_here():
    rooms = ("bundle", "train", "export", "demo")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts]
    found = {path.relative_to(ROOT).as_posix() for path in files if writes_pictures(path)}
    assert found <= set(ENCODERS), found - set(ENCODERS)


def test_no_script_saves_a_picture_without_being_named_here():
    folders = (ROOT / "demo" / "static", ROOT / "export" / "targets" / "page")
    files = [path for folder in folders for path in folder.rglob("*.js")]
    saves = re.compile(r"\.toBlob\(|\.toDataURL\(|(?<!\w)(?:download|saveBlob)\(")
    found = {path.relative_to(ROOT).as_posix() for path in files if saves.search(path.read_text(encoding="utf-8"))}
    assert found == set(SCRIPTS), found ^ set(SCRIPTS)


def test_a_space_brings_what_marks():
    assert {"bundle/marks/xmp.py", "demo/static/core/marks.js", "demo/routes/verify.py"} <= set(space.code_files())
