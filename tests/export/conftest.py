"""A really trained, really tiny run on pictures drawn here, and its bundle; both made once."""

import io
import os
import random
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image, ImageDraw

from export.__main__ import main
from train.data.dataset import load
from train.resume import resolve_resume
from train.run_folder import bind_data
from train.settings import ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings, changed_flags
from train.training import train_stage

CLASSES = ("box", "disc", "line")
TARGETS = {"inverter": "gan", "repair": "vae"}


@dataclass(frozen=True)
class Exported:
    """A bundle and what the command printed."""

    folder: Path
    printed: str


def draw(folder: Path, classes: tuple[str, ...], mode: str = "L") -> Path:
    """200 pictures of 16 x 16, grey or "RGB", in sub-folders; without classes, all in one folder."""
    dice = random.Random(0)
    for i in range(200):
        kind = CLASSES[i % 3]
        picture = Image.new("L", (16, 16), dice.randint(0, 60))
        x, y, side = dice.randint(1, 6), dice.randint(1, 6), dice.randint(5, 8)
        pen = ImageDraw.Draw(picture)
        shape = {"box": pen.rectangle, "disc": pen.ellipse, "line": pen.line}[kind]
        shape((x, y, x + side, y + side), fill=dice.randint(120, 255))
        path = folder / (kind if classes else "") / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.convert(mode).save(path)
    return folder


def train_tiny(run: Path, pictures: Path, stages: tuple[str, ...]) -> Path:
    """256 pictures a stage through the real training code."""
    data = load(str(pictures), 16, quiet=True)
    bind_data(run, data[0])
    common = {"run": run, "data": str(pictures), "images": 256, "batch": 64, "threads": 1}
    settings: dict[str, Settings] = {
        "classifier": ClassifierSettings(**common),
        "gan": GanSettings(**common, width=16, latent_dim=8, w_dim=8),
        "vae": VaeSettings(**common, width=16, latent_dim=4, components=2),
        "inverter": InverseSettings(**common, width=16, hidden=16),
        "repair": InverseSettings(**common, width=16, hidden=16),
    }
    with pytest.MonkeyPatch.context() as patch:
        for stage in stages:
            command = ["inverse", "--target", TARGETS[stage]] if stage in TARGETS else [stage]
            flags = changed_flags(settings[stage], without=("run", "data", "target"))
            patch.setattr(sys, "argv", ["train", *command, str(run), "--data", str(pictures), *flags])
            assert train_stage(stage, resolve_resume(stage, settings[stage], set()), data)
    return run


def export(*argv: str | Path) -> str:
    """Runs the command, which must succeed; returns what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main([str(word) for word in argv]) == 0
    return printed.getvalue()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, once for all processes of a run: whoever comes later waits. Read only."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # below the folder that they share, each has its own
        root = root.parent
    folder, done = root / name, root / f"{name}.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()  # one that is there was left by somebody who failed
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every stage. Read only."""

    def make(root: Path) -> None:
        pictures = draw(root / "pictures", CLASSES)
        train_tiny(root / "shapes", pictures, ("classifier", "gan", "vae", "inverter", "repair"))

    return made_once(tmp_path_factory, "trained", make) / "shapes"


@pytest.fixture(scope="session")
def exported(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundle of `trained_run`. Read only."""

    def make(root: Path) -> None:
        (root / "printed").write_text(export("bundle", trained_run, root / "shapes"), encoding="utf-8")

    root = made_once(tmp_path_factory, "exported", make)
    return Exported(root / "shapes", (root / "printed").read_text(encoding="utf-8"))
