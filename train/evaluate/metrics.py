"""Figures of quality: features in, numbers out. Features are float [N, F], z-scored by `Scale` first.

Distances are computed in float64, a block of rows at a time: 50 000 pictures need no 50 000 x 50 000 table.
Pictures are uint8, or float in [0, 1], [N, C, H, W].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

BLOCK = 1000
SUBSETS = 100  # of the kernel distance


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each feature on the reference set."""

    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def of(features: np.ndarray) -> "Scale":
        features = features.astype(np.float64)
        return Scale(features.mean(axis=0), features.std(axis=0) + 1e-12)

    @staticmethod
    def none(dimensions: int) -> "Scale":
        """Leaves features as they are."""
        return Scale(np.zeros(dimensions), np.ones(dimensions))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return (features.astype(np.float64) - self.mean) / self.std


# ------------------------------------------------------------------------------- distances of two sets


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) of two sets of features (Heusel et al. 2017, arXiv 1706.08500).

    tr (S_a S_b)^1/2 is the trace of the root of the symmetric S_a^1/2 S_b S_a^1/2, which has the same eigenvalues.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    covariance_a, covariance_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    roots = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(shift + np.trace(covariance_a) + np.trace(covariance_b) - 2 * roots)


def kernel_distance(a: np.ndarray, b: np.ndarray, subsets: int = SUBSETS, size: int = 1000, seed: int = 0,
                    ) -> tuple[float, float]:  # fmt: skip
    """Unbiased squared MMD under the kernel (x.y / F + 1)^3: mean and deviation over random subsets of the two sets
    (KID, Binkowski et al. 2018, arXiv 1801.01401). Equal distributions give 0 on average, and half of the time less.
    """
    rng, size = np.random.default_rng(seed), min(size, len(a), len(b))
    first, second = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    found = []
    for _ in range(subsets):
        x, y = (rows[rng.choice(len(rows), size, replace=False)] for rows in (first, second))
        own = sum(kernel_sum(z, z) - float(cubic(z.square().sum(dim=1), z.shape[1]).sum()) for z in (x, y))
        found.append(own / (size * (size - 1)) - 2 * kernel_sum(x, y) / size**2)
    return float(np.mean(found)), float(np.std(found))


def cubic(product: Tensor, dimensions: int) -> Tensor:
    """(x.y / F + 1)^3 of inner products."""
    base = product / dimensions + 1
    return base * base * base


def kernel_sum(x: Tensor, y: Tensor, block: int = 250) -> float:
    """Sum of the kernel over all pairs of rows, in blocks that fit the processor's cache: five times as fast as
    torchmetrics' poly_mmd, which tests hold it against."""
    return sum(float(cubic(rows @ y.T, x.shape[1]).sum()) for rows in x.split(block))


def distance_rows(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances of rows of `a` to all of `b`, a block at a time: (which rows, float64 [rows, len(b)])."""
    first, second = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    for start in range(0, len(first), BLOCK):
        yield slice(start, start + BLOCK), torch.cdist(first[start : start + BLOCK], second)


def radii(features: np.ndarray, k: int) -> Tensor:
    """Distance of each row to its k-th nearest neighbour among the others, [N]."""
    return torch.cat([rows.topk(k + 1, largest=False).values[:, -1] for _, rows in distance_rows(features, features)])


@dataclass(frozen=True)
class Manifold:
    """precision: share of fakes inside the reals' manifold; recall: share of reals inside the fakes'; density: how
    many reals' neighbourhoods hold a fake, over k; coverage: share of reals with a fake in their neighbourhood."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: np.ndarray, fake: np.ndarray, k: int = 3, real_radii: Tensor | None = None) -> Manifold:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991), density and coverage (Naeem et al.
    2020, arXiv 2002.09797), as the package prdc computes them, without its three N x N tables.

    `real_radii`: `radii(real, k)`, where they are known already.
    """
    of_real = radii(real, k) if real_radii is None else real_radii
    of_fake = radii(fake, k)
    holds = torch.zeros(len(fake), dtype=torch.int64)
    recalled = covered = 0
    for rows, distance in distance_rows(real, fake):
        inside = distance < of_real[rows, None]
        holds += inside.sum(dim=0)
        covered += int(inside.any(dim=1).sum())
        recalled += int((distance < of_fake).any(dim=1).sum())
    return Manifold(
        precision=float((holds > 0).double().mean()),
        recall=recalled / len(real),
        density=float(holds.double().mean()) / k,
        coverage=covered / len(real),
    )


# --------------------------------------------------------------------------------------------- classes


def histogram_kl(labels: np.ndarray, reference: np.ndarray, classes: int) -> float:
    """KL(classes of `labels` || classes of `reference`), nats. A class that the reference lacks counts as half a
    picture there, so that the figure stays finite."""
    p, q = (np.bincount(x, minlength=classes).astype(np.float64) for x in (labels, reference))
    q = np.maximum(q, 0.5)
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


# -------------------------------------------------------------------------------------------- pictures


def unit(images: np.ndarray) -> Tensor:
    """uint8, or float in [0, 1] -> float32 in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


def pairs(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """The same rows of two sets of pictures, as float32 in [0, 1], a block at a time."""
    for start in range(0, len(a), BLOCK):
        yield unit(a[start : start + BLOCK]), unit(b[start : start + BLOCK])


def mse(a: np.ndarray, b: np.ndarray) -> float:
    """Mean squared error over all pixels of all pictures."""
    return sum(float((x.double() - y).square().sum()) for x, y in pairs(a, b)) / a.size


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """10 log10(1 / MSE) over all pictures together, dB."""
    return float(-10 * np.log10(mse(a, b)))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity, 11 x 11 Gaussian window of sigma 1.5 (Wang et al. 2004), data range 1."""
    found = [structural_similarity_index_measure(x, y, data_range=1.0).item() * len(x) for x, y in pairs(a, b)]
    return sum(found) / len(a)


def sharpness(images: np.ndarray) -> float:
    """Variance of the Laplacian (4 neighbours) within a picture, averaged over pictures and channels (Pech-Pacheco
    et al. 2000): blurring lowers it. Meant as a ratio of two sets of the same pictures."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    total = 0.0
    for start in range(0, len(images), BLOCK):
        edges = F.conv2d(unit(images[start : start + BLOCK]).flatten(0, 1)[:, None], kernel)
        total += float(edges.var(dim=(1, 2, 3), unbiased=False).double().sum())
    return total / (images.shape[0] * images.shape[1])
