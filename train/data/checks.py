"""What a set of pictures must be for training to make sense; everything else is a UserError."""

import torch
from torch import Tensor

from bundle.errors import UserError

MINIMUM_IMAGES = 100


def check_variety(source: str, images: Tensor) -> None:
    """Raises UserError when all pictures are the same."""
    if bool((images == images[:1]).all()):
        raise UserError(f"All {len(images)} pictures of {source} are the same; there is nothing to learn from them.")


def check_labels(source: str, labels: Tensor, names: tuple[str, ...]) -> None:
    """Raises UserError for a picture without a label or a class with fewer than two, in a set that has classes."""
    if len(names) < 2:
        return
    if missing := int((labels < 0).sum()):
        raise UserError(f"{missing} training pictures of {source} have no label; label them or leave them out.")
    counts = torch.bincount(labels, minlength=len(names))
    if int(counts.min()) < 2:
        raise UserError(f"{source} has {int(counts.min())} training pictures of '{names[int(counts.argmin())]}'.")
