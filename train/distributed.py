"""Processes that train as one, and the trackers that they report to, by way of accelerate."""

from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.tracking import get_available_trackers
from torch import Tensor

from bundle.errors import UserError


def accelerator_for(track: str | None, folder: Path) -> Accelerator:
    """The processes that `accelerate launch` started, or just this one, on a GPU where there is one.

    Raises UserError for a tracker that is not installed or that accelerate does not support.
    """
    if track is not None:
        installed = [str(name.value) for name in get_available_trackers()]
        if track not in installed:
            known = f"installed here: {', '.join(installed)}" if installed else "none is installed here"
            raise UserError(f"--track {track} cannot be used ({known}); for TensorBoard: pip install tensorboard.")
    return Accelerator(cpu=not torch.cuda.is_available(), log_with=track, project_dir=folder)


def agreed(accelerator: Accelerator, asked: bool, planned: int) -> tuple[bool, int]:
    """What all processes go by: stop when any was asked to; plan what the first one plans, as clocks differ."""
    if accelerator.num_processes == 1:
        return asked, planned
    said = torch.tensor([[int(asked), planned]], device=accelerator.device)
    everyone = accelerator.gather(said)
    return bool(everyone[:, 0].max()), int(everyone[0, 1])


def average_over_processes(accelerator: Accelerator, tensors: Sequence[Tensor]) -> None:
    """Replaces tensors of any shapes by their means over all processes, in one message."""
    flat = accelerator.reduce(torch.cat([t.flatten().float() for t in tensors]), reduction="mean")
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.data.copy_(mean.view_as(tensor))
