"""The run folder: one set of pictures, one sub-folder per stage. safetensors and JSON only.

runs/mnist/run.json                 the pictures (DataInfo), and where they are
runs/mnist/pictures.safetensors     by what they are recognised (train/known_pictures.py)
runs/mnist/pictures/                their final form, if they are too many for memory
runs/mnist/all.json                 what `train all` was begun with
runs/mnist/status.json              how far the training is (bundle/training_status.py)
runs/mnist/evaluation/              the report of `train evaluate`
runs/mnist/.lock                    held while a training uses the folder
runs/mnist/.training                who uses it, and when they last said so
runs/mnist/gan/config.json          settings of the stage
              /state.safetensors    networks, averages, optimizers; progress in its metadata
              /latents.safetensors  what a finished stage knows about its latent space
              /record.json          command, seconds, pictures, hardware, finished or not
              /metrics.jsonl        a line at steady intervals
              /samples/*.png        a sheet at steady intervals
              /snapshots/*.png      GAN and VAE: the same few pictures, ever later (train/snapshots.py)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, overload

import numpy as np

from bundle.atomic_files import write_file
from bundle.errors import UserError
from train.checkpoints import load_tensors
from train.data.dataset import DataInfo
from train.settings import STAGES, ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings
from train.stored_settings import from_dict

# What must be the same of pictures that a run or a bundle was trained on -> what it is called.
KNOWN_BY = {
    "channels": "channels",
    "classes": "classes",
    "train_images": "training pictures",
    "test_images": "held-out pictures",
}


@dataclass(frozen=True)
class StageRecord:
    """How a stage was trained: the content of record.json."""

    command: str
    seconds: float
    images: int
    finished: bool
    hardware: str
    config: dict
    """The stage's settings, as `stored_settings.to_dict` writes them."""
    target_images: int | None = None
    """Of a mask encoder: pictures that its GAN or VAE had been trained on."""
    sessions: list[dict] = field(default_factory=list)
    """Every command that trained it, the first one first: command, version, seconds, images and hardware of each; the
    version is empty, and what came before is one session, where an older version did not tell them apart."""
    data: list[list[int]] | None = None
    """[pictures seen, how many of the set steps could see from then on]: one entry, and one for each time that some
    were added."""


# ----------------------------------------------------------------------------------------------- files


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Raises UserError when the disk refuses; the previous file is then kept. Names that are no UTF-8 come back as they
    were: the escapes are also those of JSON."""
    write_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


def read_json(path: Path) -> dict:
    """The object in a file. Raises UserError when the file is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing.") from None
    except (OSError, ValueError) as problem:
        raise UserError(f"{path} is damaged: {problem}") from problem
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: it holds no JSON object.")
    return found


# -------------------------------------------------------------------------------------------- pictures


def data_of(run: Path) -> DataInfo:
    """The pictures that a run folder belongs to. Raises UserError when run.json is missing or damaged."""
    try:
        return DataInfo.from_json(read_json(run / "run.json")["data"])
    except (KeyError, TypeError) as problem:
        raise UserError(f"{run / 'run.json'} is damaged: it does not describe the pictures.") from problem


def bind_data(run: Path, info: DataInfo, place: str | None = None) -> None:
    """Writes run.json, which binds the folder to one set of pictures; `place`: where they are on this computer.

    Raises UserError where the folder is bound to others.
    """
    path = run / "run.json"
    if not path.exists():
        write_json(path, {"schema_version": 1, "data": info.as_json()} | ({"place": place} if place else {}))
        return
    check_same(run, info)
    stored = read_json(path)
    counts = {"train_images": info.train_images, "test_images": info.test_images}
    facts = {"reading": asdict(info.reading)} | stored["data"] | counts  # older runs have no reading
    if info.attributes and not stored["data"].get("attributes"):  # asked for after the run was begun
        asked = info.as_json()
        facts |= {name: asked[name] for name in ("attributes", "reading")}
    now = stored | {"data": facts} | ({"place": place} if place else {})
    if now != stored:
        write_json(path, now)


