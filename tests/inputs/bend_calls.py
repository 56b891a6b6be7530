"""Bends of styles, as endpoints and addresses are given them, right and wrong."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.adopt import About, adopt
from bundle.errors import UserError
from bundle.sessions import choose_provider
from demo.routes import live
from demo.routes.endpoints import drawing
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.inputs.cases import case
from tests.support import foreign, tiny

ROOM = "Bends of styles"


@functools.cache
def _served() -> dict[str, ServedBundle]:
    """A bundle whose GAN has four stages, and a generator from elsewhere, which has none."""
    root = Path(tempfile.mkdtemp())
    tiny.build(root / "tiny")
    (root / "g.onnx").write_bytes(foreign.exported())
    adopt(root / "g.onnx", root / "foreign", About("foreign", "Foreign"))
    return open_bundles(root, choose_provider("cpu"), check=False)[0]


def _called(bend: Any, bundle: str = "tiny", model: str = "gan") -> str:
    """What /sample answers: how many pictures, or why it refuses."""
    try:
        answer = drawing(_served())["sample"](seeds=[3], bundle=bundle, model=model, bend=bend)
    except UserError as error:
        return str(error)
    return f"{len(answer['images'])} picture"


def _asked(bend: str, model: str = "gan") -> str:
    """What /live answers: its status and, of a refusal, the sentence."""
    with TestClient(Starlette(routes=live.routes(_served()))) as client:
        answer = client.get("/live/tiny", params={"bend": bend, "m": model})
    return f"{answer.status_code} {answer.text if answer.status_code >= 400 else ''}"


@case(ROOM, 'stages with numbers, `{"2.scale": 1.5, "4.noise": 0.3, "seed": 7}`')
def _right(folder: Path) -> str:
    return _called({"2.scale": 1.5, "4.noise": 0.3, "seed": 7}) + " " + _asked("2.scale:1.5,4.noise:0.3,seed:7")


@case(ROOM, "a stage or a word that there is not")
def _unknown(folder: Path) -> str:
    return " ".join([_called({"9.scale": 1}), _called({"1.size": 1}), _asked("0.scale:1")])


@case(ROOM, "a word, nothing or NaN for a number")
def _no_number(folder: Path) -> str:
    return " ".join(_called({"1.scale": one}) for one in ("much", None, True, float("nan"))) + _asked("1.scale:nan")


@case(ROOM, "a number far out")
def _far(folder: Path) -> str:
    return " ".join([_called({"1.rotate": 360}), _called({"seed": 0.5}), _asked("1.rotate:360,seed:99999")])


@case(ROOM, "a list, a word or a number")
def _no_names(folder: Path) -> str:
    return " ".join(_called(json.loads(text)) for text in ("[1]", '"1.scale"', "3")) + _asked("1.scale")


@case(ROOM, "a bend of a VAE, or of a generator from elsewhere")
def _none(folder: Path) -> str:
    bend = {"1.scale": 2}
    return " ".join([_called(bend, model="vae"), _asked("1.scale:2", "vae"), _called(bend, "foreign")])
