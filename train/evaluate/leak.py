"""Do augmentations leak into what a generator draws? (Karras et al. 2020, arXiv 2006.06676, section 2.2)

A small network learns to tell, operation by operation, changed training pictures from unchanged ones. How many samples
it takes for changed stands beside how many held-out pictures, and beside how many really changed ones it finds: a
detector that finds few of those proves nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from train import augment
from train.models.classifiers import Classifier
from train.schedules import cosine, ramp

EPOCHS, BATCH, LR = 25, 64, 2e-3
APART = 5  # one training picture of so many is kept from the detector, to set its threshold:
FALSE_ALARMS = 0.005  # this share of those is taken for changed


@dataclass(frozen=True)
class Trace:
    """Of one operation: shares of samples, of held-out pictures and of changed held-out pictures that look changed."""

    samples: float
    held_out: float
    found: float


def measure(train: np.ndarray, held_out: np.ndarray, samples: np.ndarray, ops: tuple[str, ...], seed: int,
            ) -> dict[str, Trace]:  # fmt: skip
    """Pictures uint8 [N, C, S, S]; by operation. Trains a detector: some minutes for thousands of pictures."""
    pictures, others, unseen = (torch.from_numpy(np.ascontiguousarray(x)) for x in (train, samples, held_out))
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    aside, learned = pictures[order[::APART]], pictures[torch.cat([order[i::APART] for i in range(1, APART)])]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = trained(learned, ops)
        clean, drawn, real = (scores(detector, x) for x in (aside, others, unseen))
        moved = {op: scores(detector, changed(unseen, op)) for op in ops}
    traces = {}
    for column, op in enumerate(ops):
        edge = torch.quantile(clean[:, column], 1 - FALSE_ALARMS)
        shares = [float((x[:, column] > edge).float().mean()) for x in (drawn, real, moved[op])]
        traces[op] = Trace(*shares)
    return traces


def trained(pictures: Tensor, ops: tuple[str, ...]) -> nn.Module:
    """The detector: picture -> a logit an operation. Each is made with probability one half, independently."""
    detector = Classifier(pictures.shape[1], pictures.shape[2], len(ops))
    optimizer = torch.optim.AdamW(detector.parameters(), lr=LR, weight_decay=0.01)
    steps = max(EPOCHS * len(pictures) // BATCH, 1)
    for step in tqdm(range(steps), desc="leak detector", leave=False):
        progress = step / steps
        optimizer.param_groups[0]["lr"] = LR * ramp(progress, 0.05) * cosine(1, 0.01, progress)
        images = pictures[torch.randint(len(pictures), (BATCH,))].float() / 127.5 - 1
        made = torch.rand(BATCH, len(ops)) < 0.5
        for column, op in enumerate(ops):
            images = torch.where(made[:, column, None, None, None], augment.augment(images, (op,), 1.0), images)
        logits, _ = detector(images.clamp(-1, 1) / 2 + 0.5)
        optimizer.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(logits, made.float()).backward()
        optimizer.step()
    return detector.eval()


def changed(pictures: Tensor, op: str) -> Tensor:
    """uint8 pictures after one operation, as uint8."""
    signals = augment.augment(pictures.float() / 127.5 - 1, (op,), 1.0)
    return ((signals.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


@torch.no_grad()
def scores(detector: nn.Module, pictures: Tensor) -> Tensor:
    """Logits [N, operations] of uint8 pictures."""
    return torch.cat([detector(x.float() / 255)[0] for x in pictures.split(500)])
