"""The code that the API tab offers, run as pasted, against the picture of the live route."""

import ast
import io
import json
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from bundle.adopt import About, adopt
from bundle.generator_inputs import Given
from bundle.marks import xmp
from bundle.own_directions import encoded
from bundle.sessions import choose_provider
from demo.facts import facts
from demo.serving.served_bundle import open_bundles
from tests.bundle.test_adopt import LATENT, exported, net
from tests.support import attributes, foreign, tiny
from tests.support.demo_page import launched

pytestmark = pytest.mark.serving

REPOSITORY = Path(__file__).resolve().parents[3]
STATIC = REPOSITORY / "demo" / "static"
MODULES = REPOSITORY / "demo" / "web" / "node_modules"
STATES = [
    {"b": "digits", "m": "gan", "c": 3, "t": 1, "x": 5, "y": 0},
    {"b": "digits", "m": "gan", "c": 7, "t": 0.8, "x": -3.1, "y": 2.4567},
    {"b": "digits", "m": "vae", "c": 4, "t": 1, "x": 12, "y": -1},
    {"b": "digits", "m": "vae", "c": 0, "t": 0.65, "x": 5.25, "y": 0},
    {"b": "plain", "m": "gan", "c": None, "t": 1.2, "x": 0.3, "y": 0.2},
    {"b": "plain", "m": "vae", "c": None, "t": 1, "x": 7, "y": 0},
    {"b": "digits", "m": "gan", "c": 1, "t": 0.8, "x": 11, "y": 0, "attributes": "bright:1.5,slanted:-2"},
    {"b": "digits", "m": "vae", "c": 1, "t": 1, "x": 21, "y": 0, "attributes": "bright:-2.5"},
    {"b": "digits", "m": "gan", "c": 3, "mix": "3:1,5:0.25", "t": 0.8, "x": 5, "y": 0},
    {"b": "digits", "m": "vae", "c": 8, "mix": "2:0.5,8:0.75", "t": 0.9, "x": 31.5, "y": 0},
    {
        "b": "digits",
        "m": "gan",
        "c": 2,
        "mix": "2:1,6:0.5",
        "t": 0.7,
        "x": 2.5,
        "y": 0,
        "bend": "1.scale:1.5,2.rotate:70,4.noise:0.4,seed:3",
    },
    {"b": "plain", "m": "gan", "c": None, "t": 1, "x": 8, "y": 0, "bend": "3.shift:-0.8"},
    {"b": "foreign", "m": "gan", "c": None, "t": 0.7, "x": 1.5, "y": 0},
    {"b": "odd", "m": "gan", "c": 3, "t": 1, "x": 4, "y": 0},
]
IDS = [f"{s['b']}-{s['m']}-{s['x']}" for s in STATES]
CLIENT_STATES = (1, 4, 11)
# Runs code.py of each folder there, as if pasted into a new process, which would take seconds to begin.
EACH = """
import contextlib, sys, traceback
from pathlib import Path
for folder in map(Path, sys.argv[1:]):
    with contextlib.chdir(folder):
        try:
            exec(compile(Path("code.py").read_text(encoding="utf-8"), "code.py", "exec"), {"__name__": "__main__"})
        except Exception:
            Path("failed").write_text(traceback.format_exc())
"""
HARNESS = """
globalThis.window = { Twofold: {
    className: (c, bundle) => (c === null ? "" : bundle.classes[c]),
    seedAt: (x, y) => (((x + 100 * y) % 2 ** 32) + 2 ** 32) % 2 ** 32,
    pictureParams: ({ b, mix, c, ...rest }) =>
        Object.fromEntries(Object.entries({ ...rest, c: mix ?? c }).filter(([, value]) => value !== null)),
} };
process.argv.slice(2).forEach(require);
let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
    const { states, bundles, home, mark } = JSON.parse(text);
    window.Twofold.facts = { mark };
    const of = (name) => bundles.find((bundle) => bundle.name === name);
    console.log(JSON.stringify(states.map((state) => window.Twofold.snippets(state, of(state.b), home))));
});
"""


