"""How varied a set of pictures is, cheap enough to be asked while training: what the alarm listens to."""

import numpy as np
import torch
from torch import Tensor


def mean_pairwise_distance(features: np.ndarray | Tensor) -> float:
    """Mean Euclidean distance of all pairs of rows [N, F]: nearly 0 when a generator draws one picture only.

    Quadratic in N: meant for some 256 rows, to be held against the same figure of real pictures.
    """
    if len(features) < 2:
        return 0.0
    return float(torch.pdist(torch.as_tensor(features).detach().float()).mean())


def class_entropy(labels: np.ndarray | Tensor, classes: int) -> float:
    """exp(entropy) of the labels int [N] over the number of classes: 1 when all are equally frequent, 1 / classes
    when only one is there. A set of K equally frequent classes out of `classes` gives K / classes."""
    counts = torch.bincount(torch.as_tensor(labels).detach().long().cpu(), minlength=classes).double()
    return float(torch.special.entr(counts / counts.sum()).sum().exp() / classes)
