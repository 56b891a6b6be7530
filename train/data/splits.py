"""Which pictures: those held out, a random subset, and the order in which training sees the rest.

All are pure functions of their arguments, so that a run can be resumed bit for bit and measured twice alike.
"""

from functools import lru_cache

import torch
from torch import Tensor

from train.data.dataset import Pictures

HELD_OUT_ONE_IN = 10  # one picture in ten
LEAST_PER_CLASS = 2  # training pictures that a class needs, and keeps when others are held out


def hold_out_rows(labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """(training rows, held-out rows) of pictures with these labels, int64 [N] each: a random tenth is held out, the
    same one each time.

    Where chance would leave a class fewer than LEAST_PER_CLASS training pictures, a tenth of each class is held out
    instead.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    held_out = max(len(order) // HELD_OUT_ONE_IN, 1)
    if classes and int(torch.bincount(labels[order[held_out:]], minlength=classes).min()) < LEAST_PER_CLASS:
        chosen = stratified(labels[order], held_out, classes)
        return order[~chosen], order[chosen]
    return order[held_out:], order[:held_out]


def stratified(labels: Tensor, count: int, classes: int, least: int = LEAST_PER_CLASS) -> Tensor:
    """Which rows to hold out, bool [N], so that each of the `classes` loses a like share and keeps `least`: `count` of
    them, or fewer where too many classes are small."""
    sizes = torch.bincount(labels, minlength=classes)
    spare = (sizes - least).clamp_min(0)
    wanted = sizes * (count / max(len(labels), 1))
    quota = torch.minimum(wanted.floor().long(), spare)
    left = count - int(quota.sum())
    for place in torch.argsort(wanted - wanted.floor(), descending=True, stable=True).tolist() * 2:
        if left > 0 and quota[place] < spare[place]:
            quota[place] += 1
            left -= 1
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(classes):
        chosen[torch.nonzero(labels == label)[: quota[label], 0]] = True
    return chosen


def random_subset(pictures: Pictures, count: int) -> Pictures:
    """`count` pictures (all, if there are fewer) in random order and in memory, the same ones each time: folders are
    often sorted by class."""
    return pictures[torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))[:count]].in_memory()


def spread_rows(count: int, most: int) -> Tensor:
    """The rows of at most `most` of `count` pictures, int64 [M], at even distances: sets are often sorted by class, so
    that the first ones would be of one class."""
    return torch.linspace(0, max(count - 1, 0), min(count, most), dtype=torch.float64).round().long()


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> Tensor:
    """The pictures of one epoch, shuffled: int64 [count]. Cached, since every step of the epoch asks for it."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + epoch))


def batch_indices(count: int, batch: int, step: int, seed: int) -> Tensor:
    """The pictures that step `step` sees, int64 [min(batch, count)]: whole shuffled epochs, their remainder dropped."""
    batch = min(batch, count)
    epoch, position = divmod(step, count // batch)
    return epoch_order(count, epoch, seed)[position * batch : (position + 1) * batch]
