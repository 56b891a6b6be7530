"""How far the outputs of a graph are from those that they should be: in grey levels, shares or decibels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle import images

Unit = Literal["grey levels", "share"]
# Outputs with values of a known size, whose errors are absolute; of the others they are shares of max(1, |value|).
ABSOLUTE = frozenset({"image", "logvar"})


def absolute(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """|got - wanted|, float64."""
    return np.abs(got.astype(np.float64) - wanted)


def shares(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """|got - wanted| as shares of max(1, |wanted|), float64."""
    return absolute(got, wanted) / np.maximum(1, np.abs(wanted))


def grey_levels(got: np.ndarray, wanted: np.ndarray, whole: bool = False) -> np.ndarray:
    """How far apart two images in [0, 1] are, value by value, in grey levels (255 to the whole range), float64.

    `whole`: after rounding to bytes, as files and screens show them."""
    if whole:
        return np.abs(np.rint(got * np.float64(255)) - np.rint(wanted * np.float64(255)))
    return 255 * absolute(got, wanted)


def worst_psnr(got: np.ndarray, wanted: np.ndarray) -> float:
    """The lowest peak signal-to-noise ratio, in dB, of any of these images [N, C, H, W]; infinite for equal ones."""
    return min(images.psnr(one[None], other[None]) for one, other in zip(got, wanted, strict=True))


def largest_error(output: str, got: np.ndarray, wanted: np.ndarray) -> float:
    """The largest error of one named output: absolute if it is among ABSOLUTE, else a share."""
    return float((absolute if output in ABSOLUTE else shares)(got, wanted).max())


def fault(got: np.ndarray, shape: tuple[int, ...]) -> str:
    """What is wrong with an output, which must be float32, finite and of this shape: the end of a sentence that begins
    with its name; empty when nothing is wrong."""
    if got.shape != shape or got.dtype != np.float32:
        return f"is {got.dtype} {got.shape} instead of float32 {shape}"
    return "" if np.isfinite(got).all() else "holds values that are not finite numbers"


@dataclass(frozen=True)
class Difference:
    """The largest and the mean difference of a graph's outputs: in grey levels for a graph that draws pictures, else in
    shares of max(1, |value|)."""

    unit: Unit
    largest: float
    mean: float


def is_picture(outputs: Sequence[np.ndarray]) -> bool:
    """Whether a graph with these outputs draws pictures [N, C, H, W] and nothing else."""
    return len(outputs) == 1 and outputs[0].ndim == 4


def difference(got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], whole: bool = False) -> Difference:
    """The difference between two sets of a graph's outputs for the same rows; `whole`: see `grey_levels`."""
    unit, errors = per_value(got, wanted, whole)
    return Difference(
        unit, max(float(e.max()) for e in errors), sum(float(e.sum()) for e in errors) / sum(e.size for e in errors)
    )


def per_value(
    got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], whole: bool = False
) -> tuple[Unit, list[np.ndarray]]:
    """The unit, and for each output the differences of its values; `whole`: see `grey_levels`."""
    if is_picture(wanted):
        return "grey levels", [grey_levels(got[0], wanted[0], whole)]
    return "share", [shares(one, other) for one, other in zip(got, wanted, strict=True)]
