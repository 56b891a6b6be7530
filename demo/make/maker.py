"""Trains the projects of Make, one at a time, in the order in which they were asked for.

A thread walks through the steps of a project (demo/make/plan.py), each a process of its own. What is asked of it
meanwhile (pause, delete, the end of the server) asks that process to stop, which stores what was learned.
"""

import threading
import time
from collections.abc import MutableMapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle.errors import Busy, InputError, UserError
from bundle.read import read
from bundle.sessions import Provider
from bundle.training_status import CHECKPOINT_REQUEST, Status, read_status
from demo.make import plan
from demo.make.child import Child
from demo.make.data_set import counts, lay_out
from demo.make.limits import MakeLimits
from demo.make.projects import BUSY, Project, Projects
from demo.serving.engine import Engine, EngineCache
from demo.serving.served_bundle import ServedBundle

# Seconds into a step at which a sheet of samples is asked for, beside those that training makes by itself.
FIRST_SHEETS = (8.0, 20.0, 45.0, 90.0, 180.0)
LATER_SHEETS = 300.0
LOOK_EVERY = 0.5
EXPORT_SECONDS = 120.0  # that one export waits for another
CHECKPOINT_SECONDS = 30.0  # that "play it now" waits for a checkpoint
EXPORT_LOG, TRAINING_LOG = "export.log", "training.log"


@dataclass
class Running:
    """The project that is being trained: its process, between two steps None, and whether it was asked to stop."""

    name: str
    child: Child | None = None
    stopped: bool = False


