"""Processes that train as one, and the trackers that they report to, by way of accelerate."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.tracking import get_available_trackers
from torch import Tensor

from bundle.errors import UserError
from train.hardware import training_device
from train.progress_bar import say


def accelerator_for(track: str | None, run: Path) -> Accelerator:
    """The processes that `accelerate launch` started, or just this one, on a GPU where there is one. A tracker that
    writes files does so in the folder of its stage in `run`.

    Raises UserError as `check_tracker`.
    """
    check_tracker(track)
    return Accelerator(cpu=training_device().type == "cpu", log_with=track, project_dir=run)


def check_tracker(track: str | None) -> None:
    """Raises UserError for a tracker that is not installed or that accelerate does not support."""
    if track is not None:
        installed = [str(name.value) for name in get_available_trackers()]
        if track not in installed:
            known = f"installed here: {', '.join(installed)}" if installed else "none is installed here"
            raise UserError(f"--track {track} cannot be used ({known}); for TensorBoard: pip install tensorboard.")


def warn_of_lost_processes() -> None:
    """Says that `accelerate launch --cpu` starts one process only, whatever --num_processes asks for."""
    several = "MASTER_ADDR" in os.environ and os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true"
    if several and not {"WORLD_SIZE", "RANK", "LOCAL_RANK", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"} & set(os.environ):
        say("note: accelerate launch --cpu starts one process, whatever --num_processes says. For two on processors: "
            "torchrun --nproc-per-node 2 -m train …", sys.stderr)  # fmt: skip


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
