"""What is trained for a project, in which order, and by which commands.

First the VAE, for FIRST_LOOK minutes or all of its time where that is less, so that rebuilt pictures show at once. Then
the GAN, which takes longest, and the rest of the VAE. Then the inverter and the repair encoder, the classifier where
there are classes, and the regressor of attributes where some were chosen.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from bundle.sessions import default_threads
from demo.make.data_set import SET, reading_arguments
from demo.make.limits import LEAST_FOR_A_GAN
from demo.make.projects import Project, Remedy
from demo.make.run_view import Stage

SHARES: dict[Stage, float] = {
    "vae": 0.2, "gan": 0.58, "inverter": 0.085, "repair": 0.085, "classifier": 0.05, "attributes": 0.05,
}  # fmt: skip
COMMANDS: dict[Stage, tuple[str, ...]] = {
    "vae": ("vae",),
    "gan": ("gan",),
    "inverter": ("inverse", "--target", "gan"),
    "repair": ("inverse", "--target", "vae"),
    "classifier": ("classifier",),
    "attributes": ("attributes",),
}
"""Stage -> the command that trains it, in the folder of its name in the run."""

FIRST_LOOK = 2.5
"""Minutes of the VAE before the GAN begins: its first samples show within five minutes of the drop."""

FIRST_STEP = "first look"

BARELY = 0.01
"""Minutes with which a stage that was stopped early is finished: it trains no more, and measures what it has to."""

REMEDIES: dict[Remedy, dict[Stage, tuple[str, ...]]] = {
    "variety": {"gan": ("--minibatch-stddev",)},
    "steadiness": {"gan": ("--gamma", "1", "0.1")},
    "slower": {"gan": ("--lr", "0.0005"), "vae": ("--lr", "0.0003")},
}
"""What a button against an alarm adds to the command. "slower" holds from the beginning of a stage only."""


@dataclass(frozen=True)
class Step:
    """A stretch of one stage. `name`: by which a project knows that it is done, in a plan of another length too;
    `stage_minutes`: what the stage has had at its end; `minutes`: of the step itself."""

    name: str
    stage: Stage
    stage_minutes: float
    minutes: float


def steps(project: Project, pictures: int, classes: int) -> tuple[Step, ...]:
    """The training of a project with so many chosen pictures and classes: without GAN where the pictures are too few,
    without classifier where there are no classes."""
    gan = pictures >= LEAST_FOR_A_GAN
    wanted: list[Stage] = ["vae", "gan", "inverter", "repair"] if gan else ["vae", "repair"]
    if classes > 1:
        wanted.append("classifier")
    if project.attributes:
        wanted.append("attributes")
    total = sum(SHARES[stage] for stage in wanted)
    minutes = {stage: project.minutes * SHARES[stage] / total for stage in wanted}
    whole = [Step(stage, stage, minutes[stage], minutes[stage]) for stage in wanted]
    if not gan:
        return tuple(whole)
    vae, gan_step, *others = whole
    first = min(FIRST_LOOK, vae.minutes)
    if rest := vae.minutes - first:
        others.insert(0, Step("vae", "vae", vae.stage_minutes, rest))
    return Step(FIRST_STEP, "vae", first, first), gan_step, *others


def steps_left(project: Project, pictures: int, classes: int) -> tuple[Step, ...]:
    """Those of the steps that are not done; the first is the present one."""
    return tuple(step for step in steps(project, pictures, classes) if step.name not in project.done)


def raised_too_late(done: tuple[str, ...], before: float, after: float) -> bool:
    """Whether minutes in all that are raised do not reach one of the steps `done`. After the first look the VAE goes on
    in a later step, which they do reach."""
    return after > before and any(name != FIRST_STEP for name in done)


def training_command(step: Step, project: Project, folder: Path, finish: bool = False) -> list[str]:
    """The arguments of a step's command, which goes on where it was stopped. `finish`: it only finishes what there
    is."""
    run, (command, *target) = folder / "run", COMMANDS[step.stage]
    minutes = BARELY if finish else step.stage_minutes
    arguments = [sys.executable, "-m", "train", command, str(run), *target, "--minutes", f"{minutes:g}"]
    arguments += ["--threads", str(max(default_threads() - 1, 1))]  # one is left for the page
    if (run / "run.json").exists():
        arguments.append("--more-data")  # pictures may have come since
    begun = is_begun(run, step.stage)
    for remedy in project.remedies:
        if not (begun and remedy == "slower"):
            arguments += REMEDIES[remedy].get(step.stage, ())
    if begun:
        return [*arguments, "--resume", "--data", str(folder / SET)]
    arguments += reading_arguments(project, folder)
    if step.stage == "vae":
        arguments += ["--preset", "principal"]  # shows rebuilt pictures from the first step on
    return arguments


def is_begun(run: Path, stage: str) -> bool:
    """Whether a stage has a checkpoint from which it can go on."""
    return (run / stage / "state.safetensors").is_file()


def export_command(project: Project, folder: Path, name: str) -> list[str]:
    """The arguments of the command that makes the project's bundle of what has been learned so far."""
    arguments = [sys.executable, "-m", "export", "bundle", str(folder / "run"), str(folder / "bundle"), "--name", name]
    arguments += [f"--title={project.title}", "--data", str(folder / SET), "--unfinished"]
    return [*arguments, f"--licence={project.licence}"] if project.licence else arguments
