"""Moves along attributes, as endpoints and addresses are given them, right and wrong."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import UserError
from bundle.sessions import choose_provider
from demo.routes import live
from demo.routes.endpoints import drawing
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.inputs.cases import case
from tests.support import attributes, tiny

ROOM = "Moves along attributes"


@functools.cache
def _served() -> dict[str, ServedBundle]:
    """A bundle with the attributes "bright" and "slanted", and one without any."""
    root = Path(tempfile.mkdtemp())
    attributes.add(tiny.build(root / "faces", name="faces"))
    tiny.build(root / "plain", name="plain")
    return open_bundles(root, choose_provider("cpu"), check=False)[0]


def _called(moves: Any, bundle: str = "faces") -> str:
    """What /sample answers: how many pictures, or why it refuses."""
    try:
        answer = drawing(_served())["sample"](seeds=[3], bundle=bundle, attributes=moves)
    except UserError as error:
        return str(error)
    return f"{len(answer['images'])} picture"


def _asked(moves: str) -> str:
    """What /live answers: its status and, of a refusal, the sentence."""
    with TestClient(Starlette(routes=live.routes(_served()))) as client:
        answer = client.get("/live/faces", params={"attributes": moves})
    return f"{answer.status_code} {answer.text if answer.status_code >= 400 else ''}"


@case(ROOM, 'names of the bundle with numbers, `{"bright": 1.5}`')
def _right(folder: Path) -> str:
    return _called({"bright": 1.5, "slanted": -2})


@case(ROOM, "a name that the bundle lacks")
def _unknown(folder: Path) -> str:
    return _called({"glasses": 1}) + _asked("glasses:1")


@case(ROOM, "a word, nothing or NaN for a number")
def _no_number(folder: Path) -> str:
    return " ".join(_called({"bright": move}) for move in ("much", None, True, float("nan"))) + _asked("bright:nan")


@case(ROOM, "a number far out")
def _far(folder: Path) -> str:
    return _called({"bright": 99}) + " " + _asked("bright:99")


@case(ROOM, "a list, a word or a number")
def _no_names(folder: Path) -> str:
    return " ".join(_called(json.loads(text)) for text in ("[1]", '"bright"', "3")) + _asked("bright")


@case(ROOM, "a move in a bundle without attributes")
def _none(folder: Path) -> str:
    return _called({"bright": 1}, "plain")
