"""Where a critic looks: one window of the picture after another is hidden, and the drop of the score is mapped.

Occlusion sensitivity (Zeiler and Fergus 2014, arXiv 1311.2901): only forward passes, all in one batch. A window is
hidden by a blurred copy of the picture or by its mean colour, because a black patch would add edges of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle.errors import InputError

Cover = Literal["blur", "grey"]
COVERS: tuple[Cover, ...] = ("blur", "grey")
WINDOW_DIVISOR = 5  # a window's side is a fifth of the picture's shorter one
MIN_WINDOWS, MAX_WINDOWS = 4, 225
MAX_VALUES = 2**25  # float32 values of one batch: 128 MiB
FOR, AGAINST = (255, 112, 0), (32, 100, 255)  # colours: what raises the score, what lowers it


@dataclass(frozen=True)
class Windows:
    """Square windows of `side` pixels, at every pair of `tops` and `lefts`: in rows from top to bottom."""

    tops: np.ndarray
    lefts: np.ndarray
    side: int

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)

    @property
    def parts(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the pixels in each window."""
        return [
            (slice(top, top + self.side), slice(left, left + self.side)) for top in self.tops for left in self.lefts
        ]


@dataclass(frozen=True)
class OcclusionMap:
    """`score`: of the whole picture. `drops` [N]: by how much it drops when a window is hidden. `drop_map` [H, W]: the
    mean drop over the windows that cover a pixel. In units of the critic's score; negative where it rises."""

    score: float
    drops: np.ndarray
    drop_map: np.ndarray
    windows: Windows


def window_grid(height: int, width: int, channels: int, max_batch: int) -> Windows:
    """Evenly spaced windows over a picture, as many as fit into one batch beside the whole picture. Raises InputError
    when those are too few."""
    most = min(MAX_WINDOWS, max_batch - 1, MAX_VALUES // (channels * height * width) - 1)
    if most < MIN_WINDOWS:
        raise InputError("This bundle takes too few pictures at once for a map of its critic.")
    shorter = min(height, width)
    side = min(shorter, max(2, round(shorter / WINDOW_DIVISOR)))

    def starts(length: int, other: int) -> np.ndarray:
        count = min(max(1, math.isqrt(most * length // other)), most, length - side + 1)
        return np.linspace(0, length - side, count).round().astype(np.int64)

    return Windows(starts(height, width), starts(width, height), side)


def blurred(image: np.ndarray, width: int) -> np.ndarray:
    """The image [N, C, H, W] blurred by a box of 2 (width // 2) + 1 pixels; edge pixels are repeated outside."""
    reach = width // 2
    for axis in (2, 3):
        pads = [(0, 0)] * 4
        pads[axis] = (reach, reach)
        view = np.lib.stride_tricks.sliding_window_view(np.pad(image, pads, mode="edge"), 2 * reach + 1, axis=axis)
        image = view.mean(axis=-1, dtype=np.float64).astype(np.float32)
    return image


def covered(image: np.ndarray, windows: Windows, cover: Cover) -> np.ndarray:
    """An image [1, C, H, W] with each window hidden: float32 [N, C, H, W]."""
    if cover == "blur":
        below = blurred(image, windows.side)
    else:
        below = np.broadcast_to(image.mean(axis=(2, 3), keepdims=True), image.shape)
    hidden = np.repeat(image, len(windows), axis=0)
    for one, (rows, columns) in zip(hidden, windows.parts, strict=True):
        one[:, rows, columns] = below[0, :, rows, columns]
    return hidden


def mean_drops(drops: np.ndarray, windows: Windows, shape: tuple[int, int]) -> np.ndarray:
    """Drops [N] → [H, W], `shape`: of each pixel, the mean over the windows that cover it; 0 where none does."""
    total, times = np.zeros(shape), np.zeros(shape)
    for drop, part in zip(drops, windows.parts, strict=True):
        total[part] += drop
        times[part] += 1
    return total / np.maximum(times, 1)


def occlusion_map(
    image: np.ndarray, critic: Callable[[np.ndarray], np.ndarray], max_batch: int, cover: Cover = "blur"
) -> OcclusionMap:
    """What a critic (images [N, C, H, W] → scores [N]) looks at in an image [1, C, H, W], in one call of it. Raises
    InputError for an unknown cover, and when the batch is too small."""
    if cover not in COVERS:
        raise InputError(f"The cover must be one of {', '.join(COVERS)}.")
    _, channels, height, width = image.shape
    windows = window_grid(height, width, channels, max_batch)
    scores = critic(np.concatenate([image, covered(image, windows, cover)])).astype(np.float64)
    drops = scores[0] - scores[1:]
    return OcclusionMap(float(scores[0]), drops, mean_drops(drops, windows, (height, width)), windows)


def regions(drop_map: np.ndarray) -> np.ndarray:
    """The mean drop [3, 3] in each ninth of a map [H, W], for people who cannot see it."""
    return np.array([[part.mean() for part in np.array_split(band, 3, axis=1)] for band in np.array_split(drop_map, 3)])


def overlay(drop_map: np.ndarray) -> np.ndarray:
    """A map [H, W] as an RGBA layer uint8 [H, W, 4] over the picture: the larger the drop, the more opaque."""
    peak = np.abs(drop_map).max()
    strength = np.abs(drop_map) / peak if peak > 0 else np.zeros_like(drop_map)
    colour = np.where((drop_map >= 0)[..., None], FOR, AGAINST)
    return np.concatenate([colour, np.rint(255 * strength)[..., None]], axis=-1).astype(np.uint8)
