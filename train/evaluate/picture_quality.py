"""How far pictures are from those that they should be, and how sharp they are.

Figures of whole sets of pictures: uint8, or float in [0, 1], [N, C, H, W].
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from bundle import images
from train.evaluate.batches import as_unit

BLOCK = 1000


def mse(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean squared error, in units of [0, 1], over all pixels of all pictures; `where` bool [N, 1, H, W]: over those
    pixels only."""
    total = weight = 0.0
    for rows in blocks(a):
        mask = None if where is None else where[rows]
        errors = images.mse(as_unit(a[rows]), as_unit(b[rows]), mask)
        shares = np.ones(len(errors)) if mask is None else mask.mean(axis=(1, 2, 3))  # of pixels that count
        total, weight = total + float(errors @ shares), weight + float(shares.sum())
    return total / weight


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """10 log10(1 / MSE) over all pictures together, dB; infinite for equal ones."""
    error = mse(a, b)
    return -10 * math.log10(error) if error else math.inf


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity over all pictures, at most 1: see bundle.images.ssim, whose window they must hold."""
    total = 0.0
    for rows in blocks(a):
        found = images.ssim(as_unit(a[rows]), as_unit(b[rows]))
        assert found is not None
        total += found * len(a[rows])
    return total / len(a)


def sharpness(pictures: np.ndarray) -> float:
    """Variance of the Laplacian (4 neighbours) within a picture, averaged over pictures and channels (Pech-Pacheco
    et al. 2000): blurring lowers it. Meant as a ratio of two sets of the same pictures."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    total = 0.0
    for rows in blocks(pictures):
        single = torch.from_numpy(np.ascontiguousarray(as_unit(pictures[rows]))).float().flatten(0, 1)
        edges = F.conv2d(single[:, None], kernel)
        total += float(edges.var(dim=(1, 2, 3), unbiased=False).double().sum())
    return total / (pictures.shape[0] * pictures.shape[1])


def blocks(rows: np.ndarray) -> Iterator[slice]:
    """All rows, BLOCK at a time."""
    return (slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK))
