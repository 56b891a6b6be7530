"""DiffAugment (Zhao et al. 2020, arXiv 2006.10738) for small sets: the critic sees real and generated pictures only
through the same random changes, each made with probability p, so that it cannot learn the few real ones by heart.

No operation flips, turns or recolours: what looks like the data would be learned as data. The probability follows the
held-out gap (Karras et al. 2020, arXiv 2006.06676, section 3) and stays under 0.8, where changes do not leak.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from train.data.dataset import DataInfo

SMALL_SET = 10_000  # pictures; larger sets begin without augmentation
HIGHEST = 0.8
SHIFT = 1 / 8  # of the side
# Operations by the last part of the source's name: none whose result could itself be a picture of the set, or a
# wrong one. A digit's grey level and a scan's say something; holes in scans look like implants.
POLICIES: dict[str, tuple[str, ...]] = {
    "mnist": ("translation",),
    "stacked_mnist": ("translation",),
    "fashion_mnist": ("translation",),
    "mednist": ("translation",),
    "shapes": ("cutout",),
    "cifar10": ("translation", "cutout", "colour"),
    "noto_emoji": ("translation", "cutout", "colour"),
}
OTHERS: dict[int, tuple[str, ...]] = {1: ("translation", "cutout"), 3: ("translation", "cutout", "colour")}


def policy(info: DataInfo) -> tuple[str, ...]:
    """The operations that suit a set of pictures, by its name, else by its channels."""
    name = info.source.rstrip("/").split("/")[-1].lower().removesuffix(".zip").removesuffix(".parquet")
    return POLICIES.get(name, OTHERS[info.channels])


def starts_augmented(count: int) -> bool:
    """Whether a set of `count` training pictures is small enough to need augmentation."""
    return count < SMALL_SET


# ------------------------------------------------------------------------------------------ operations


def augment(images: Tensor, ops: tuple[str, ...], p: float) -> Tensor:
    """Signals [N, C, S, S] in [-1, 1], each changed by each operation with probability p (independently).

    Differentiable, also twice; draws from torch's global generator of the images' device; nothing waits for the
    device. With p = 0 the very same tensor comes back. Colours may leave [-1, 1], as in the paper. Raises ValueError
    for an unknown operation.
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


def border(images: Tensor) -> Tensor:
    """The median of each picture's border, a channel: [N, C, 1, 1]. What a picture has where it shows nothing."""
    edge = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 1:-1, 0], images[..., 1:-1, -1]], dim=-1)
    return edge.median(dim=-1).values[..., None, None]


def translation(images: Tensor) -> Tensor:
    """Moved by up to an eighth of the side, whole pixels; the border pixels are drawn out into the gap."""
    count, _, height, width = images.shape
    reach = max(round(SHIFT * width), 1)
    for dim, side in ((2, height), (3, width)):
        shift = torch.randint(-reach, reach + 1, (count, 1), device=images.device)
        places = (torch.arange(side, device=images.device) - shift).clamp(0, side - 1)
        places = places[:, None, :, None] if dim == 2 else places[:, None, None, :]
        images = images.gather(dim, places.expand_as(images))
    return images


def cutout(images: Tensor) -> Tensor:
    """A square of half the side, its middle anywhere, is filled with the border's median."""
    count, _, height, width = images.shape
    holes = []
    for side in (height, width):
        middle = torch.rand(count, 1, device=images.device) * side
        holes.append((torch.arange(side, device=images.device) + 0.5 - middle).abs() < side / 4)
    hole = holes[0][:, None, :, None] & holes[1][:, None, None, :]
    return torch.where(hole, border(images), images)


def colour(images: Tensor) -> Tensor:
    """Brightness by up to 0.5; of three channels saturation times 0 to 2; contrast times 0.5 to 1.5."""
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


def held_out_gap(train: Tensor, held_out: Tensor, fake: Tensor) -> Tensor:
    """r = (E D(train) - E D(held out)) / (E D(train) - E D(fake)) from scores of any shape, a scalar.

    0: held-out pictures look as real as training pictures. 1: they look generated, so the critic knows the training
    set by heart. A constant added to all scores changes nothing, so it fits relativistic losses. 0 where the critic
    does not tell real from generated.
    """
    top = train.float().mean()
    spread = top - fake.float().mean()
    gap = (top - held_out.float().mean()) / spread.clamp_min(1e-6)
    return torch.where(spread > 1e-6, gap, torch.zeros_like(gap))


def next_probability(p: float, gap: float, images: int, target: float = 0.5, speed: float = 1 / 100_000) -> float:
    """The probability after `images` more pictures: up while the gap is above the target, down below it.

    speed: change a picture; the default goes from 0 to 1 in 100 000 pictures (in 500 000 in the paper, for runs of
    25 million). A gap that is not finite changes nothing. Stays in [0, 0.8].
    """
    step = images * speed if gap > target else -images * speed if gap < target else 0.0
    return min(max(p + step, 0.0), HIGHEST)
