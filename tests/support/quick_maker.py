"""A maker whose trainings are real processes that take no time: they leave a checkpoint, and wait for Ctrl-C."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bundle.sessions import choose_provider
from demo.make import plan
from demo.make.limits import OWN_MACHINE
from demo.make.made_bundles import MadeBundles
from demo.make.maker import Maker
from demo.make.plan import Step
from demo.make.projects import Project, Projects
from tests.support.waiting import wait_until

PICTURES = 20
# What the process does is said in a file: nothing, "kill", "torch", or the words of an error.
TRAINING = """
import os, sys, time
from pathlib import Path
run, stage, minutes, log, how = sys.argv[1:6]
folder = Path(run) / stage
folder.mkdir(parents=True, exist_ok=True)
(Path(run) / "run.json").write_text("{}")
(folder / "state.safetensors").touch()
(folder / "record.json").write_text('{"images": 1}')
with open(log, "a") as out: out.write(f"{stage} {minutes}\\n")
if how == "kill": os.kill(os.getpid(), 9)
if how == "torch": raise ImportError("libtorch_cpu.so: undefined symbol: _ZN5torch")
if how: print("error: " + how); sys.exit(2)
if float(minutes) > 0.02: time.sleep(60)
"""


@contextmanager
def quick_maker(place: Path, exports: bool = False) -> Iterator[Maker]:
    """A maker with its projects in `place`; `exports`: whether bundles are really made. How its trainings fail is read
    from the file `how` there, as each begins."""

    def command(step: Step, project: Project, folder: Path, finish: bool = False) -> list[str]:
        minutes = plan.BARELY if finish else step.stage_minutes
        how = (place / "how").read_text() if (place / "how").exists() else ""
        words = [folder / "run", step.stage, f"{minutes:g}", place / "log", how]
        return [sys.executable, "-c", TRAINING, *map(str, words)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "training_command", command)
        patch.setattr("demo.make.trainer.LOOK_EVERY", 0.02)
        if not exports:
            patch.setattr(MadeBundles, "export", lambda self, name, *of: None)
        found = Maker(Projects(place / "home"), {}, choose_provider("cpu"), OWN_MACHINE, place / "shelf")
        found.start()
        try:
            yield found
        finally:
            found.close()


def narrow(words: list[str]) -> list[str]:
    """The command of a training, of a VAE that is narrow: trained and exported in no time."""
    plain = [word for word in words if word not in ("--preset", "principal")]
    return [*plain, "--width", "16", "--hidden", "16", "--latent-dim", "8"]


def of_pictures(words: list[str], count: int) -> list[str]:
    """The command of a training, on so many pictures in place of minutes."""
    at = words.index("--minutes")
    return [*words[:at], "--images", str(count), *words[at + 2 :]]


def project(maker: Maker, title: str = "Discs", pictures: int = PICTURES) -> str:
    """A project with so many pictures, which nobody reads."""
    name = maker.projects.create(title)
    folder = maker.projects.folder(name) / "pictures" / "discs"
    folder.mkdir(parents=True)
    for i in range(pictures):
        (folder / f"{i:06d}.png").write_bytes(b"%d" % i)
    return name


def begun(maker: Maker, minutes: float = 30) -> str:
    """A project of few pictures whose first stage, the VAE, is trained."""
    name = project(maker)
    maker.train(name, minutes)
    wait_until(lambda: lines(maker) == ["vae"])
    return name


def lines(maker: Maker, whole: bool = False) -> list[str]:
    """Which stages were begun, in order; `whole`: with their minutes."""
    log = maker.projects.home.parent / "log"
    found = log.read_text().splitlines() if log.exists() else []
    return found if whole else [line.split()[0] for line in found]
