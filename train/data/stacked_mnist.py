"""Stacked MNIST: three random digits as red, green and blue make 1000 modes; how many of them does a model draw?

Metz et al. 2016 (arXiv 1611.02163), in the protocol of PacGAN (Lin et al. 2018, arXiv 1712.04086): 128 000 training
pictures, 26 000 samples, a digit classifier reads each channel, the mode is 100 a + 10 b + c.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TRAIN_IMAGES, TEST_IMAGES, SAMPLES = 128_000, 26_000, 26_000
DIGITS = 10
MODES = DIGITS**3
GATE = 0.9  # see `count`


def picks(available: int, count: int, seed: int) -> Tensor:
    """Which of the `available` digits make each picture: int64 [count, 3], the same for the same seed."""
    return torch.randint(available, (count, 3), generator=torch.Generator().manual_seed(seed))


def stack(digits: Tensor, count: int, seed: int) -> Tensor:
    """Grey digits uint8 [N, 1, H, W] -> pictures uint8 [count, 3, H, W]."""
    return digits[:, 0][picks(len(digits), count, seed)]


@dataclass(frozen=True)
class ModeCount:
    """How many modes samples cover."""

    modes: int
    """Modes, of 1000, with at least one sample."""
    divergence: float | None
    """KL(samples || uniform) in nats; None when no sample counts. A perfect sampler has about 0.019 at 26 000."""
    share: float
    """Share of the samples that count."""


def modes(probabilities: np.ndarray | Tensor) -> np.ndarray:
    """The chance of each digit in each channel, [N, 3, 10] -> the mode of each sample, int64 [N], 0 to 999."""
    digits = np.asarray(probabilities).argmax(axis=2).astype(np.int64)
    return digits @ np.array([100, 10, 1], dtype=np.int64)


def count(probabilities: np.ndarray | Tensor, gate: float = 0.0) -> ModeCount:
    """Modes covered by samples, from a classifier's chance of each digit in each channel, [N, 3, 10].

    `gate` 0 is the published measure: every sample counts. With a gate, a sample counts only if all three channels are
    read with a larger probability: blurred noise covers 915 modes without a gate, and none with GATE.
    """
    values = np.asarray(probabilities)
    clear = (values.max(axis=2) > gate).all(axis=1)
    found = np.bincount(modes(values[clear]), minlength=MODES)
    total = int(found.sum())
    if not total:
        return ModeCount(0, None, 0.0)
    q = found[found > 0] / total
    return ModeCount(len(q), float((q * np.log(MODES * q)).sum()), total / len(values))


def floor(samples: int = SAMPLES) -> float:
    """The divergence expected of a perfect sampler, in nats: (modes - 1) / (2 samples), to the first order."""
    return (MODES - 1) / (2 * samples)
