"""Checkpoints: networks, their averages and optimizers as the tensors of one safetensors file, facts in its header."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import Tensor, nn

from bundle.atomic_files import write_file
from bundle.errors import UserError
from train.stored_settings import current_weight

LENGTH = 8  # bytes at the beginning of a safetensors file, which say how long its header is
OPTIONAL_NETWORKS = {"minibatch_stddev"}
"""Networks that a setting may add to a stage or remove from it when the stage is resumed."""


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: Mapping[str, object]) -> None:
    """Writes one safetensors file with `facts` as JSON in its header. Raises UserError when the disk refuses."""
    write_file(path, bytes_of(tensors, metadata={"facts": json.dumps(facts)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict]:
    """(tensors, facts) of a file written by `save_tensors`. Raises UserError when it is missing or damaged.

    Nothing stays mapped into the file: Windows would refuse to replace it. And the file is opened here, as safetensors
    takes no path that is no UTF-8.
    """
    try:
        data = path.read_bytes()
        tensors = tensors_of(data)
        header = json.loads(data[LENGTH : LENGTH + int.from_bytes(data[:LENGTH], "little")])
        facts = json.loads(header.get("__metadata__", {}).get("facts", "{}"))
        return dict(sorted(tensors.items())), facts
    except FileNotFoundError:
        raise UserError(f"{path} is missing.") from None
    except (SafetensorError, OSError, ValueError) as problem:
        raise UserError(f"{path} is damaged: {problem}") from problem


# ------------------------------------------------------------------------------------------- networks


def module_tensors(group: str, networks: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers of the networks of a stage, as group/network.parameter."""
    return {f"{group}/{name}": value.contiguous() for name, value in networks.state_dict().items()}


def group_weights(group: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one group of a checkpoint of any version, as network.parameter of today."""
    prefix = f"{group}/"
    return {current_weight(key.removeprefix(prefix)): value for key, value in tensors.items() if key.startswith(prefix)}


def restore_modules(group: str, networks: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Inverse of `module_tensors`, for checkpoints of any version.

    An optional network that the tensors lack keeps its initial weights; one that `networks` lacks is skipped. Raises
    RuntimeError for weights that do not fit.
    """
    stored = group_weights(group, tensors)
    initial = {key: value for key, value in networks.state_dict().items() if network_of(key) in OPTIONAL_NETWORKS}
    unwanted = OPTIONAL_NETWORKS - {name for name, _ in networks.named_children()}
    networks.load_state_dict(initial | {key: v for key, v in stored.items() if network_of(key) not in unwanted})


def network_of(key: str) -> str:
    """The network that a key of a stage's state dictionary belongs to: critic.head.bias -> critic."""
    return key.partition(".")[0]


# ------------------------------------------------------------------------------------------ optimizers


def optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments of an optimizer, as optimizers/name/parameter index/slot. The schedule sets the rest in each
    step."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizers/{name}/{i}/{slot}": value.contiguous()
        for i, slots in state.items()
        for slot, value in slots.items()
    }


def restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Inverse of `optimizer_tensors`. Moments of an optional network, which come last, are skipped where it is gone."""
    prefix = f"optimizers/{name}/"
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            index, slot = key.removeprefix(prefix).split("/")
            if int(index) < count:
                state.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    for weight, slots in optimizer.state.items():
        for slot, value in slots.items():
            if value.shape == weight.shape:  # the fused optimizer needs moments in the memory layout of their weights
                slots[slot] = torch.empty_like(weight).copy_(value)
