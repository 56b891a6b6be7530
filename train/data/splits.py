"""Which pictures: those held out, a random subset, and the order in which training sees the rest.

All are pure functions of their arguments, so that a run can be resumed bit for bit and measured twice alike.
"""

from functools import lru_cache

import torch
from torch import Tensor

from train.data.dataset import Pictures

HELD_OUT_SHARE = 10  # one picture in ten


def hold_out(whole: Pictures) -> tuple[Pictures, Pictures]:
    """(train, test): a random tenth is held out, the same one each time."""
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))
    held_out = max(len(order) // HELD_OUT_SHARE, 1)
    return whole[order[held_out:]], whole[order[:held_out]]


def random_subset(pictures: Pictures, count: int) -> Pictures:
    """`count` pictures (all, if there are fewer) in random order, the same ones each time: folders are often sorted by
    class."""
    return pictures[torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))[:count]]


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> Tensor:
    """The pictures of one epoch, shuffled: int64 [count]. Cached, since every step of the epoch asks for it."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + epoch))


def batch_indices(count: int, batch: int, step: int, seed: int) -> Tensor:
    """The pictures that step `step` sees, int64 [min(batch, count)]: whole shuffled epochs, their remainder dropped."""
    batch = min(batch, count)
    epoch, position = divmod(step, count // batch)
    return epoch_order(count, epoch, seed)[position * batch : (position + 1) * batch]
