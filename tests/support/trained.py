"""A run that is really trained, though hardly, and its bundle: the commands of train and export on pictures drawn here.

The fixtures `trained_run` and `exported` (tests/conftest.py) build them once for all tests and all worker processes.
"""

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from export.__main__ import main as export_main
from tests.support.small_runs import NARROW
from train.__main__ import main as train_main

CLASSES = ("bar", "disc", "square")  # of tests.support.pictures, in the order of their folders' names
EVERY_STAGE = ("classifier", "gan", "vae", "inverse")
# 256 pictures seen in a stage: four steps of 64.
FEW = tuple(["--images", "256", "--batch", "64", "--threads", "1", "--precision", "fp32"])


@dataclass(frozen=True)
class Exported:
    """A bundle's folder and what `export bundle` printed."""

    folder: Path
    printed: str


def train(*words: str | Path) -> None:
    """Runs `python -m train` with these words, which must succeed. The run records them as typed."""
    typed = [str(word) for word in words]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["train", *typed])
        assert train_main(typed) == 0


def train_tiny(run: Path, pictures: Path, *stages: str, more: Sequence[str] = ()) -> Path:
    """Trains these of EVERY_STAGE, narrow and for four steps each, with `more` words each. Returns `run`."""
    for stage in stages:
        train(stage, run, "--data", pictures, *FEW, *NARROW[stage], *more)
    return run


def export(*words: str | Path) -> str:
    """Runs `python -m export` with these words, which must succeed; returns what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert export_main([str(word) for word in words]) == 0
    return printed.getvalue()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, once for all workers: the first one makes it, the others wait. Read only."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # a worker's own folder lies in the one that all share
        root = root.parent
    folder, done = root / name, root / f"{name}.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()  # fails where another worker failed in `make`
            make(folder)
            done.touch()
    return folder
