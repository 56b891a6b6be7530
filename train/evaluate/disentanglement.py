"""Do single units of a code stand for single factors of the pictures? Codes [N, D] and known factors int [N, F]."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import mutual_info_score

from train.progress_bar import with_bar


def binned(codes: np.ndarray, bins: int) -> np.ndarray:
    """Codes float [N, D] as the numbers of `bins` intervals of equal width in each column: int64 [N, D]."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    width = np.where(high > low, (high - low) / bins, 1)
    return np.minimum(((codes - low) / width).astype(np.int64), bins - 1)


def mutual_information_gap(codes: np.ndarray, factors: np.ndarray, bins: int = 20) -> tuple[float, np.ndarray]:
    """MIG (Chen et al. 2018, arXiv 1802.04942): (I_1 - I_2) / H, its mean over factors and that of each [F].

    I_1, I_2: mutual information of the factor with the two units that tell most about it; H: its entropy. In [0, 1]: 1
    when one unit alone knows the factor, 0 when two know it equally well or none does. I_2 is 0 for a single unit.
    """
    cut, gaps = binned(codes, bins), []
    for factor in with_bar(factors.T, "mutual information"):
        known = np.sort([0.0, *(mutual_info_score(factor, unit) for unit in cut.T)])
        gaps.append((known[-1] - known[-2]) / max(mutual_info_score(factor, factor), 1e-12))
    return float(np.mean(gaps)), np.array(gaps)


@dataclass(frozen=True)
class Dci:
    """`disentanglement`: how far each unit stands for one factor; `completeness`: how far each factor sits in one unit;
    `informativeness`: share of unseen pictures whose factor is read right, beyond guessing. All in [0, 1]."""

    disentanglement: float
    completeness: float
    informativeness: float


def dci(codes: np.ndarray, factors: np.ndarray, seed: int = 0) -> Dci:
    """Eastwood & Williams 2018 (openreview By-7dz-AZ), with a random forest for each factor, trained on half the rows.

    The importance R[d, f] of unit d to factor f gives disentanglement 1 - H(R[d] over factors) of each unit, weighted
    by its share of all importance, and completeness 1 - H(R[:, f] over units) of each factor.
    """
    half = len(codes) // 2
    importance, right = [], []
    for factor in with_bar(factors.T, "forests"):
        forest = RandomForestClassifier(20, max_depth=12, max_features=None, random_state=seed)
        forest.fit(codes[:half], factor[:half])
        importance.append(forest.feature_importances_)
        seen, guess = forest.score(codes[half:], factor[half:]), np.bincount(factor[half:]).max() / (len(factor) - half)
        right.append(max(seen - guess, 0) / max(1 - guess, 1e-12))
    matrix = np.stack(importance, axis=1)
    share = matrix.sum(axis=1) / matrix.sum()
    return Dci(
        disentanglement=float(share @ (1 - entropy(matrix, axis=1))),
        completeness=float(np.mean(1 - entropy(matrix, axis=0))),
        informativeness=float(np.mean(right)),
    )


def entropy(weights: np.ndarray, axis: int) -> np.ndarray:
    """Entropy of weights along an axis, over the logarithm of its length: 0 = one holds all, 1 = all are even. Rows
    without any weight count as even."""
    count = weights.shape[axis]
    total = weights.sum(axis=axis, keepdims=True)
    share = np.divide(weights, total, out=np.full_like(weights, 1 / count), where=total > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return -(share * logs).sum(axis=axis) / np.log(max(count, 2))