@pytest.fixture(scope="module")
def node() -> str:
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed (apt install nodejs)")
    return program


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[dict]]]:
    """A server's address, and the facts of its bundles: own ones, one with another prior, and adopted ones."""
    root = tmp_path_factory.mktemp("bundles")
    attributes.add(tiny.build(root / "digits", "digits"))
    plain = tiny.build(root / "plain", "plain", classes=0, channels=3)
    index = tiny.load_index(plain)
    index["gan"]["prior"] = "truncated"
    tiny.save_index(plain, index)
    tiny.redraw(plain)
    (root / "foreign.onnx").write_bytes(exported(net(), torch.zeros(2, LATENT, 1, 1), free=False))
    (root / "odd.onnx").write_bytes(foreign.exported())
    adopt(root / "odd.onnx", root / "odd", About("odd", "Odd"), Given(classes=tuple("abcde")))
    adopt(root / "foreign.onnx", root / "foreign", About("foreign", "Foreign", "elsewhere", "CC0-1.0", "uniform"))
    bundles, unavailable = open_bundles(root, choose_provider("cpu"))
    assert not unavailable
    with launched(bundles, files=tmp_path_factory.mktemp("gradio")) as address:
        yield address, facts(bundles, unavailable)["bundles"]


@pytest.fixture(scope="module")
def snippets(
    node: str, served: tuple[str, list[dict]], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, str]]:
    """The codes by name, one set a state."""
    return codes(node, served, STATES, tmp_path_factory.mktemp("harness"))


def codes(node: str, served: tuple[str, list[dict]], states: list[dict], folder: Path) -> list[dict[str, str]]:
    harness = folder / "harness.cjs"
    harness.write_text(HARNESS)
    names = (
        "core/own_directions.js",
        "core/attributes.js",
        "core/class_mix.js",
        "core/marks.js",
        "tabs/api/snippets.js",
    )
    parts = [STATIC / name for name in names]
    scripts = [shutil.copy(part, harness.with_name(f"{part.stem}.cjs")) for part in parts]
    given = json.dumps({"states": states, "bundles": served[1], "home": served[0], "mark": xmp.page_facts()})
    done = subprocess.run([node, harness, *scripts], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [{name: code for name, _, code in made} for made in json.loads(done.stdout)]


def live(served: tuple[str, list[dict]], state: dict[str, Any]) -> np.ndarray:
    query = {name: value for name, value in state.items() if name not in ("b", "mix") and value is not None}
    if "mix" in state:
        query["c"] = state["mix"]
    return pixels(httpx.get(f"{served[0]}live/{state['b']}", params=query).raise_for_status().content)


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture).astype(int)


def check_picture(png: bytes | str, served: tuple[str, list[dict]], state: dict[str, Any]) -> None:
    """The picture of the live route, and the mark of the bundle, by which it is drawn again."""
    assert isinstance(png, bytes), png
    assert np.array_equal(pixels(png), live(served, state))
    again = httpx.post(f"{served[0]}verify", content=png).raise_for_status().json()
    assert (again["place"], again["again"]) == ("here", "same"), again["sentences"]


def ran(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def drawn(snippets: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes | str]]:
    """What the Python code of every state draws, and that for gradio_client of some: by language and state."""
    codes = {
        "Python": [made["Python"] for made in snippets],
        "gradio_client": [snippets[at]["gradio_client"] for at in CLIENT_STATES],
    }
    return {name: in_python(each, tmp_path_factory.mktemp("pasted")) for name, each in codes.items()}


def in_python(codes: list[str], folder: Path) -> list[bytes | str]:
    """The picture that each of these codes writes, or how it failed: each with names and a folder of its own, one after
    the other in one process."""
    folders = [folder / f"{i:02d}" for i in range(len(codes))]
    for own, code in zip(folders, codes, strict=True):
        own.mkdir()
        (own / "code.py").write_text(code, encoding="utf-8")
    ran([sys.executable, "-c", EACH, *map(str, folders)], folder)
    return [
        (own / "failed").read_text() if (own / "failed").exists() else (own / "picture.png").read_bytes()
        for own in folders
    ]


@pytest.mark.parametrize("at", range(len(STATES)), ids=IDS)
def test_python_draws_the_picture_on_screen(served, snippets: list[dict[str, str]], drawn, at: int):
    check_picture(drawn["Python"][at], served, STATES[at])
    assert snippets[at]["Python"].count("\n") <= (80 if STATES[at].get("bend") else 56)


