"""Contestants that draw the same pictures, in turn: how fast each is, and how far its pictures are from the first's."""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bundle.errors import UserError
from bundle.feeds import Feed
from bundle.read import OpenBundle
from export.unpack import unpacked_stage
from train.run_folder import Run
from train.stages import load_networks

REST = 0.1  # seconds in which the threads of the contestant before fall asleep: till then they use up the cores
WARM = 3  # runs before the first that is timed; torch.compile works in them
SAME = 1.0  # grey levels by which no pixel may differ of what counts as the same picture
LEVELS = 2.0  # grey levels, on average, by which a contestant of lower precision may differ

Draw = Callable[[], np.ndarray]


def drifts(draws: Mapping[str, Draw]) -> dict[str, float]:
    """The largest difference of each contestant's pictures from those of the first, in grey levels; all are warm then.

    Raises UserError when one draws other pictures: LEVELS apart on average."""
    wanted, found = next(iter(draws.values()))(), {}
    for name, draw in draws.items():
        for _ in range(WARM):
            apart = np.abs(draw() - wanted) * 255
        found[name] = round(float(apart.max()), 2)
        if apart.mean() > LEVELS:
            raise UserError(f"{name} draws other pictures: {apart.mean():.1f} grey levels apart on average.")
    return found


def speeds(draws: Mapping[str, Draw], batch: int, rounds: int, seconds: float) -> dict[str, float]:
    """Pictures per second of each: the median of the rounds, in each of which all of them draw for so many seconds. So
    a busy moment affects all alike."""
    found: dict[str, list[float]] = {name: [] for name in draws}
    for number in range(rounds):
        for name in order(list(draws), number):
            time.sleep(REST)
            draws[name]()
            found[name].append(speed(draws[name], batch, seconds))
    return {name: statistics.median(each) for name, each in found.items()}


def order(names: list[str], number: int) -> list[str]:
    """The contestants of one round: every second one begins with the last, so that none always follows the same."""
    return names[::-1] if number % 2 else names


def speed(draw: Draw, batch: int, seconds: float) -> float:
    """Pictures per second."""
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        draw()
        count += batch
    return count / passed


def generator_of(bundle: OpenBundle, run: Path | None = None) -> nn.Module:
    """The generator in PyTorch: of the run that the bundle was made of, else with the weights in the bundle's graphs.

    Raises UserError when there is none."""
    if run is not None:
        return load_networks(Run.open(run), "gan")["generator"]
    networks = unpacked_stage(bundle, "gan", Path("run"), {}).networks
    return networks.get_submodule("generator").eval().requires_grad_(False)


def in_torch(
    draw: Callable[..., torch.Tensor], rows: Feed, device: str = "cpu", precision: torch.dtype | None = None
) -> Draw:
    """A network as a contestant; `rows`: its inputs, in the order of its arguments."""

    def run() -> np.ndarray:
        with torch.inference_mode(), torch.autocast(device, precision, enabled=precision is not None):
            return draw(*tensors(rows, device)).float().cpu().numpy()

    return run


def compiled(net: nn.Module, mode: str = "default") -> Callable[..., torch.Tensor]:
    """The network through torch.compile, anew for each batch size, which is faster than one code for all of them."""
    return torch.compile(net, dynamic=False, mode=mode)


def tensors(rows: Feed, device: str) -> list[torch.Tensor]:
    """Inputs for PyTorch, in the order of the network's arguments."""
    return [torch.from_numpy(array).to(device) for array in rows.values()]
