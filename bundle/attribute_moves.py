"""Moves along the attributes of a bundle's pictures: "glasses", "smile". Every door draws with this arithmetic;
demo/static/device/device.js repeats it in the browser.

A move is a number of standard deviations of the latents, so that 1.5 is as far for one attribute as for another.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bundle.errors import InputError
from bundle.own_directions import OwnMove
from bundle.schema import BundleIndex, Model

MAX_ATTRIBUTE_MOVE = 4.0  # standard deviations, both ways: further out the networks have seen nothing

AttributeMoves = Mapping[str, float | OwnMove]  # by the name of the attribute, or of a visitor's own direction


def checked_moves(moves: AttributeMoves | None, info: BundleIndex, model: Model) -> dict[int, float]:
    """{number of the attribute in `info`: its move within ±MAX_ATTRIBUTE_MOVE}, in that order, without moves of 0.

    Raises InputError for a name that the bundle lacks, for an attribute without a direction in the latents of `model`,
    and for a number that is not finite."""
    known = [attribute.name for attribute in info.attributes]
    found: dict[int, float] = {}
    for name, move in (moves or {}).items():
        if isinstance(move, OwnMove):
            continue
        if name not in known:
            shown = str(name)[:40]
            if not known:
                raise InputError(f"There is no attribute '{shown}': bundle '{info.name}' has none.")
            raise InputError(f"There is no attribute '{shown}': choose one of {', '.join(known)}.")
        i = known.index(name)
        if getattr(info.attributes[i], model) is None:
            raise InputError(f"The {model.upper()} of bundle '{info.name}' has no direction for '{name}'.")
        found[i] = _move(name, move)
    return {i: found[i] for i in sorted(found) if found[i]}


def moved(points: np.ndarray, steps: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    """Latents float32 [..., D], moved by `steps`: how far, and the vector float32 [D] of one standard deviation. No
    steps: the very same array."""
    if not steps:
        return points
    offset = np.zeros(points.shape[-1])  # float64, one after the other: the browser's sum has the same bits
    for move, direction in steps:
        offset += move * direction.astype(np.float64)
    return points + offset.astype(np.float32)


def _move(name: str, move: float) -> float:
    if not math.isfinite(move):
        raise InputError(f"The attribute {name!r} must move by a finite number.")
    return min(max(float(move), -MAX_ATTRIBUTE_MOVE), MAX_ATTRIBUTE_MOVE)