def test_code_draws_along_directions_of_the_visitors_own(served, node: str, tmp_path: Path):
    """In styles beside an attribute, in a code, and in the noise of a generator that has no styles."""
    states = []
    for name, m, more in (("digits", "gan", "bright:1,"), ("digits", "vae", ""), ("odd", "gan", "")):
        space = next(bundle for bundle in served[1] if bundle["name"] == name)["spaces"][m]
        vector = np.random.default_rng(3).standard_normal(space["size"])
        text = f"{more}round face:-1.5*{encoded(vector, bytes.fromhex(space['key']))}"
        states.append({"b": name, "m": m, "c": 1, "t": 0.8, "x": 21, "y": 0, "attributes": text})
    made = codes(node, served, states, tmp_path)
    for language in ("Python", "gradio_client"):
        (folder := tmp_path / language).mkdir()
        for state, picture in zip(states, in_python([one[language] for one in made], folder), strict=True):
            check_picture(picture, served, state)
    for state in states:
        plain = state | {"attributes": ""}
        assert np.abs(live(served, state) - live(served, plain)).max() > 2
    if (MODULES / "onnxruntime-web").is_dir():
        (tmp_path / "node_modules").symlink_to(MODULES)
        made = codes(node, served, states[:2], tmp_path)
        shown = in_node(node, [code["JavaScript"] for code in made], tmp_path)
        for state, rgba in zip(states[:2], shown, strict=True):
            assert np.abs(rgba[::4] - live(served, state).ravel()).max() <= 1


def test_names_with_commas_stay_as_they_are(served, node: str, tmp_path: Path):
    address, bundles = served
    digits = next(bundle for bundle in bundles if bundle["name"] == "digits")
    named = digits | {"classes": ["tench, Tinca tinca", *digits["classes"][1:]]}
    state = {"b": "digits", "m": "gan", "c": 0, "t": 1, "x": 7.5, "y": 0, "attributes": "red%2Cblue:1"}
    code = codes(node, (address, [named]), [state], tmp_path)[0]["gradio_client"]
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    call = next(one for one in calls if ast.unparse(one.func) == "client.predict")
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert given["label"] == "tench, Tinca tinca" and given["attributes"] == {"red,blue": 1}
    assert given["seeds"] == [[7.5, 0]]


@pytest.mark.parametrize("at", CLIENT_STATES, ids=[IDS[at] for at in CLIENT_STATES])
def test_gradio_client_draws_the_picture_on_screen(served, drawn, at: int):
    check_picture(drawn["gradio_client"][CLIENT_STATES.index(at)], served, STATES[at])


@pytest.mark.parametrize("at", (0, 4, 11), ids=(IDS[0], IDS[4], IDS[11]))
def test_curl_draws_the_picture_on_screen(served, snippets: list[dict[str, str]], at: int, tmp_path: Path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    answer = ran(["sh", "-c", snippets[at]["curl"]], tmp_path)
    expected = live(served, STATES[at])
    check_picture((tmp_path / "picture.png").read_bytes(), served, STATES[at])
    _, _, data = answer.partition("data: ")
    address = json.loads(data)[0]["images"][0]
    assert np.array_equal(pixels(b64decode(address.partition(",")[2])), expected)


def test_javascript_draws_the_picture_on_screen(served, node: str, snippets: list[dict[str, str]], tmp_path: Path):
    """In Node, where WebAssembly may round otherwise: within one grey level."""
    if not (MODULES / "onnxruntime-web").is_dir():
        pytest.skip("onnxruntime-web is not installed (python -m demo.web)")
    (tmp_path / "node_modules").symlink_to(MODULES)
    for state, made in zip(STATES, snippets, strict=True):
        assert ("JavaScript" in made) is (state["b"] not in ("foreign", "odd"))  # a generator without styles has none
    told = [(state, made["JavaScript"]) for state, made in zip(STATES, snippets, strict=True) if "JavaScript" in made]
    assert all(code.count("\n") <= 12 for _, code in told)
    for (state, _), drawn in zip(told, in_node(node, [code for _, code in told], tmp_path), strict=True):
        wanted = live(served, state)
        drawn = drawn.reshape(*wanted.shape[:2], 4)
        assert (drawn[..., 3] == 255).all()
        assert np.abs(drawn[..., : 3 if wanted.ndim == 3 else 1].reshape(wanted.shape) - wanted).max() <= 1


def in_node(node: str, codes: list[str], folder: Path) -> list[np.ndarray]:
    """The pixels that each of these codes prints: modules of their own, one after the other in one process."""
    for i, code in enumerate(codes):
        shown = code.replace("console.log(pixels);", "console.log(JSON.stringify([...pixels]));")
        (folder / f"{i}.mjs").write_text(shown)
    (folder / "all.mjs").write_text("".join(f'await import("./{i}.mjs");\n' for i in range(len(codes))))
    return [np.array(json.loads(line)) for line in ran([node, "all.mjs"], folder).splitlines()]
