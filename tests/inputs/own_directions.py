"""Directions of a visitor's own: as endpoints and addresses are given them, and the marks that they are found from."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import UserError
from bundle.own_directions import encoded, latent_size, space_key
from bundle.schema import Model
from bundle.sessions import choose_provider
from demo.routes import explore, live
from demo.routes.endpoints import drawing
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.inputs.cases import case
from tests.support import attributes, tiny

ROOM = "Directions of your own"


@functools.cache
def _served() -> dict[str, ServedBundle]:
    root = Path(tempfile.mkdtemp())
    attributes.add(tiny.build(root / "faces", name="faces"))
    return open_bundles(root, choose_provider("cpu"), check=False)[0]


def _numbers(model: Model = "gan") -> np.ndarray:
    return np.random.default_rng(0).standard_normal(latent_size(_served()["faces"].info, model))


def _text(model: Model = "gan", key: bytes | None = None) -> str:
    return encoded(_numbers(model), key or space_key(_served()["faces"].engine.bundle, model))


def _called(directions: Any, model: str = "gan") -> str:
    """What /sample answers: how many pictures, or why it refuses."""
    try:
        answer = drawing(_served())["sample"](seeds=[3], bundle="faces", model=model, attributes=directions)
    except UserError as error:
        return f"{error} "
    return f"{len(answer['images'])} picture "


def _asked(moves: str, model: str = "gan") -> str:
    """What /live answers: its status and, of a refusal, the sentence."""
    with TestClient(Starlette(routes=live.routes(_served()))) as client:
        answer = client.get("/live/faces", params={"attributes": moves, "m": model})
    return f"{answer.status_code} {answer.text if answer.status_code >= 400 else ''} "


def _annotated(annotations: Any) -> str:
    """What the page gets for annotations: how many variations, and what is found or told."""
    asked = json.dumps({"m": "gan", "seed": 1, "round": 1, "annotations": annotations})
    with TestClient(Starlette(routes=explore.routes(_served()))) as client:
        answer = client.post("/explore/faces/own-direction", files={"request": (None, asked)})
    if answer.status_code >= 400:
        return f"{answer.status_code} {answer.text} "
    found = answer.json()
    return f"{len(found['variations'])} variations, {'found' if found['found'] else 'none found'}. {found['problem']} "


def _own(vector: Any, amount: Any = 1.5, name: str = "round face") -> dict[str, Any]:
    return {name: {"vector": vector, "amount": amount}}


@case(ROOM, "a vector as text, or as one number for each of the latent")
def _right(folder: Path) -> str:
    return _called(_own(_text()) | {"bright": 1}) + _called(_own(_numbers().tolist())) + _asked(f"mine:2*{_text()}")


@case(ROOM, "a direction of another model, or of another bundle")
def _foreign(folder: Path) -> str:
    other = _text(key=b"abcd")
    return _called(_own(_text("gan")), "vae") + _called(_own(other)) + _asked(f"mine:1*{other}")


@case(ROOM, "a vector that was cut off or changed")
def _cut(folder: Path) -> str:
    return _called(_own(_text()[:9])) + _called(_own(_text() + "ä")) + _asked(f"round face:1*{_text()[:7]}")


@case(ROOM, "a vector with the padding of base64, or in its usual alphabet")
def _other_base64(folder: Path) -> str:
    padded, usual = _text() + "=" * (-len(_text()) % 4 or 4), _text()[:-2] + "+/"
    return _called(_own(padded)) + _called(_own(usual)) + _asked(f"padded:1*{padded}") + _asked(f"usual:1*{usual}")


@case(ROOM, "a list of another length, numbers that are not finite, or zeros")
def _wrong_numbers(folder: Path) -> str:
    zeros = [0.0] * len(_numbers())
    return _called(_own([1.0])) + _called(_own([float("nan")] * len(zeros))) + _called(_own(zeros))


@case(ROOM, "no amount, a word for it, or a vector that is none")
def _no_amount(folder: Path) -> str:
    return _called({"mine": {"vector": _text()}}) + _called(_own(_text(), "far")) + _called(_own(7))


@case(ROOM, "a name that is an attribute's, too long, empty, or with signs that addresses need")
def _names(folder: Path) -> str:
    names = ("bright", "x" * 41, "", "a:b", "a*b")
    return "".join(_called(_own(_text(), 1, name)) for name in names)


@case(ROOM, "nine at once")
def _many(folder: Path) -> str:
    many = {str(i): {"vector": _text(), "amount": 1} for i in range(9)}
    return _called(many) + _asked(",".join(f"{i}:1*{_text()}" for i in range(9)))


@case(ROOM, "fewer than three annotations of either kind")
def _few(folder: Path) -> str:
    return _annotated([]) + _annotated([{"vector": _text(), "has": True}] * 5)


@case(ROOM, "choices that contradict each other")
def _contradictory(folder: Path) -> str:
    rng, key = np.random.default_rng(4), space_key(_served()["faces"].engine.bundle, "gan")
    steps = [encoded(rng.standard_normal(len(_numbers())), key) for _ in range(6)]
    return _annotated([{"vector": step, "has": has} for step in steps for has in (True, False)])


@case(ROOM, "annotations of another bundle, and what are no annotations")
def _no_annotations(folder: Path) -> str:
    wrong: list[Any] = [[{"vector": _text(key=b"abcd"), "has": True}], "all", [1], [{"vector": "!", "has": True}]]
    many = [{"vector": _text(), "has": True}] * 241
    return "".join(map(_annotated, [*wrong, many]))
