"""Functions of arrays over many rows, a batch at a time, with a progress bar; and bytes to numbers and back."""

from collections.abc import Callable

import numpy as np

from bundle.images import as_bytes
from train.progress_bar import with_bar

BATCH = 250


def map_batches(title: str, function: Callable[..., np.ndarray], *rows: np.ndarray) -> np.ndarray:
    """`function` of arrays with N rows each, BATCH rows at a time; its results as one array."""
    starts = with_bar(range(0, len(rows[0]), BATCH), title)
    return np.concatenate([function(*(r[i : i + BATCH] for r in rows)) for i in starts])


def draw_batches(title: str, function: Callable[..., np.ndarray], *rows: np.ndarray) -> np.ndarray:
    """As `map_batches`, for a function that returns images; they become bytes, uint8 [N, C, H, W]."""
    return map_batches(title, lambda *values: as_bytes(function(*values)), *rows)


def to_unit(images: np.ndarray) -> np.ndarray:
    """Images uint8 -> float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def as_unit(images: np.ndarray) -> np.ndarray:
    """Images uint8 as float32 in [0, 1]; floats as they are."""
    return to_unit(images) if images.dtype == np.uint8 else images
