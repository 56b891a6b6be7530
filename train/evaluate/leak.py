"""Do augmentations leak into what a generator draws? (Karras et al. 2020, arXiv 2006.06676, section 2.2)

A small network learns, for each operation, to tell changed training pictures from unchanged ones. The share of samples
that it takes for changed stands beside the share of held-out pictures, and beside the share of really changed ones that
it finds: a detector that finds few of those proves nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train import augment
from train.models.classifiers import Classifier
from train.progress_bar import with_bar
from train.schedules import cosine, ramp

EPOCHS, BATCH, LR = 25, 64, 2e-3
APART_ONE_IN = 5  # one training picture in so many is kept from the detector, and sets its threshold
FALSE_ALARMS = 0.005  # share of those that the threshold takes for changed


@dataclass(frozen=True)
class Trace:
    """What looks changed by one operation: shares of samples, of held-out pictures, and (`found`) of held-out pictures
    that were changed."""

    samples: float
    held_out: float
    found: float


def measure(train: np.ndarray, held_out: np.ndarray, samples: np.ndarray, ops: tuple[str, ...], seed: int,
            ) -> dict[str, Trace]:  # fmt: skip
    """The trace of each operation in samples, all pictures uint8 [N, C, H, W]. Trains a detector, which takes some
    minutes for thousands of pictures."""
    pictures, generated, real = (torch.from_numpy(np.ascontiguousarray(x)) for x in (train, samples, held_out))
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    aside, learned = (
        pictures[order[::APART_ONE_IN]],
        pictures[torch.cat([order[i::APART_ONE_IN] for i in range(1, APART_ONE_IN)])],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = trained(learned, ops)
        clean, drawn, unchanged = (scores(detector, x) for x in (aside, generated, real))
        altered = {op: scores(detector, changed(real, op)) for op in ops}
    traces = {}
    for column, op in enumerate(ops):
        edge = torch.quantile(clean[:, column], 1 - FALSE_ALARMS)
        shares = [float((x[:, column] > edge).float().mean()) for x in (drawn, unchanged, altered[op])]
        traces[op] = Trace(*shares)
    return traces


def trained(pictures: Tensor, ops: tuple[str, ...]) -> nn.Module:
    """The detector: pictures -> a logit for each operation [N, operations]. In training, each operation is applied with
    probability one half, independently of the others."""
    detector = Classifier(pictures.shape[1], (pictures.shape[2], pictures.shape[3]), len(ops))
    optimizer = torch.optim.AdamW(detector.parameters(), lr=LR, weight_decay=0.01)
    steps = max(EPOCHS * len(pictures) // BATCH, 1)
    for step in with_bar(range(steps), "leak detector"):
        progress = step / steps
        optimizer.param_groups[0]["lr"] = LR * ramp(progress, 0.05) * cosine(1, 0.01, progress)
        images = pictures[torch.randint(len(pictures), (BATCH,))].float() / 127.5 - 1
        applied = torch.rand(BATCH, len(ops)) < 0.5
        for column, op in enumerate(ops):
            images = torch.where(applied[:, column, None, None, None], augment.augment(images, (op,), 1.0), images)
        logits, _ = detector(images.clamp(-1, 1) / 2 + 0.5)
        optimizer.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(logits, applied.float()).backward()
        optimizer.step()
    return detector.eval()


def changed(pictures: Tensor, op: str) -> Tensor:
    """Pictures uint8 after one operation, as uint8."""
    signals = augment.augment(pictures.float() / 127.5 - 1, (op,), 1.0)
    return ((signals.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


@torch.no_grad()
def scores(detector: nn.Module, pictures: Tensor) -> Tensor:
    """The detector's logits [N, operations] for pictures uint8."""
    return torch.cat([detector(x.float() / 255)[0] for x in pictures.split(500)])
