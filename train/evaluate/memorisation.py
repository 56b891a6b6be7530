"""Does a model copy its training pictures? Nearest training picture against nearest held-out picture.

The samples of a model that learned instead of copying lie as near to the training pictures as held-out pictures do. So
every figure stands beside that of the held-out pictures, each of which is compared with the other held-out ones.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from train.progress_bar import with_bar

BLOCK = 500
MOST_PIXELS = 1024  # numbers to which a picture is averaged down before pixels are compared


@dataclass(frozen=True)
class Nearest:
    """For each query the nearest row of a set: its index int64 [N] and its Euclidean distance float64 [N]."""

    index: np.ndarray
    distance: np.ndarray


def nearest(queries: np.ndarray, rows: np.ndarray, leave_out_self: bool = False) -> Nearest:
    """The nearest of `rows` [M, F] to each of `queries` [N, F]. `leave_out_self`: query i is row i, and not its own
    neighbour.

    Found by products of float32, then measured again in float64, so that an exact copy has distance 0.
    """
    first, second = (torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)) for x in (queries, rows))
    length = second.square().sum(dim=1)
    found = []
    for start in with_bar(range(0, len(first), BLOCK), "nearest pictures"):
        order = length - 2 * first[start : start + BLOCK] @ second.T
        if leave_out_self:
            own = torch.arange(len(order))
            order[own, own + start] = torch.inf
        found.append(order.argmin(dim=1))
    index = torch.cat(found).numpy()
    distance = [
        np.linalg.norm(queries[i : i + BLOCK].astype(np.float64) - rows[index[i : i + BLOCK]], axis=1)
        for i in range(0, len(queries), BLOCK)
    ]
    return Nearest(index, np.concatenate(distance))


@dataclass(frozen=True)
class Memorisation:
    """What `References.compare` finds; `…_floor`: the same of held-out pictures.

    `ratio`: median over samples of the distance to the nearest training picture over that to the nearest held-out one.
    `copies`: share of samples whose ratio is lower than that of 99 % of the held-out pictures (floor 0.01). `nearer`:
    chance that a sample is nearer to the training pictures than a held-out picture is (floor 0.5), the rank statistic
    of Meehan et al. 2020, arXiv 2004.05675; unlike the ratio, it also rises where a model draws only typical pictures.
    `train`, `held_out`: the nearest pictures of each sample.
    """

    ratio: float
    ratio_floor: float
    copies: float
    copies_floor: float
    nearer: float
    train: Nearest
    held_out: Nearest

    def closest(self, count: int = 16) -> np.ndarray:
        """The samples most like a single training picture, int64 [count]: those of the lowest ratio, lowest first. By
        distance alone, all of them would be of the plainest kind."""
        return np.argsort(ratios(self.train, self.held_out), kind="stable")[:count]


class References:
    """Training pictures [M, F] and held-out pictures [H, F], as rows of features or pixels, with which samples are
    compared. What the floors need is computed once."""

    def __init__(self, train: np.ndarray, held_out: np.ndarray):
        self.train, self.held_out = train, held_out
        self.floor_train = nearest(held_out, train)
        self.floor = ratios(self.floor_train, nearest(held_out, held_out, leave_out_self=True))

    def compare(self, samples: np.ndarray) -> Memorisation:
        """How near samples [N, F] are to both sets."""
        to_train, to_held_out = nearest(samples, self.train), nearest(samples, self.held_out)
        ratio, edge = ratios(to_train, to_held_out), np.quantile(self.floor, 0.01)
        return Memorisation(
            ratio=float(np.median(ratio)),
            ratio_floor=float(np.median(self.floor)),
            copies=float((ratio < edge).mean()),
            copies_floor=float((self.floor < edge).mean()),
            nearer=chance_of_less(to_train.distance, self.floor_train.distance),
            train=to_train,
            held_out=to_held_out,
        )


def ratios(a: Nearest, b: Nearest) -> np.ndarray:
    """Distances a / b, float64 [N]; two copies at distance 0 count as equally near."""
    least = 1e-9
    return (a.distance + least) / (b.distance + least)


def chance_of_less(a: np.ndarray, b: np.ndarray) -> float:
    """P(a < b) + P(a = b) / 2 of independent draws from a [N] and b [M], which is the U of Mann and Whitney over NM."""
    ordered = np.sort(b)
    above = len(b) - np.searchsorted(ordered, a, side="right")
    equal = np.searchsorted(ordered, a, side="right") - np.searchsorted(ordered, a, side="left")
    return float((above + equal / 2).mean() / len(b))


def pixel_rows(images: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, C, H, W] as rows float32 [N, F] in [0, 1], averaged down to at most 1024 numbers."""
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    _, channels, height, width = tensor.shape
    most = MOST_PIXELS // channels
    # In the proportions of the pictures.
    down, across = (max(min(math.isqrt(most * a // b), a), 1) for a, b in ((height, width), (width, height)))
    parts = [
        torch.nn.functional.adaptive_avg_pool2d(x.float() / 255, (down, across)).flatten(1) for x in tensor.split(BLOCK)
    ]
    return torch.cat(parts).numpy()
