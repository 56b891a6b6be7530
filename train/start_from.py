"""`--start-from`: a GAN or a VAE of other pictures begins with the weights of a run or a bundle.

The new networks are as large as the old ones. A GAN with --body skip may have finer resolutions, which add nothing at
first, and takes over convolutional networks too. What depends on the classes goes by their names: a class that both
sets have keeps its weights, a new one begins as the mean of the old ones.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from bundle.errors import UserError
from bundle.read import INDEX
from train.checkpoints import group_weights, load_tensors
from train.data.dataset import DataInfo
from train.models.layers import Sides, resolutions
from train.models.skip import from_convolutional
from train.run_folder import Run
from train.settings import GanSettings, Settings, flag_of
from train.stages import build_networks

AnySettings = TypeVar("AnySettings", bound=Settings)

ARCHITECTURE: dict[str, tuple[str, ...]] = {
    "gan": ("body", "prior", "latent_dim", "w_dim", "width"),
    "vae": ("body", "likelihood", "latent_dim", "width", "hidden"),
}
"""Settings that the weights of a stage only fit with."""

TO_SKIPS = ("conv", "skip")
"""The one body whose weights another one can take over: (theirs, ours)."""


def start_of(settings: Settings) -> Path | None:
    """What a command starts from: a run folder or a bundle."""
    return getattr(settings, "start_from", None)


@contextmanager
def opened_start(settings: Settings, wanted: bool) -> Iterator[Run | None]:
    """The run that a command starts from, or the bundle made a run; None where none is `wanted`. Raises UserError."""
    folder = start_of(settings)
    if folder is None or not wanted:
        yield None
    elif not folder.is_dir():
        raise UserError(f"--start-from {folder} is no folder: name a run folder or a bundle.")
    elif (folder / INDEX).is_file():
        with tempfile.TemporaryDirectory() as place:
            yield unpacked(folder, Path(place) / folder.resolve().name)
    else:
        yield Run.open(folder.resolve())  # "." has no name


def unpacked(bundle: Path, run: Path) -> Run:
    """A bundle as a run, by the command that makes one: training does not import export. Raises UserError."""
    home = Path(__file__).resolve().parents[1]
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-m", "export", "unpack", str(bundle), str(run)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it cannot be unpacked."])[-1].removeprefix("error: ")
        raise UserError(f"--start-from {bundle}: {last}")
    return Run.open(run)


def with_architecture(stage: str, settings: AnySettings, given: Set[str], start: Run) -> AnySettings:
    """Settings with the sizes of the networks of `start`. Raises UserError where the user asked for others, and where
    `start` has no such stage."""
    theirs, changes = start.settings(stage), {}
    for name in ARCHITECTURE[stage]:
        was, now = getattr(theirs, name), getattr(settings, name)
        if name == "body" and (was, now) == TO_SKIPS:
            continue
        if was != now and {name, "preset"} & given:
            asked = f"{flag_of(name)} {now}" if name in given else f"--preset {settings.preset}, with {name} {now},"
            raise UserError(f"{asked} does not fit the {stage} of --start-from, which has {was}: leave it out.")
        changes[name] = was
    return replace(settings, **changes)


def check_pictures(start: Run | None, starting: Sequence[Settings], info: DataInfo) -> None:
    """Raises UserError unless these pictures have the channels and the size of those of `start`, or a larger size that
    everything in `starting` can grow to. No `start`: nothing to check."""
    if start is None:
        return
    theirs = start.data
    sides_fit = theirs.sides == info.sides or (can_grow(starting) and is_enlarged(theirs.sides, info.sides))
    if theirs.channels == info.channels and sides_fit:
        return
    kinds = {1: "grey", 3: "colour"}
    was, now = (f"{d.size} px in {kinds.get(d.channels, d.channels)}" for d in (theirs, info))
    raise UserError(
        f"--start-from {start.folder.name}: its networks draw pictures of {was}, and these have {now}. Start from "
        "another run, or leave it out. Only a GAN with --body skip starts from one of half the size, a quarter, and "
        "so on."
    )


def can_grow(starting: Sequence[Settings]) -> bool:
    """Whether all that starts from trained weights can take over those of networks for smaller pictures."""
    return all(isinstance(settings, GanSettings) and settings.body == "skip" for settings in starting)


def is_enlarged(small: Sides, large: Sides) -> bool:
    """Whether networks for `large` pictures have all the resolutions of those for `small` ones, and finer ones."""
    return small in resolutions(large)[:-1] and resolutions(small)[0] == resolutions(large)[0]


def carry_over(stage: str, networks: nn.Module, averages: nn.Module, settings: Settings, info: DataInfo,
               start: Run) -> str:  # fmt: skip
    """Puts the weights of `start` into new networks and their averages; returns what was carried over, in words.

    Raises UserError for a stage out of a bundle that has lost its batch normalisation.
    """
    tensors, facts = load_tensors(start.folder / stage / "state.safetensors")
    if not any(key.startswith("networks/") for key in tensors):
        raise UserError(
            f"The {stage} of {start.folder.name} came out of a bundle, where batch normalisation is folded into "
            "weights: nothing can be trained from it. Start from the run that it was exported from."
        )
    sides = class_sides(stage, settings, info)
    for group, module in (("networks", networks), ("averages", averages)):
        stored = group_weights(group, tensors)
        if isinstance(settings, GanSettings) and (start.settings("gan").body, settings.body) == TO_SKIPS:
            stored = from_convolutional(stored)
        for key, target in module.state_dict().items():
            if key in stored:
                target.copy_(carried(stored[key], target.cpu(), sides.get(key), start.data.classes, info.classes))
    what = f"{stage}: begins with the weights of {start.folder.name} ({facts.get('images', 0)} pictures"
    what += ")" if start.data.sides == info.sides else f" of {start.data.size} px)"
    return f"{what}{classes_carried(start.data.classes, info.classes)}. Its optimizers are not taken over."


def class_sides(stage: str, settings: Settings, info: DataInfo) -> dict[str, int]:
    """Tensor -> the dimension that grows with the number of classes, for those tensors that have one."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        few, more = (
            build_networks(stage, settings, replace(info, classes=tuple(map(str, range(count)))), NoRun()).state_dict()
            for count in (2, 3)
        )
    return {
        key: next(side for side, (a, b) in enumerate(zip(few[key].shape, more[key].shape, strict=True)) if a != b)
        for key in few
        if few[key].shape != more[key].shape
    }


