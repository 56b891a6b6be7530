"""The kernel distance (KID) of two sets of features."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ROWS, COLUMNS = 250, 1000  # of a block of kernel values, which fits the processor's cache


@dataclass(frozen=True)
class KernelDistance:
    """The distance, and its standard error: how far it varies when both sets are drawn anew."""

    value: float
    error: float


def kernel_distance(a: np.ndarray, b: np.ndarray) -> KernelDistance:
    """Unbiased squared MMD of features [N, F] and [M, F], at least three each, under the kernel (x.y / F + 1)^3
    (Binkowski et al. 2018, arXiv 1801.01401): the mean over all pairs of rows, which is also the mean over all subsets
    of any size, of which KID usually draws some. Equal distributions give 0 on average, and half of the time less.

    The standard error is the jackknife's over single rows of both sets, right for such means over pairs (Arvesen 1969,
    "Jackknifing U-statistics") and on average never too small (Efron & Stein 1981, "The jackknife estimate of
    variance"). The deviation over random subsets, divided by the root of their number, would be 4 to 6 times too small
    where subsets overlap.
    """
    x, y = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    n, m = len(x), len(y)
    within_x, within_y = (kernel_sums(z, z)[0] - cubic(z.square().sum(dim=1), z.shape[1]) for z in (x, y))
    across_x, across_y = kernel_sums(x, y)
    mean_x, mean_y, across = pair_mean(within_x), pair_mean(within_y), float(across_x.sum()) / (n * m)
    without_x = left_out_means(within_x) - 2 * (across_x.sum() - across_x) / ((n - 1) * m)
    without_y = left_out_means(within_y) - 2 * (across_y.sum() - across_y) / (n * (m - 1))
    variance = sum(float((len(z) - 1) * z.var(unbiased=False)) for z in (without_x, without_y))
    return KernelDistance(mean_x + mean_y - 2 * across, variance**0.5)


def pair_mean(sums: Tensor) -> float:
    """The mean over pairs of different rows, from the sum of each row over all others [N]."""
    return float(sums.sum()) / (len(sums) * (len(sums) - 1))


def left_out_means(sums: Tensor) -> Tensor:
    """`pair_mean` without each of the rows in turn, [N]."""
    count = len(sums)
    return (sums.sum() - 2 * sums) / ((count - 1) * (count - 2))


def cubic(product: Tensor, dimensions: int) -> Tensor:
    """(x.y / F + 1)^3 of inner products x.y."""
    base = product / dimensions + 1
    return base * base * base


def kernel_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of the kernel between each row of x [N, F] and all of y [M, F], [N], and the other way round, [M]."""
    of_x, of_y = torch.zeros(len(x), dtype=x.dtype), torch.zeros(len(y), dtype=y.dtype)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # blocks are so small that several threads only wait for each other
    try:
        for i in range(0, len(x), ROWS):
            for j in range(0, len(y), COLUMNS):
                values = cubic(x[i : i + ROWS] @ y[j : j + COLUMNS].T, x.shape[1])
                of_x[i : i + ROWS] += values.sum(dim=1)
                of_y[j : j + COLUMNS] += values.sum(dim=0)
    finally:
        torch.set_num_threads(threads)
    return of_x, of_y
