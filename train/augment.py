"""DiffAugment (Zhao et al. 2020, arXiv 2006.10738) for small data sets: the critic sees real and generated pictures
only after the same random operations, each applied with probability p, so that it cannot memorise the few real ones.

No operation flips, rotates or changes the hue: pictures that then still look like the data would be generated too. The
probability follows the gap to unseen pictures (Karras et al. 2020, arXiv 2006.06676, section 3) and stays below 0.8,
where augmentations do not leak into the samples.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from train.data.dataset import DataInfo, known_name

SMALL_SET = 10_000  # pictures; larger sets begin without augmentation
MOST_APART, APART_ONE_IN = 256, 10  # pictures that tell whether the critic memorises: one in ten, at most so many
HIGHEST = 0.8  # probability, beyond which augmentations leak
SHIFT = 1 / 8  # of the side
# Operations by the last part of the source's name. Left out is what could pass for another picture of the set: the grey
# level of a digit or a scan carries meaning, and holes in scans look like implants.
POLICIES: dict[str, tuple[str, ...]] = {
    "mnist": ("translation",),
    "stacked_mnist": ("translation",),
    "fashion_mnist": ("translation",),
    "mednist": ("translation",),
    "shapes": ("cutout",),
    "cifar10": ("translation", "cutout", "colour"),
    "noto_emoji": ("translation", "cutout", "colour"),
}
POLICY_BY_CHANNELS: dict[int, tuple[str, ...]] = {1: ("translation", "cutout"), 3: ("translation", "cutout", "colour")}


def policy(info: DataInfo) -> tuple[str, ...]:
    """The operations for a set of pictures, by its name, else by its channels."""
    return POLICIES.get(known_name(info.source), POLICY_BY_CHANNELS[info.channels])


def starts_augmented(count: int) -> bool:
    """Whether a set of `count` training pictures is small enough to need augmentation."""
    return count < SMALL_SET


# ------------------------------------------------------------------------------------------ operations


def augment(images: Tensor, ops: tuple[str, ...], p: float) -> Tensor:
    """Signals [N, C, H, W] in [-1, 1] with each operation applied to each of them with probability p.

    Twice differentiable; draws from torch's global generator of the images' device, and never waits for the device.
    With p = 0 the same tensor is returned. Colours may leave [-1, 1], as in the paper. Raises ValueError for an unknown
    operation.
    """
    if unknown := set(ops) - set(OPERATIONS):
        raise ValueError(f"no such operation: {', '.join(sorted(unknown))}")
    if p <= 0:
        return images
    for name in ops:
        changed = OPERATIONS[name](images)
        chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < p
        images = torch.where(chosen, changed, images)
    return images


def border_median(images: Tensor) -> Tensor:
    """The median of each channel on the border of images [N, C, H, W], [N, C, 1, 1]: usually the background."""
    edge = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 1:-1, 0], images[..., 1:-1, -1]], dim=-1)
    return edge.median(dim=-1).values[..., None, None]


def translation(images: Tensor) -> Tensor:
    """images [N, C, H, W] moved by up to an eighth of each side, in whole pixels; border pixels are repeated."""
    count, _, height, width = images.shape
    for dim, side in ((2, height), (3, width)):
        reach = max(round(SHIFT * side), 1)
        shift = torch.randint(-reach, reach + 1, (count, 1), device=images.device)
        places = (torch.arange(side, device=images.device) - shift).clamp(0, side - 1)
        places = places[:, None, :, None] if dim == 2 else places[:, None, None, :]
        images = images.gather(dim, places.expand_as(images))
    return images


def cutout(images: Tensor) -> Tensor:
    """images [N, C, H, W] with a box of half of each side, centred anywhere, filled with the median of the border."""
    count, _, height, width = images.shape
    holes = []
    for side in (height, width):
        middle = torch.rand(count, 1, device=images.device) * side
        holes.append((torch.arange(side, device=images.device) + 0.5 - middle).abs() < side / 4)
    hole = holes[0][:, None, :, None] & holes[1][:, None, None, :]
    return torch.where(hole, border_median(images), images)


def colour(images: Tensor) -> Tensor:
    """images [N, C, H, W] with brightness moved by up to 0.5, contrast times 0.5 to 1.5, and for colour pictures
    saturation times 0 to 2."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, device=images.device)
    images = images + (brightness - 0.5)
    if images.shape[1] == 3:
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * (2 * saturation)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (contrast + 0.5)


OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "translation": translation,
    "cutout": cutout,
    "colour": colour,
}


# ------------------------------------------------------------------------------------------ controller


def unseen_gap(train: Tensor, unseen: Tensor, fake: Tensor) -> Tensor:
    """r = (E D(train) - E D(unseen)) / (E D(train) - E D(fake)) of scores of any shape, a scalar.

    0: pictures that the critic has not seen look as real as training pictures. 1: they look generated, so the critic
    has memorised the training set. Independent of a constant added to all scores, so it suits relativistic losses. 0
    where the critic cannot tell real from generated pictures.
    """
    top = train.float().mean()
    spread = top - fake.float().mean()
    gap = (top - unseen.float().mean()) / spread.clamp_min(1e-6)
    return torch.where(spread > 1e-6, gap, torch.zeros_like(gap))


def next_probability(p: float, gap: float, images: int, target: float = 0.5, speed: float = 1 / 100_000) -> float:
    """The probability, in [0, 0.8], after `images` more pictures: raised while the gap is above the target, lowered
    while it is below.

    speed: change per picture; by default from 0 to 1 in 100 000 pictures (500 000 in the paper, for runs of 25
    million). A gap that is not finite changes nothing.
    """
    if not math.isfinite(gap):
        return p
    step = images * speed if gap > target else -images * speed if gap < target else 0.0
    return min(max(p + step, 0.0), HIGHEST)
