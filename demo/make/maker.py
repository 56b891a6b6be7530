"""Trains the projects of Make, one at a time, in the order in which they were asked for.

A thread walks through the steps of a project (demo/make/plan.py), each a process of its own. A request meanwhile
(pause, another time, the next step, the end of the server) makes that process stop, which first stores what it has
learned.
"""

import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from bundle.errors import Busy, InputError, UserError
from bundle.picture_files import TRAINING
from bundle.sessions import Provider
from demo.make import failures, folder_lock, forgetting, more_pictures, plan, project_status
from demo.make.data_set import SET, lay_out
from demo.make.jobs import Jobs, Kind
from demo.make.limits import MakeLimits
from demo.make.machine import Machine
from demo.make.made_bundles import MadeBundles
from demo.make.projects import BUSY, DamagedProject, Project, Projects, Remedy, State
from demo.make.trainer import Running, Wish, ask_for_checkpoint, train_all
from demo.serving.served_bundle import ServedBundle

CHECKPOINT_SECONDS = 30.0  # that "play it now" waits for a checkpoint
STOP_SECONDS = 90.0  # that a delete waits for a training to end


class Maker:
    """The projects of a server. `bundles`: the served ones, to which those that can be played are added. `shelf`: where
    copies of finished bundles are served from now on; None: nowhere."""

    def __init__(self, projects: Projects, bundles: MutableMapping[str, ServedBundle], provider: Provider,
                 limits: MakeLimits, shelf: Path | None = None):  # fmt: skip
        # Pillow's limit, of the whole process, is that of uploads (demo/__init__.py); it raises above twice as many.
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, TRAINING.pixels // 2)
        self.projects, self.limits, self.shelf = projects, limits, shelf
        self.machine = Machine(projects.home)
        self.made = MadeBundles(projects, bundles, provider, lambda: self._ending)
        self.jobs = Jobs(projects)
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._to_end: set[str] = set()  # of those that wait: whose present step is only to be finished
        self._current: Running | None = None
        self._ending = False
        self._asking = threading.Lock()  # held by one who asks for a training: two may ask at once
        self._lock = folder_lock.lock_of(projects.home)
        self._thread = threading.Thread(target=self._work, name="maker", daemon=True)

    # --- from start to end of the server -----------------------------------------------------------

    def start(self) -> None:
        """Takes up what an earlier server left: trainings wait for "Go on", bundles are served. Raises UserError where
        another server uses the folder."""
        folder_lock.take(self._lock)
        for name in self.projects.names():
            with suppress(UserError):
                if self.projects.get(name).state in BUSY:
                    self.projects.change(name, state="paused")
                if self.made.folder(name).is_dir():
                    self.made.serve(name)
        self._thread.start()

    def close(self) -> None:
        """Asks the training to store what it has learned, and waits for it."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self.jobs.close()
        self._stop_current("pause")
        if self._thread.is_alive():
            self._thread.join()
        self._lock.release()

    # --- what visitors ask for ---------------------------------------------------------------------

    def train(self, name: str, minutes: float) -> None:
        """Puts a project in the queue; one that was finished goes on learning, from more pictures where some came.

        `minutes`: in all. Raises InputError where it has too few pictures or the minutes are too many."""
        with self._asking:
            project = self.projects.get(name)
            if self.state_of(name) in BUSY:
                return
            self.jobs.check_idle(name)  # before its pictures are touched
            self.check_minutes(minutes)
            folder = self.projects.folder(name)
            if (folder / "run" / "run.json").exists() and (folder / SET).is_dir():
                more_pictures.add(folder, project)
            else:
                lay_out(folder, project)
            if project.state == "finished":  # every stage goes on
                self._enqueue(name, minutes=minutes, done=(), short_of_time=False)
            else:
                self._enqueue(name, **another_time(project, minutes))

    def check_minutes(self, minutes: float) -> None:
        """Raises InputError for a time that nothing can be trained in, or that is not allowed here."""
        if not 1 <= minutes <= self.limits.minutes:
            raise InputError(f"The minutes must be from 1 to {self.limits.minutes:g}.")

    def pause(self, name: str) -> None:
        """Stops a training, or takes it out of the queue; it can go on later."""
        if not self._left_queue(name):
            self._stop_current("pause", name)

    def take_minutes(self, name: str, minutes: float) -> None:
        """Gives a training another time in all, more or less, while it runs. Raises InputError."""
        self.check_minutes(minutes)
        self.projects.change(name, **another_time(self.projects.get(name), minutes))
        self._stop_current("resume", name)

    def next_step(self, name: str) -> None:
        """Ends the present step: what it has learned is enough."""
        self._stop_current("next", name)

    def finish(self, name: str) -> None:
        """Ends the training for good, as if its time were over: the present step is finished, and no other begins. One
        that is paused is taken up for that."""
        with self._asking:
            if self.state_of(name) in ("paused", "failed"):
                self._enqueue(name, to_end=True)
        self._stop_current("end", name)

    def remedy(self, name: str, remedy: Remedy) -> None:
        """Takes up advice against an alarm; a training that runs goes on with it. "slower" begins its step anew."""
        project = self.projects.get(name)
        self.projects.change(name, remedies=sorted({*project.remedies, remedy}))
        if self._is_current(name):
            self._stop_current("step_anew" if remedy == "slower" else "resume", name)
        elif remedy == "slower":
            forgetting.forget_step(self.projects, name)

    def start_over(self, name: str) -> None:
        """Forgets all that was learned; the pictures stay, and may be chosen anew."""
        self._end(name)
        with self.made.removed(name):
            self._unshelve(name)
            forgetting.forget_all(self.projects, name)

    def delete(self, name: str) -> None:
        """Ends its training, and removes the project, its pictures and all that was learned from them."""
        self._end(name)
        with self.made.removed(name):
            self._unshelve(name)
            self.projects.delete(name)

    def _unshelve(self, name: str) -> None:
        """Removes the copy of its bundle that later servers would find."""
        with suppress(UserError):  # a damaged one says nothing of a shelf
            if self.projects.get(name).shelved and self.shelf:
                forgetting.remove(self.shelf / name)

    def play(self, name: str) -> None:
        """Makes a bundle of what has been learned so far and serves it. Raises UserError where that is nothing yet."""
        run = self.projects.folder(name) / "run"
        self.jobs.check_idle(name)
        if not any(run.glob("*/record.json")) and not self._is_current(name):
            raise InputError("Nothing has been learned yet: let it train first.")
        if self._is_current(name):
            ask_for_checkpoint(run, wait=CHECKPOINT_SECONDS)
        if not self.made.is_newest(name):
            self.made.export(name)
        else:
            self.made.put_description(name)

    def describe(self, name: str) -> None:
        """Writes a project's title, licence and description into its bundle, whatever was learned since. Raises
        UserError."""
        self.jobs.check_idle(name)
        if self.made.has_licence(name):
            self.made.put_description(name)
        else:
            self.made.export(name)

    def begin_job(self, name: str, kind: Kind, command: list[str], then: Callable[[], None]) -> None:
        """Starts work on the bundle of a project: see Jobs.begin. Raises InputError while it is trained."""
        with self._asking:
            self.check_not_trained(name)
            self.jobs.begin(name, kind, command, then)

    def check_not_trained(self, name: str) -> None:
        """Raises InputError while a project is trained, or waits for that."""
        if self.state_of(name) in BUSY:
            raise InputError("Pause the training first.")

    def state_of(self, name: str) -> State:
        """How far a project is. What its file calls busy, and nobody works on, was interrupted where the disk was full:
        that could not be written."""
        state = self.projects.get(name).state
        with self._changed:
            busy = name in self._waiting or (self._current is not None and self._current.name == name)
        return state if busy or state not in BUSY else "paused"

    def status(self, name: str, own_machine: bool = False) -> dict[str, Any]:
        """How far a project is, as JSON: what was chosen, the steps, what the training says, its place in the queue.
        `own_machine`: whether it is for whoever owns this machine, who may know its folders."""
        with self._changed:
            place = self._waiting.index(name) + 1 if name in self._waiting else 0
        try:
            found = project_status.status(self.projects, name, self.state_of(name), own_machine)
        except DamagedProject as problem:
            found = project_status.of_damaged(name, str(problem))
        revision = self.made.revision(name)
        return found | {
            "place": place,
            "playable": revision is not None,
            "bundle_revision": revision,
            "job": self.jobs.facts(name),
        }

    # --- the thread --------------------------------------------------------------------------------

    def _work(self) -> None:
        while (running := self._next()) is not None:
            try:
                train_all(running, self.projects, self.made, self.machine)
            except Exception as problem:  # whatever it is, the projects behind it are trained
                words = failures.words_of(problem)
                ended = {"state": "paused"} if self._ending else {"state": "failed", "error": words}
                with suppress(UserError):  # it was deleted, or the disk is full: `state_of` says the rest
                    self.projects.change(running.name, **ended)
            finally:
                with self._changed:
                    self._current = None
                    self._changed.notify_all()

    def _next(self) -> Running | None:
        """The project whose turn it is; None when the server ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending)
            if self._ending:
                return None
            name = self._waiting.pop(0)
            self._current = Running(name, wish="end" if name in self._to_end else None)
            self._to_end.discard(name)
            return self._current

    def _enqueue(self, name: str, to_end: bool = False, **changes: Any) -> None:
        """Puts a project in the queue; `to_end`: its present step is only to be finished. For whoever holds `_asking`.
        Raises Busy while something is done with its bundle."""
        self.jobs.check_idle(name)
        self.projects.change(name, state="waiting", error="", **changes)
        with self._changed:
            if to_end:
                self._to_end.add(name)
            self._waiting.append(name)
            self._changed.notify_all()

    def _left_queue(self, name: str) -> bool:
        """Whether the project was waiting, and does so no more."""
        with self._changed:
            if name not in self._waiting:
                return False
            self._waiting.remove(name)
            self._to_end.discard(name)
            self.projects.change(name, state="paused")
            return True

    def _is_current(self, name: str) -> bool:
        with self._changed:
            return self._current is not None and self._current.name == name

    def _stop_current(self, wish: Wish, name: str | None = None) -> None:
        """Asks the training to stop: that of `name`, or whichever there is; `wish`: what comes then."""
        with self._changed:
            if self._current is not None and name in (None, self._current.name):
                self._current.ask(wish)

    def _end(self, name: str) -> None:
        """Ends whatever is done for a project, and waits for it. Raises Busy where that takes too long: what is still
        at work would write into what comes next."""
        self.projects.folder(name)
        self.jobs.stop(name)
        with suppress(UserError):  # it cannot be written, and is no longer in the queue
            self.pause(name)
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_current(name), STOP_SECONDS):
                raise Busy("What was learned is still being stored; try again in a minute.")


def another_time(project: Project, minutes: float) -> dict[str, Any]:
    """What changes in a project that is given so many minutes in all."""
    too_late = plan.raised_too_late(project.done, project.minutes, minutes)
    return {"minutes": minutes, "short_of_time": project.short_of_time or too_late}
