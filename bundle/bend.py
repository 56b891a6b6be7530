"""Bending: the style of one stage of the synthesis is scaled, shifted, rotated, or given noise, before it is drawn.

A graph cannot be changed while it draws, but each stage has a style of its own: coarse ones set the layout, fine ones
the details. Every door bends with this arithmetic; demo/static/device/bend.js repeats it in the browser.

A bend is a table of names and numbers, {"2.scale": 1.5, "5.noise": 0.3, "seed": 7}: the stage, counted from 1 as on the
page, and what is done to it. `seed` chooses the two styles that a shift and a rotation go towards, and the noise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle import latents
from bundle.errors import InputError
from bundle.schema import BundleIndex, Model

Bend = Mapping[str, float]
Knob = Literal["scale", "shift", "rotate", "noise"]


@dataclass(frozen=True)
class Range:
    """The least and the largest number of a knob, and the one that changes nothing."""

    low: float
    high: float
    neutral: float


KNOBS: dict[Knob, Range] = {
    "scale": Range(0.0, 4.0, 1.0),  # times the distance from the mean style
    "shift": Range(-4.0, 4.0, 0.0),  # times another picture's distance from it
    "rotate": Range(-180.0, 180.0, 0.0),  # degrees
    "noise": Range(0.0, 4.0, 0.0),  # times another picture's distance from it
}
SEED = "seed"
MAX_BEND_SEED = 9999
MAX_STAGES = 16  # whose noise differs: pictures of at most 1024 pixels have nine stages
MAX_BENDS = MAX_STAGES * len(KNOBS) + 1  # names in one bend
FIRST_STYLE = 3_000_000_000  # the seed whose style a shift goes towards, for bend seed 0; the next is the rotation's
FIRST_NOISE = 3_500_000_000  # the seed of the noise of the first stage


@dataclass(frozen=True)
class StageBend:
    """What is done to one stage, in this order: `scale`, `rotate` (degrees), then `shift` and `noise`."""

    scale: float = 1.0
    shift: float = 0.0
    rotate: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class CheckedBend:
    """What is done to each stage, by its number from 0; those that stay as they are have no entry."""

    stages: Mapping[int, StageBend]
    seed: int = 0

    @property
    def needs_styles(self) -> bool:
        """Whether `bent` needs the styles of `style_seeds`: everything but a scale does."""
        return any(one.shift or one.rotate or one.noise for one in self.stages.values())

    @property
    def style_seeds(self) -> tuple[int, int]:
        """The seeds of the pictures whose styles a shift and a rotation go towards."""
        first = FIRST_STYLE + 2 * self.seed
        return first, first + 1


def checked_bend(bend: Bend | None, info: BundleIndex, model: Model) -> CheckedBend:
    """The bend with its numbers clipped to their ranges. Raises InputError for a model without styles, for a name or a
    stage that does not exist, and for a number that is not finite."""
    if not bend:
        return CheckedBend({})
    if model != "gan" or info.gan is None or not info.gan.stages:
        raise InputError(f"The {model.upper()} of bundle '{info.name}' has no styles, so it cannot be bent.")
    found: dict[int, dict[str, float]] = {}
    seed = 0
    for name, value in bend.items():
        if name == SEED:
            seed = round(min(max(_finite(name, value), 0), MAX_BEND_SEED))
            continue
        stage, knob = split_name(name, info.gan.stages)
        found.setdefault(stage, {})[knob] = min(max(_finite(name, value), KNOBS[knob].low), KNOBS[knob].high)
    stages = {stage: StageBend(**found[stage]) for stage in sorted(found)}
    return CheckedBend({stage: one for stage, one in stages.items() if one != StageBend()}, seed)


def split_name(name: str, stages: int) -> tuple[int, Knob]:
    """(stage from 0, knob) of a name such as "2.scale". Raises InputError."""
    number, _, word = str(name).partition(".")
    for knob in KNOBS:
        if knob == word and number in map(str, range(1, stages + 1)):
            return int(number) - 1, knob
    raise InputError(
        f"There is nothing to bend called '{str(name)[:40]}': write a stage from 1 to {stages} and one of "
        f"{', '.join(KNOBS)}, such as 1.scale."
    )


def bent(w: np.ndarray, centre: np.ndarray, towards: np.ndarray | None, bend: CheckedBend) -> np.ndarray:
    """Styles w float32 [N, L, D] with stages bent around centre [N, D], the mean style. `towards` [2, N, L, D]: the
    styles of the bend's `style_seeds`, for the same classes. A bend that does nothing: the very same array."""
    if not bend.stages:
        return w
    middle = centre.astype(np.float64)
    result = w.copy()
    for stage, knobs in bend.stages.items():
        if towards is not None:
            shift, turn = towards[:, :, stage].astype(np.float64) - middle
        apart = knobs.scale * (w[:, stage].astype(np.float64) - middle)
        if knobs.rotate:
            apart = rotated(apart, turn, math.radians(knobs.rotate))
        if knobs.shift:
            apart = apart + knobs.shift * shift
        if knobs.noise:
            length = np.linalg.norm(shift, axis=1, keepdims=True)
            apart = apart + knobs.noise * length * noise(bend.seed, stage, w.shape[2])
        result[:, stage] = (middle + apart).astype(np.float32)
    return result


def rotated(vectors: np.ndarray, towards: np.ndarray, angle: float) -> np.ndarray:
    """Vectors [N, D], each turned by an angle in radians in the plane that it spans with its row of `towards` [N, D];
    its norm stays. One that has no direction, or the same as its row, comes back as it was."""
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(norm, 1e-12)
    across = towards - (towards * unit).sum(axis=1, keepdims=True) * unit
    length = np.linalg.norm(across, axis=1, keepdims=True)
    turned = np.cos(angle) * vectors + np.sin(angle) * norm * across / np.maximum(length, 1e-12)
    flat = (norm < 1e-9) | (length < 1e-9 * np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9))
    return np.where(flat, vectors, turned)


def noise(seed: int, stage: int, dim: int) -> np.ndarray:
    """The noise [dim] of a stage, of norm 1 on average; the same each time."""
    return latents.seed_latent(FIRST_NOISE + MAX_STAGES * seed + stage, dim).astype(np.float64) / math.sqrt(dim)


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise InputError(f"The bend '{name}' must be a finite number.")
    return float(value)