def check_same(run: Path, info: DataInfo) -> None:
    """Raises UserError unless these pictures fit the networks of a run. Their number is not looked at."""
    stored = data_of(run)
    for name in ("size", "channels", "classes", "fit", "background", "value_range", "border"):
        was, now = getattr(stored, name), getattr(info, name)
        if was != now and not (name == "background" and was is None):  # not recorded by older runs
            raise UserError(
                f"{run} belongs to {stored.source} with {name.replace('_', ' ')} {was}, not {now}: "
                f"use the same pictures and --size, or another run folder.{read_otherwise(stored)}"
            )
    names = [", ".join(one.name for one in known.attributes) for known in (stored, info)]
    if names[0] and names[0] != names[1]:
        raise UserError(f"{run} has the attributes {names[0]}, not {names[1] or 'none'}: leave out --attributes, or "
                        "use another run folder.")  # fmt: skip


def read_otherwise(stored: DataInfo) -> str:
    """What else may be wrong where the pictures of a run are not as it knows them."""
    if stored.reading_recorded:
        return ""
    return " If they are the same, this version reads them otherwise than the one that began the run: go on with that."


def check_known(folder: Path, source: str, known: DataInfo, found: DataInfo, names: Iterable[str] = KNOWN_BY) -> None:
    """Raises UserError unless what was `found` at `source` are the pictures that a run or a bundle in `folder` knows.
    `names`: what must be the same."""
    for name in names:
        was, now = getattr(known, name), getattr(found, name)
        if was != now:
            differs = f"{KNOWN_BY[name]} {now}, not {was}."
            raise UserError(f"{source} is not what {folder} was trained on: {differs}{read_otherwise(known)}")


def place_of(run: Path) -> str | None:
    """Where the pictures of a run are: a path of this computer, an id of the Hub, or a set that is made here. None for
    a run that does not say, such as one out of a bundle."""
    if found := read_json(run / "run.json").get("place"):
        return str(found)
    for stage in STAGES:  # older runs only have it among the settings of their stages
        path = run / stage / "config.json"
        if path.exists() and (found := read_json(path).get("data")):
            return str(found)
    return None


def has_checkpoint(run: Path, stage: str) -> bool:
    """Whether a stage has a checkpoint to go on from, finished or not."""
    return (run / stage / "state.safetensors").exists()


# --------------------------------------------------------------------------------------- reading a run


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

    @overload
    def settings(self, stage: Literal["classifier"]) -> ClassifierSettings: ...
    @overload
    def settings(self, stage: Literal["gan"]) -> GanSettings: ...
    @overload
    def settings(self, stage: Literal["vae"]) -> VaeSettings: ...
    @overload
    def settings(self, stage: Literal["inverter", "repair"]) -> InverseSettings: ...
    @overload
    def settings(self, stage: str) -> Settings: ...
    def settings(self, stage: str) -> Settings:
        """What a stage was trained with. Raises UserError when it has not been trained."""
        self.record(stage)
        return from_dict(STAGES[stage], read_json(self.folder / stage / "config.json"))

    def has_checkpoint(self, stage: str) -> bool:
        """As the function of this name."""
        return has_checkpoint(self.folder, stage)

    def record(self, stage: str) -> StageRecord:
        """How a stage was trained. Raises UserError when it has not been trained or record.json is damaged."""
        path = self.folder / stage / "record.json"
        if not path.exists():
            raise UserError(f"{self.folder} has no trained {stage}: train it with python -m train.")
        try:
            return StageRecord(**read_json(path))
        except TypeError as problem:
            raise UserError(f"{path} is damaged: {problem}") from problem

    def latents(self) -> dict[str, np.ndarray]:
        """What the finished stages know about their latent spaces: the arrays of a bundle's latents.npz."""
        found: dict[str, np.ndarray] = {}
        for stage in ("gan", "vae"):
            path = self.folder / stage / "latents.safetensors"
            if path.exists():
                found |= {k: v.numpy() for k, v in load_tensors(path)[0].items() if k != "sigma"}
        return found

    @property
    def sigma(self) -> float:
        """Calibrated standard deviation of the decoder, in units of [0, 1] pixels; while a finished VAE learns on, that
        of its last end. Raises UserError when it was never finished."""
        return float(load_tensors(self.folder / "vae" / "latents.safetensors")[0]["sigma"])
