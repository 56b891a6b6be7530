"""How much memory training needs: the peak of a whole `python -m train` process on drawn pictures.

    python -m benchmarks.memory            100 x 100 RGB at every default, a few steps of the GAN and of the VAE

Memory is the same in every step, so a few are enough; a real set adds its own bytes (channels x side x side a picture).
Linux and macOS only.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from PIL import Image

from train.settings import STAGES

LIMIT = 4.0  # GiB, at 100 x 100 RGB


@dataclass(frozen=True)
class Settings:
    """What to train, and on what."""

    stages: Annotated[tuple[Literal["gan", "vae"], ...], tyro.conf.Positional] = ("gan", "vae")
    """Which stages; the pictures have no classes, so no classifier."""
    size: int = 100
    """Side of the pictures, in pixels."""
    steps: int = 2
    """Steps of each stage."""
    batch: int | None = None
    """Pictures a step; default: the stage's own."""


def pictures(folder: Path, size: int, count: int = 700) -> Path:
    """A folder of coloured noise, since memory does not depend on the pictures; enough for the largest batches."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(folder / f"{i:03d}.png")
    return folder


def peak(stage: str, settings: Settings, folder: Path) -> float:
    """Peak memory of one training process, GiB."""
    batch = settings.batch or STAGES[stage](run=folder).batch
    words = [stage, folder / "run", "--data", folder / "pictures", "--size", settings.size]
    words += ["--batch", batch, "--images", batch * settings.steps]
    log = folder / f"{stage}.log"
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "train", *map(str, words)], stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"The {stage} failed with exit code {process.returncode}:\n{log.read_text()}")
    return usage.ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def main(argv: list[str]) -> None:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    with tempfile.TemporaryDirectory() as home:
        pictures(Path(home) / "pictures", settings.size)
        for stage in settings.stages:
            found = peak(stage, settings, Path(home))
            print(
                f"{stage}: {found:.2f} GiB at {settings.size} x {settings.size} RGB (limit at 100: {LIMIT:.0f})",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
