"""Precision, recall, density and coverage of one set of features against another.

Distances are computed in float64, a block of rows at a time: 50 000 pictures need no 50 000 x 50 000 table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BLOCK = 1000


@dataclass(frozen=True)
class PrecisionRecall:
    """precision: share of samples inside the manifold of the real ones; recall: share of real ones inside that of the
    samples; density: how many real neighbourhoods hold a sample, over k; coverage: share of real ones with a sample in
    their neighbourhood. All but density lie in [0, 1]."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(
    real: np.ndarray, samples: np.ndarray, k: int = 3, real_radii: Tensor | None = None
) -> PrecisionRecall:
    """Of features real [N, F] and samples [M, F], whose manifolds are balls that reach to the k-th neighbour.

    Precision and recall: Kynkäänniemi et al. 2019, arXiv 1904.06991. Density and coverage: Naeem et al. 2020, arXiv
    2002.09797. As the package prdc computes them, without its three N x N tables. `real_radii`: `radii(real, k)`,
    where they are known already.
    """
    of_real = radii(real, k) if real_radii is None else real_radii
    of_samples = radii(samples, k)
    holds = torch.zeros(len(samples), dtype=torch.int64)
    recalled = covered = 0
    for rows, distance in distance_rows(real, samples):
        inside = distance < of_real[rows, None]
        holds += inside.sum(dim=0)
        covered += int(inside.any(dim=1).sum())
        recalled += int((distance < of_samples).any(dim=1).sum())
    return PrecisionRecall(
        precision=float((holds > 0).double().mean()),
        recall=recalled / len(real),
        density=float(holds.double().mean()) / k,
        coverage=covered / len(real),
    )


def radii(features: np.ndarray, k: int) -> Tensor:
    """Distance of each row to its k-th nearest neighbour among the others: float64 [N]."""
    return torch.cat([rows.topk(k + 1, largest=False).values[:, -1] for _, rows in distance_rows(features, features)])


def distance_rows(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances of rows of `a` to all of `b`, a block at a time: (which rows, float64 [rows, len(b)])."""
    first, second = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    for start in range(0, len(first), BLOCK):
        yield slice(start, start + BLOCK), torch.cdist(first[start : start + BLOCK], second)
