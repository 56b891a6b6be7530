"""What is trained for a project, in which order, and by which commands.

The VAE comes first, which shows rebuilt pictures within a minute; then the GAN, which takes longest; then the encoders
for both, and the classifier and the attributes where there are any.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bundle.sessions import core_count
from demo.make.data_set import reading_words
from demo.make.limits import FEW_FOR_A_GAN
from demo.make.projects import Project

Command = Literal["vae", "gan", "inverse", "classifier", "attributes"]
SHARES: dict[Command, float] = {"vae": 0.2, "gan": 0.58, "inverse": 0.17, "classifier": 0.05, "attributes": 0.05}
STAGES: dict[Command, tuple[str, ...]] = {
    "vae": ("vae",),
    "gan": ("gan",),
    "inverse": ("inverter", "repair"),
    "classifier": ("classifier",),
    "attributes": ("attributes",),
}
"""Command -> the folders that it fills in the run."""


@dataclass(frozen=True)
class Step:
    """One command of a training, and the minutes that it gets."""

    command: Command
    minutes: float


def steps(project: Project, pictures: int, classes: int) -> tuple[Step, ...]:
    """The training of a project with so many chosen pictures and classes: without GAN where the pictures are too few,
    without classifier where there are no classes, without
    attribute regressor where no attributes were chosen."""
    wanted: list[Command] = ["vae"]
    if pictures >= FEW_FOR_A_GAN:
        wanted.append("gan")
    wanted.append("inverse")
    if classes > 1:
        wanted.append("classifier")
    if project.attributes:
        wanted.append("attributes")
    total = sum(SHARES[command] for command in wanted)
    return tuple(Step(command, project.minutes * SHARES[command] / total) for command in wanted)


def training_command(step: Step, project: Project, folder: Path, has_gan: bool) -> list[str]:
    """The words of a step's command, which goes on where it was stopped. `has_gan`: whether a GAN is trained, too."""
    words = [sys.executable, "-m", "train", step.command, str(folder / "run"), "--minutes", f"{step.minutes:g}"]
    if step.command == "inverse" and not has_gan:
        words += ["--target", "vae"]
    threads = max(core_count() - 1, 1)  # one is left for the page
    words += ["--threads", str(threads)]
    if any((folder / "run" / stage / "config.json").exists() for stage in STAGES[step.command]):
        return [*words, "--resume", "--data", str(folder / "set")]
    words += reading_words(project, folder)
    if step.command == "vae":
        words += ["--preset", "principal"]  # shows rebuilt pictures from the first step on
    return words


def export_command(project: Project, folder: Path, name: str) -> list[str]:
    """The words of the command that makes the project's bundle of what has been learned so far."""
    words = [sys.executable, "-m", "export", "bundle", str(folder / "run"), str(folder / "bundle"), "--name", name]
    words += [f"--title={project.title}", "--data", str(folder / "set"), "--unfinished"]
    return [*words, f"--licence={project.licence}"] if project.licence else words
