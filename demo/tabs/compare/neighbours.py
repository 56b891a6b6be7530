"""The training pictures nearest to a picture, by Euclidean distance between codes, and how near is remarkable.

The floor is what pictures that were never trained on reach: the distance of each held-out picture to its own nearest
training picture. A generated picture nearer than nearly all of them hints at a copy; one as near as they are does not.
"""

from dataclasses import dataclass

import numpy as np

from bundle.errors import InputError

CHUNK = 2**24  # distances at once: 128 MiB
REMARKABLE = 0.95  # nearer than this share of the held-out pictures


@dataclass(frozen=True)
class Standing:
    """`nearer`: the share of held-out pictures that lie farther from training than this picture; their distances at
    5, 50 and 95 %; `remarkable`: whether it is nearer than 95 % of them."""

    nearer: float
    low: float
    median: float
    high: float
    remarkable: bool


def distances(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Euclidean distances [M, N] of codes [M, D] and [N, D], in float64."""
    a, b = codes.astype(np.float64), known.astype(np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not len(b):
        raise InputError(f"Codes {a.shape} and {b.shape} cannot be held against each other.")
    squared = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    return np.sqrt(np.maximum(squared, 0))


def nearest(code: np.ndarray, known: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` nearest of known codes [N, D] to a code [D], nearest first: their indices and distances [count]."""
    # Differences one by one: the product form of `distances` loses digits where pictures are nearly equal.
    apart = np.sqrt(np.square(known.astype(np.float64) - code.astype(np.float64)).sum(axis=1))
    order = np.argsort(apart, kind="stable")[: max(1, count)]
    return order, apart[order]


def floor(held_out: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The distance [M] of each held-out code [M, D] to its nearest known one [N, D]."""
    rows = max(1, CHUNK // max(1, len(known)))
    return np.concatenate([distances(held_out[i : i + rows], known).min(1) for i in range(0, len(held_out), rows)])


def standing(distance: float, held_out: np.ndarray) -> Standing:
    """Where a distance stands among those of the held-out pictures [M]."""
    if not len(held_out):
        raise InputError("There are no held-out pictures to compare with.")
    nearer = float((held_out > distance).mean())
    low, median, high = (float(value) for value in np.quantile(held_out, (0.05, 0.5, 0.95)))
    return Standing(nearer, low, median, high, nearer >= REMARKABLE)
