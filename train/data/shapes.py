"""A set of drawn pictures whose factors are known, for checking what a latent space found: flat shapes on paper.

Like dSprites (Matthey et al. 2017), in colour. Every combination of factors is one picture, and a fixed shuffle gives
each its number, so that none comes twice. Angles stay within a quarter turn, so that even the square shows its own.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from train.models.layers import Sides

SIDES = (64, 64)
PAPER = (247, 243, 235)
# Factor -> its values. Colours are named here and mixed below; lengths are shares of the side, angles degrees.
FACTORS: dict[str, tuple] = {
    "shape": ("square", "ellipse", "triangle", "heart"),
    "size": (0.20, 0.23, 0.26, 0.29, 0.32, 0.35),
    "angle": tuple(range(-40, 41, 10)),
    "x": tuple(np.linspace(0.33, 0.67, 16).round(4).tolist()),
    "y": tuple(np.linspace(0.33, 0.67, 16).round(4).tolist()),
    "colour": ("red", "orange", "yellow", "green", "teal", "blue", "violet", "pink"),
}
INKS = np.array(
    [(214, 64, 69), (238, 134, 52), (240, 190, 63), (94, 165, 84), (42, 157, 153), (55, 107, 190), (122, 84, 168),
     (233, 130, 165)]
)  # fmt: skip
COUNTS = tuple(len(values) for values in FACTORS.values())
TRAIN, TEST = np.arange(20_000), np.arange(20_000, 22_000)


@lru_cache(maxsize=2)
def order(seed: int) -> np.ndarray:
    """All combinations of factors, shuffled: int64 [442368]."""
    return np.random.default_rng(seed).permutation(int(np.prod(COUNTS)))


def factors(indices: np.ndarray | Sequence[int], seed: int = 0) -> np.ndarray:
    """The index of the value that each factor takes in pictures number `indices`: int64 [N, 6], columns as in FACTORS.

    Raises IndexError beyond the last combination.
    """
    chosen = order(seed)[np.asarray(indices, dtype=np.int64)]
    return np.stack(np.unravel_index(chosen, COUNTS), axis=1).astype(np.int64)


def cells(values: np.ndarray) -> dict[str, list]:
    """The values, by factor, of pictures with factors int64 [N, 6]: what --attributes can ask for."""
    return {name: [FACTORS[name][i] for i in column] for name, column in zip(FACTORS, values.T, strict=True)}


def draw(values: np.ndarray, sides: Sides = SIDES, channels: int = 3) -> np.ndarray:
    """Factors int64 [N, 6] -> pictures uint8 [N, C, H, W] of sides (H, W), with smooth edges; `channels` 1 draws them
    in grey. Lengths are shares of the shorter side, so that no shape is stretched."""
    height, width = sides
    shorter = min(sides)
    columns = dict(zip(FACTORS, np.asarray(values).T, strict=True))
    x, y, scale = (np.array(FACTORS[name], np.float32)[columns[name], None, None] for name in ("x", "y", "size"))
    angle = np.deg2rad(np.array(FACTORS["angle"], np.float32))[columns["angle"], None, None]
    across, along = ((np.arange(side, dtype=np.float32) + 0.5) / side for side in (width, height))
    right = (across[None, None, :] - x) * np.float32(width / shorter) / scale
    down = (along[None, :, None] - y) * np.float32(height / shorter) / scale
    u = np.cos(angle) * right + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * right
    distance = np.empty(u.shape, np.float32)
    for kind, outline in enumerate(OUTLINES):
        chosen = columns["shape"] == kind
        distance[chosen] = outline(u[chosen], v[chosen])
    covered = np.clip(0.5 - distance * scale * shorter, 0, 1)[:, None]  # share of each pixel under the shape
    ink = INKS[columns["colour"]].astype(np.float32)[:, :, None, None]
    sheet = np.array(PAPER, np.float32)[None, :, None, None]
    drawn = np.rint(sheet + covered * (ink - sheet)).astype(np.uint8)
    return in_grey(drawn) if channels == 1 else drawn


def in_grey(drawn: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, 3, H, W] -> [N, 1, H, W], as files in colour are brought to grey."""
    count, _, height, width = drawn.shape
    column = Image.fromarray(drawn.transpose(0, 2, 3, 1).reshape(count * height, width, 3)).convert("L")
    return np.array(column).reshape(count, 1, height, width)


def draw_many(values: np.ndarray, sides: Sides = SIDES, channels: int = 3, batch: int = 500) -> Tensor:
    """As `draw`, in batches, as one tensor uint8 [N, C, H, W]."""
    images = torch.empty(len(values), channels, *sides, dtype=torch.uint8)
    for start in range(0, len(values), batch):
        images[start : start + batch] = torch.from_numpy(draw(values[start : start + batch], sides, channels))
    return images


# Signed distances from the outline (negative inside) at points (u, v), v downwards; every shape has area 1.


def box(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square."""
    return np.maximum(np.abs(u), np.abs(v)) - 0.5


def ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Half axes 0.73 and 0.436; the distance is that of the first order, exact at the outline."""
    a, b = 0.73, 0.436
    value = np.hypot(u / a, v / b)
    slope = np.hypot(u / a**2, v / b**2) / np.maximum(value, 1e-6)
    return (value - 1) / np.maximum(slope, 1e-6)


def triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Equilateral, one corner up, the tips blunted."""
    radius = 0.4402  # of the circle within
    sides = np.maximum(v, np.sqrt(0.75) * np.abs(u) - 0.5 * v) - radius
    return np.maximum(sides, np.hypot(u, v) - 0.81)


def heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square on its corner with half discs on the two upper edges."""
    half = 0.3742
    v = v - 0.166  # its centre of mass is at the origin, as of the other shapes
    turned = np.maximum(np.abs(u + v), np.abs(u - v)) / np.sqrt(2) - half
    discs = np.hypot(np.abs(u) - half / np.sqrt(2), v + half / np.sqrt(2)) - half
    return np.minimum(turned, discs)


OUTLINES = (box, ellipse, triangle, heart)
