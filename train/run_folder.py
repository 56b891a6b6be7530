"""The run folder: one set of pictures, one sub-folder a stage. safetensors and JSON only.

runs/mnist/run.json                 the pictures (DataInfo)
runs/mnist/gan/config.json          settings of the stage
              /state.safetensors    networks, averages, optimizers; progress in its metadata
              /latents.safetensors  what a finished stage knows about its latent space
              /record.json          command, seconds, pictures, hardware, finished or not
              /metrics.jsonl        a line at steady intervals
              /samples/*.png        a sheet at steady intervals
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from bundle.atomic_files import write_file
from bundle.errors import UserError
from train.data.dataset import DataInfo
from train.settings import FORMERLY, FREE_FIELDS, STAGES, Settings

SWITCHED = {"deviation"}  # networks of a stage that a setting may bring or take away on the way


@dataclass(frozen=True)
class StageRecord:
    """How a stage was trained."""

    command: str
    seconds: float
    images: int
    finished: bool
    hardware: str
    config: dict
    target_images: int | None = None  # a mask encoder: pictures that its GAN or VAE had seen


def write_json(path: Path, value: dict) -> None:
    write_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> dict:
    """Raises UserError when the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing.") from None
    except (OSError, ValueError) as problem:
        raise UserError(f"{path} is damaged: {problem}") from problem


# ---------------------------------------------------------------------------------------- checkpoints


def optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments of an optimizer as a flat dictionary; its settings are the schedule's business."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizers/{name}/{i}/{key}": value.contiguous() for i, slots in state.items() for key, value in slots.items()
    }


def restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Inverse of `optimizer_tensors`; moments of weights at the end that were switched off are left out."""
    prefix = f"optimizers/{name}/"
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            index, slot = key[len(prefix) :].split("/")
            if int(index) < count:
                state.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    for weight, slots in optimizer.state.items():
        for key, value in slots.items():
            if value.shape == weight.shape:  # the fused optimizer wants moments laid out as their weights
                slots[key] = torch.empty_like(weight).copy_(value)


def module_tensors(group: str, modules: nn.ModuleDict) -> dict[str, Tensor]:
    return {f"{group}/{name}": value.contiguous() for name, value in modules.state_dict().items()}


def restore_modules(group: str, modules: nn.ModuleDict, tensors: dict[str, Tensor]) -> None:
    """Inverse of `module_tensors`. What may be switched on or off on the way begins anew where the tensors lack it, and
    is left out where it is not wanted. Raises RuntimeError for weights that do not fit."""
    prefix = f"{group}/"
    found = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    fresh = {k: v for k, v in modules.state_dict().items() if k.split(".")[0] in SWITCHED}
    unwanted = SWITCHED - set(modules)
    modules.load_state_dict(fresh | {k: v for k, v in found.items() if k.split(".")[0] not in unwanted})


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: dict) -> None:
    """One safetensors file with JSON facts in its header."""
    write_file(path, safetensors.torch.save(tensors, metadata={"facts": json.dumps(facts)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict]:
    """(tensors, facts). Raises UserError when missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise UserError(f"{path} is missing.") from None
    except (SafetensorError, OSError, ValueError) as problem:
        raise UserError(f"{path} is damaged: {problem}") from problem


# -------------------------------------------------------------------------------------------- settings


def settings_json(settings: Settings) -> dict:
    values = asdict(settings)
    return {k: str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def flat_settings(settings: Settings) -> dict[str, int | float | str | bool]:
    """Settings as a tracker takes them: one value a name."""
    values = asdict(settings)
    return {k: v if isinstance(v, int | float | str | bool) else str(v) for k, v in values.items()}


def settings_from_json(kind: type[Settings], value: dict) -> Settings:
    """Settings that are missing, because they are newer than the run, become what was done before they existed.

    Raises UserError for settings that this version does not know.
    """
    known = {f.name for f in fields(kind)}
    if odd := sorted(set(value) - known):
        raise UserError(f"The run was begun by another version of Twofold: its settings differ in {', '.join(odd)}.")
    if "run" not in value:
        raise UserError("The run's settings are damaged: they do not name their folder.")
    value = {k: v for k, v in FORMERLY.items() if k in known} | value
    value = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    return kind(**(value | {"run": Path(value["run"])}))


def refuse_changes(stored: Settings, asked: Settings) -> None:
    """Raises UserError naming each setting that a resumed stage may not change."""
    changes = [
        f"--{f.name.replace('_', '-')} {getattr(stored, f.name)}, not {getattr(asked, f.name)}"
        for f in fields(stored)
        if f.name not in FREE_FIELDS and getattr(stored, f.name) != getattr(asked, f.name)
    ]
    if changes:
        raise UserError(f"{asked.run} was begun with {'; '.join(changes)}. Resume it so, or start another run.")


def data_of(run: Path) -> DataInfo:
    """The pictures that a run folder belongs to. Raises UserError when run.json is damaged."""
    try:
        return DataInfo.from_json(read_json(run / "run.json")["data"])
    except (KeyError, TypeError) as problem:
        raise UserError(f"{run / 'run.json'} is damaged: it does not describe the pictures.") from problem


def bind_data(run: Path, info: DataInfo) -> None:
    """A run folder belongs to one set of pictures. Raises UserError for another one."""
    path = run / "run.json"
    if not path.exists():
        write_json(path, {"schema_version": 1, "data": info.as_json()})
        return
    stored = data_of(run)
    for name in ("size", "channels", "classes", "train_images", "fit", "background"):
        was, now = getattr(stored, name), getattr(info, name)
        if was != now and not (name == "background" and was is None):  # not recorded by older runs
            raise UserError(
                f"{run} belongs to {stored.source} with {name.replace('_', ' ')} {was}, not {now}: "
                "use the same pictures and --size, or another run folder."
            )


# ------------------------------------------------------------------------------------- reading a run


@dataclass(frozen=True)
class Run:
    """A run folder opened for reading: what export and evaluation need."""

    folder: Path
    data: DataInfo

    @staticmethod
    def open(folder: Path) -> "Run":
        """Raises UserError when `folder` is not a run."""
        folder = Path(folder)
        if not (folder / "run.json").is_file():
            raise UserError(f"{folder} is not a run folder: it has no run.json. Make one with python -m train.")
        return Run(folder, data_of(folder))

    def settings(self, stage: str) -> Settings:
        """What a trained stage was trained with. Raises UserError when it has not been trained."""
        self.record(stage)
        return settings_from_json(STAGES[stage], read_json(self.folder / stage / "config.json"))

    def record(self, stage: str) -> StageRecord:
        """Raises UserError when the stage has not been trained."""
        path = self.folder / stage / "record.json"
        if not path.exists():
            raise UserError(f"{self.folder} has no trained {stage}: make one with python -m train.")
        try:
            return StageRecord(**read_json(path))
        except TypeError as problem:
            raise UserError(f"{path} is damaged: {problem}") from problem

    def latents(self) -> dict[str, np.ndarray]:
        """What the finished stages know about their latent spaces (see the bundle's latents.npz)."""
        found: dict[str, np.ndarray] = {}
        for stage in ("gan", "vae"):
            path = self.folder / stage / "latents.safetensors"
            if path.exists():
                found |= {k: v.numpy() for k, v in load_tensors(path)[0].items() if k != "sigma"}
        return found

    @property
    def sigma(self) -> float:
        """Calibrated standard deviation of the decoder, in units of [0, 1] pixels."""
        return float(load_tensors(self.folder / "vae" / "latents.safetensors")[0]["sigma"])
