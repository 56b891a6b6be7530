"""Takes one project through the steps of its training, each a process. A wish meanwhile decides what comes next."""

import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bundle.errors import UserError
from bundle.training_status import CHECKPOINT_REQUEST, STATUS, read_status
from demo.make import failures, plan
from demo.make.child import Child
from demo.make.data_set import counts
from demo.make.machine import Machine
from demo.make.made_bundles import FOREVER, MadeBundles
from demo.make.projects import FILE, Projects

# Seconds into a step at which a sheet of samples is asked for, beside those that training makes by itself.
FIRST_SHEETS = (8.0, 20.0, 45.0, 90.0, 180.0)
LATER_SHEETS = 300.0
LOOK_EVERY = 0.5

Wish = Literal["pause", "resume", "step_anew", "next", "end"]
"""What is to come once the process has stopped: nothing for now; the same step with other settings; the same step from
its beginning; the next step, or none, this one being done."""


@dataclass
class Running:
    """The project that is being trained: its process, between two steps None, and what was wished for meanwhile."""

    name: str
    child: Child | None = None
    wish: Wish | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, wish: Wish) -> None:
        """Asks the process to stop. The last wish counts, but nothing comes after "pause"."""
        with self.lock:
            if self.wish != "pause":
                self.wish = wish
            if self.child is not None:
                self.child.stop()

    def begin(self, child: Child) -> None:
        """Takes the process of a step; stops it where a wish came before it."""
        with self.lock:
            self.child = child
            if self.wish:
                child.stop()

    def end(self) -> Wish | None:
        """Lets go of the process; returns what was wished for."""
        with self.lock:
            self.child, wish = None, self.wish
            if wish != "pause":  # that one holds whatever comes
                self.wish = None
            return wish


def train_all(running: Running, projects: Projects, made: MadeBundles, machine: Machine) -> None:
    """Trains what is left of a project. Raises UserError where a step fails."""
    name = running.name
    project, folder = projects.change(name, state="training"), projects.folder(name)
    while left := plan.steps_left(project, *counts(folder, project)):
        step = left[0]
        command, pixels = plan.training_command(step, project, folder), project.sides[0] * project.sides[1]
        done, wish = run_step(running, command, folder, machine, pixels)
        if wish == "step_anew":
            shutil.rmtree(folder / "run" / step.stage, ignore_errors=True)
        elif done or wish in ("next", "end"):
            if not done and plan.is_begun(folder / "run", step.stage):
                command = plan.training_command(step, project, folder, finish=True)
                _, later = run_step(running, command, folder, machine, pixels)
                wish = later or wish
            now = projects.get(name)  # its minutes may have been raised while the step ended
            raised = plan.raised_too_late((step.name,), project.minutes, now.minutes)
            short_of_time = now.short_of_time or not done or wish == "end" or raised
            projects.change(name, done=(*project.done, step.name), short_of_time=short_of_time)
        if wish == "pause":
            projects.change(name, state="paused")
            return
        if wish == "end":
            break
        project = projects.get(name)  # its minutes may have changed
    try:
        made.export(name, FOREVER, lambda: running.wish == "pause")
    except UserError:
        if running.wish != "pause":
            raise
        projects.change(name, state="paused")
        return
    projects.change(name, state="finished")


def run_step(
    running: Running, command: list[str], folder: Path, machine: Machine, pixels: int
) -> tuple[bool, Wish | None]:
    """Runs the command until it ends, or was asked to. Returns whether it came to its end, and what was wished for.

    pixels: of a picture. Raises UserError when it failed."""
    run = folder / "run"
    with suppress(OSError):
        (run / STATUS).unlink(missing_ok=True)  # what an earlier process said
    try:
        child = Child(command, folder, "training")
    except FileNotFoundError as problem:
        raise UserError(failures.REMOVED) from problem
    except OSError as problem:
        raise UserError(failures.sentence("training", [str(problem)], 1, folder)) from problem
    running.begin(child)
    began, asked, noted = time.monotonic(), 0, False
    while not child.ends_within(LOOK_EVERY):
        if not (folder / FILE).exists():  # removed underneath; what the process still writes goes with it
            child.stop()
            child.wait()
            running.end()
            shutil.rmtree(folder, ignore_errors=True)
            raise UserError(failures.REMOVED)
        if time.monotonic() - began > next_sheet(asked):
            asked += 1
            ask_for_checkpoint(run)
        if not noted:
            noted = note_speed(run, machine, pixels)
    if not noted:  # a step that was shorter than a look
        note_speed(run, machine, pixels)
    failed = child.wait() != 0
    with suppress(OSError):
        (run / CHECKPOINT_REQUEST).unlink(missing_ok=True)
    wish = running.end()
    if failed and not wish:
        raise UserError(child.last_words())
    return not failed, wish


def note_speed(run: Path, machine: Machine, pixels: int) -> bool:
    """Notes how fast the present step trains; whether that is known."""
    said = read_status(run)
    if said is None or said.expected is None:
        return False
    machine.note(said, pixels)
    return True


def next_sheet(asked: int) -> float:
    """Seconds into a step at which the next sheet is asked for, after so many."""
    if asked < len(FIRST_SHEETS):
        return FIRST_SHEETS[asked]
    return FIRST_SHEETS[-1] + (asked - len(FIRST_SHEETS) + 1) * LATER_SHEETS


def ask_for_checkpoint(run: Path, wait: float = 0.0) -> None:
    """Asks the training for a checkpoint and a sheet; waits at most so many seconds until it takes the request."""
    request = run / CHECKPOINT_REQUEST
    with suppress(OSError):
        request.touch()
    until = time.monotonic() + wait
    while request.exists() and time.monotonic() < until:
        time.sleep(0.1)
