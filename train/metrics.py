"""Figures of quality: features in, numbers out. Features are float [N, F], z-scored by `Scale` first."""

from dataclasses import dataclass

import numpy as np
import torch
from prdc import compute_prdc
from torchmetrics.functional.image import structural_similarity_index_measure


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each feature on the reference set."""

    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def of(features: np.ndarray) -> "Scale":
        features = features.astype(np.float64)
        return Scale(features.mean(axis=0), features.std(axis=0) + 1e-12)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return (features.astype(np.float64) - self.mean) / self.std


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) of two sets of features (Heusel et al. 2017, arXiv 1706.08500).

    tr (S_a S_b)^1/2 is the sum of the roots of the product's eigenvalues, which are real and not negative.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(covariance_a @ covariance_b).astype(complex)).real.sum()
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(shift + np.trace(covariance_a) + np.trace(covariance_b) - 2 * roots)


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Shares of fakes inside the reals' manifold and of reals inside the fakes' (Kynkäänniemi et al. 2019)."""
    found = compute_prdc(real_features=real, fake_features=fake, nearest_k=k)
    return float(found["precision"]), float(found["recall"])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """10 log10(1 / MSE) over all pictures together, dB; pictures float [N, C, H, W] in [0, 1]."""
    return float(-10 * np.log10(np.square(a.astype(np.float64) - b).mean()))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity, 11 x 11 Gaussian window of sigma 1.5 (Wang et al. 2004), data range 1."""
    value = structural_similarity_index_measure(torch.from_numpy(a), torch.from_numpy(b), data_range=1.0)
    return float(value)