class NoRun:
    """A GAN and a VAE build on no other stage."""

    def settings(self, stage: str) -> Settings:
        """Never asked."""
        raise ValueError(stage)


def carried(weight: Tensor, target: Tensor, side: int | None, old: tuple[str, ...], new: tuple[str, ...]) -> Tensor:
    """A weight of the start in the shape of `target`; `side`: its dimension of classes, which come last there.

    A mapping network reads the embedding of the class, where there are classes, behind the noise.
    """
    result = target.clone()
    if side is None:
        common = tuple(slice(0, min(a, b)) for a, b in zip(weight.shape, target.shape, strict=True))
        result[common] = weight[common]
        return result
    weight, result = weight.movedim(side, 0), result.movedim(side, 0)
    base = len(result) - len(new)
    result[:base] = weight[:base]
    for row, name in enumerate(new):
        if name in old:
            result[base + row] = weight[base + old.index(name)]
        elif old:
            result[base + row] = weight[base:].mean(dim=0)
    return result.movedim(0, side)


def classes_carried(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """What became of the classes, in words."""
    if not new and not old:
        return ""
    kept, added = [name for name in new if name in old], [name for name in new if name not in old]
    words = [f"its classes {', '.join(kept)}"] if kept else ["none of its classes"] if old else []
    if added:
        words.append(f"new are {', '.join(added)}" + (", as the mean of the old ones" if old else ""))
    return f"; {'; '.join(words)}"


def with_size(settings: AnySettings, given: Set[str], start: Run | None) -> AnySettings:
    """Settings that draw pictures as large as those of `start`, unless another size was asked for."""
    return settings if start is None or "size" in given else replace(settings, size=start.data.size)