class Maker:
    """The projects of a server. `bundles`: the served ones, to which those that can be played are added."""

    def __init__(self, projects: Projects, bundles: MutableMapping[str, ServedBundle], provider: Provider,
                 limits: MakeLimits):  # fmt: skip
        self.projects, self.bundles, self.provider, self.limits = projects, bundles, provider, limits
        self._cache = EngineCache()
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._current: Running | None = None
        self._ending = False
        self._exporting = threading.Lock()
        self._asking = threading.Lock()  # held by one who asks for a training: two may ask at once
        self._thread = threading.Thread(target=self._work, name="maker", daemon=True)

    # --- from start to end of the server -----------------------------------------------------------

    def start(self) -> None:
        """Takes up what an earlier server left: trainings wait for "Go on", bundles are served."""
        for name in self.projects.names():
            with suppress(UserError):
                if self.projects.get(name).state in BUSY:
                    self.projects.change(name, state="paused")
                if (self.projects.folder(name) / "bundle").is_dir():
                    self._serve(name)
        self._thread.start()

    def close(self) -> None:
        """Asks the training to store what it has learned, and waits for it."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._stop_current()
        if self._thread.is_alive():
            self._thread.join()

    # --- what visitors ask for ---------------------------------------------------------------------

    def train(self, name: str, minutes: float) -> None:
        """Puts a project in the queue. Raises InputError where it has too few pictures or the minutes are too many."""
        with self._asking:
            self._queue_up(name, minutes)

    def _queue_up(self, name: str, minutes: float) -> None:
        project = self.projects.get(name)
        if project.state in BUSY:
            return
        if not 1 <= minutes <= self.limits.minutes:
            raise InputError(f"The minutes must be from 1 to {self.limits.minutes:g}.")
        folder = self.projects.folder(name)
        if project.step == 0 and not (folder / "run").exists():
            lay_out(folder, project)
        self.projects.change(name, state="waiting", minutes=minutes, error="")
        with self._changed:
            self._waiting.append(name)
            self._changed.notify_all()

    def pause(self, name: str) -> None:
        """Stops a training, or takes it out of the queue; it can go on later."""
        with self._changed:
            if name in self._waiting:
                self._waiting.remove(name)
                self.projects.change(name, state="paused")
                return
        self._stop_current(name)

    def delete(self, name: str) -> None:
        """Ends its training, and removes the project, its pictures and all that was learned from them."""
        self.projects.folder(name)
        self.pause(name)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_current(name))
        self.bundles.pop(name, None)
        self.projects.delete(name)

    def play(self, name: str) -> None:
        """Makes a bundle of what has been learned so far and serves it. Raises UserError where that is nothing yet."""
        if not any((self.projects.folder(name) / "run").glob("*/record.json")) and not self._is_current(name):
            raise InputError("Nothing has been learned yet: let it train first.")
        if self._is_current(name):
            self._ask_for_checkpoint(self.projects.folder(name) / "run", wait=CHECKPOINT_SECONDS)
        self._export(name)

    def status(self, name: str) -> dict[str, Any]:
        """How far a project is, as JSON: what was chosen, the steps, what the training says, its place in the queue."""
        project, folder = self.projects.get(name), self.projects.folder(name)
        pictures, classes = counts(folder, project)
        with self._changed:
            place = self._waiting.index(name) + 1 if name in self._waiting else 0
        steps = plan.steps(project, pictures, classes)
        return {
            "name": name,
            "title": project.title,
            "state": project.state,
            "error": project.error,
            "minutes": project.minutes,
            "place": place,
            "pictures": pictures,
            "step": project.step,
            "steps": [{"command": step.command, "minutes": step.minutes} for step in steps],
            "training": said.model_dump(mode="json") if (said := said_by_training(project, folder, steps)) else None,
            "sheets": {stage: sheets(folder, stage) for step in steps for stage in plan.STAGES[step.command]},
            "playable": name in self.bundles,
        }

    # --- the thread --------------------------------------------------------------------------------

    def _work(self) -> None:
        while (running := self._next()) is not None:
            try:
                self._train_all(running)
            except (UserError, OSError) as problem:
                words = str(problem) if isinstance(problem, UserError) else f"{problem.strerror or problem}."
                with suppress(UserError):  # it was deleted, or the disk is full: then it is "paused" after a restart
                    self.projects.change(running.name, state="failed", error=words)
            finally:
                with self._changed:
                    self._current = None
                    self._changed.notify_all()

    def _next(self) -> Running | None:
        """The project whose turn it is; None when the server ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending)
            self._current = None if self._ending else Running(self._waiting.pop(0))
            return self._current

    def _train_all(self, running: Running) -> None:
        name = running.name
        project = self.projects.change(name, state="training")
        folder = self.projects.folder(name)
        steps = plan.steps(project, *counts(folder, project))
        has_gan = any(step.command == "gan" for step in steps)
        for i in range(project.step, len(steps)):
            step = steps[i]
            command = plan.training_command(step, project, folder, has_gan)
            if self._run_step(running, command, folder):
                self.projects.change(name, step=i + 1)
            if running.stopped:
                self.projects.change(name, state="paused")
                return
            with suppress(UserError) if i + 1 < len(steps) else nullcontext():  # the last one says what is wrong
                self._export(name)
        self.projects.change(name, state="finished")

    def _run_step(self, running: Running, command: list[str], folder: Path) -> bool:
        """Runs the command until it ends, or was asked to; returns whether it came to its end. Raises UserError when it
        failed."""
        run = folder / "run"
        child = Child(command, folder / TRAINING_LOG)
        with self._changed:
            running.child = child
            if running.stopped:
                child.stop()
        began, asked = time.monotonic(), 0
        while child.poll() is None:
            time.sleep(LOOK_EVERY)
            if time.monotonic() - began > next_sheet(asked):
                asked += 1
                self._ask_for_checkpoint(run)
        failed = child.wait() != 0
        with suppress(OSError):
            (run / CHECKPOINT_REQUEST).unlink(missing_ok=True)
        with self._changed:
            running.child = None
        if failed and not running.stopped:
            raise UserError(child.last_words())
        return not failed

    def _is_current(self, name: str) -> bool:
        with self._changed:
            return self._current is not None and self._current.name == name

    def _stop_current(self, name: str | None = None) -> None:
        """Asks the training to stop: that of `name`, or whichever there is."""
        with self._changed:
            if self._current is not None and name in (None, self._current.name):
                self._current.stopped = True
                if self._current.child is not None:
                    self._current.child.stop()

    def _ask_for_checkpoint(self, run: Path, wait: float = 0.0) -> None:
        """Asks the training for a checkpoint and a sheet; waits at most so many seconds until it takes the request."""
        request = run / CHECKPOINT_REQUEST
        with suppress(OSError):
            request.touch()
        until = time.monotonic() + wait
        while request.exists() and time.monotonic() < until:
            time.sleep(0.1)

    # --- bundles -----------------------------------------------------------------------------------

    def _export(self, name: str) -> None:
        if not self._exporting.acquire(timeout=EXPORT_SECONDS):
            raise Busy("Another generator is being made playable; try again in a minute.")
        try:
            self._export_alone(name)
        finally:
            self._exporting.release()

    def _export_alone(self, name: str) -> None:
        project, folder = self.projects.get(name), self.projects.folder(name)
        child = Child(plan.export_command(project, folder, name), folder / EXPORT_LOG)
        while child.poll() is None:
            if self._ending:
                child.stop()
            time.sleep(0.1)
        if child.wait():
            raise UserError(child.last_words())
        self._serve(name)

    def _serve(self, name: str) -> None:
        """Serves the bundle of a project, in place of its earlier one. Raises BundleError."""
        bundle = read(self.projects.folder(name) / "bundle")
        self.bundles[name] = ServedBundle(Engine(bundle, self.provider, self._cache))


def said_by_training(project: Project, folder: Path, steps: tuple[plan.Step, ...]) -> Status | None:
    """What the process of the present step says; None while there is none, or it has not begun."""
    if project.state != "training" or project.step >= len(steps):
        return None
    said = read_status(folder / "run")
    is_now = said and said.stage in plan.STAGES[steps[project.step].command] and said.state in ("training", "measuring")
    return said if is_now else None


def next_sheet(asked: int) -> float:
    """Seconds into a step at which the next sheet is asked for, after so many."""
    if asked < len(FIRST_SHEETS):
        return FIRST_SHEETS[asked]
    return FIRST_SHEETS[-1] + (asked - len(FIRST_SHEETS) + 1) * LATER_SHEETS


def sheets(folder: Path, stage: str) -> list[int]:
    """The sample sheets of a stage, by how many pictures had been seen, in order."""
    return sorted(int(path.stem) for path in (folder / "run" / stage / "samples").glob("*.png") if path.stem.isdigit())
