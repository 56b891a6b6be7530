"""The bundles of Make: exported from what a project has learned so far, and served beside the others."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bundle.card_words import with_title, with_words
from bundle.errors import Busy, UserError
from bundle.model_index import with_model_index
from bundle.quality_section import store_quality
from bundle.read import read
from bundle.sessions import Provider
from bundle.write import card_of, update_bundle
from demo.facts import bundle_facts
from demo.make import plan
from demo.make.child import WAITED_FOR, Child
from demo.make.failures import told_without_paths
from demo.make.projects import Projects
from demo.serving.engine import Engine, EngineCache
from demo.serving.served_bundle import ServedBundle

PATIENCE = 120.0  # seconds that a visitor's request waits for another one that changes or copies a bundle
FOREVER = -1.0  # as Lock.acquire takes it: for the export at the end of a training, where no visitor is waiting
LOOK_EVERY = 0.1


class MadeBundles:
    """`served`: all bundles of the server, by name; those of projects are added. `ending`: whether the server ends."""

    def __init__(self, projects: Projects, served: MutableMapping[str, ServedBundle], provider: Provider,
                 ending: Callable[[], bool]):  # fmt: skip
        self.projects, self.served, self.provider, self.ending = projects, served, provider, ending
        self._cache = EngineCache()
        # Of those of `served` that are its own; a copy on the shelf has such a name.
        self._revisions: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._locked: str | None = None  # the project whose files are locked
        self._removed: set[str] = set()  # projects whose bundle is being removed

    @contextmanager
    def files_locked(self, name: str, patience: float | None = None) -> Iterator[None]:
        """While inside, nobody else changes the files of a bundle. `name`: the project whose bundle is changed or
        copied. Raises Busy where others do so for more than `patience` seconds, by default PATIENCE, and where the
        bundle is being removed."""
        if not self._lock.acquire(timeout=PATIENCE if patience is None else patience):
            raise Busy("Another generator is being made playable; try again in a minute.")
        try:
            self._locked = name
            self._check_kept(name)
            yield
        finally:
            self._locked = None
            self._lock.release()

    @contextmanager
    def removed(self, name: str) -> Iterator[None]:
        """The bundle of a project is served no more, and while inside, nobody makes, changes or copies it: an export
        that has begun is stopped and waited for. Raises Busy where that takes more than PATIENCE seconds."""
        self._removed.add(name)
        try:
            until = time.monotonic() + PATIENCE
            while self._locked == name:
                if time.monotonic() > until:
                    raise Busy("What was learned is still being stored; try again in a minute.")
                time.sleep(LOOK_EVERY)
            self.drop(name)
            yield
        finally:
            self._removed.discard(name)

    def export(self, name: str, patience: float | None = None, stopped: Callable[[], bool] = lambda: False) -> None:
        """Makes a bundle of what has been learned so far and serves it; `patience`: see files_locked; `stopped`:
        whether it is to end at once. Raises UserError, also where it is stopped."""
        with self.files_locked(name, patience), told_without_paths(self.projects.folder(name)):
            self._export_alone(name, stopped)
            self._write_description(name)

    def serve(self, name: str) -> None:
        """Serves the bundle of a project, in place of its earlier one. Raises BundleError."""
        bundle = read(self.folder(name))
        earlier = self.served.get(name)
        self.served[name] = ServedBundle(Engine(bundle, self.provider, self._cache))
        self._revisions[name] = next(self._numbers)
        if earlier:
            earlier.engine.close()

    def drop(self, name: str) -> None:
        """Serves it no more."""
        self._revisions.pop(name, None)
        if served := self.served.pop(name, None):
            served.engine.close()

    def revision(self, name: str) -> int | None:
        """A number of the bundle of a project that is served, another one once it is renewed; None where the project
        cannot be played."""
        return self._revisions.get(name)

    def folder(self, name: str) -> Path:
        """Where the bundle of a project is, or will be. Raises InputError where there is no such project."""
        return self.projects.folder(name) / "bundle"

    def facts(self, name: str) -> dict[str, Any]:
        """What the page knows of a bundle that is served, and whether its project goes on learning."""
        project = self.projects.get(name)
        return bundle_facts(self.served[name]) | {"learning": project.state != "finished", "made": name}

    def all_facts(self) -> list[dict[str, Any]]:
        """The same of every project that can be played."""
        found = []
        for name in self.projects.names():
            with suppress(UserError, KeyError):  # deleted just now
                if name in self._revisions:
                    found.append(self.facts(name))
        return found

    def is_newest(self, name: str) -> bool:
        """Whether the bundle holds all that was learned, but for its title and description."""
        return self._has_newest_weights(name) and self.has_licence(name)

    def has_licence(self, name: str) -> bool:
        """Whether the bundle that is served states the project's licence; where there is none, what a new one would
        state."""
        stated = self.served[name].info.dataset.licence
        return stated == (self.projects.get(name).licence or licence_of_run(self.projects.folder(name) / "run", stated))

    def put_description(self, name: str) -> None:
        """Writes the project's title and description into the bundle, whatever was learned since. Raises UserError
        where the disk refuses."""
        with self.files_locked(name), told_without_paths(self.projects.folder(name)):
            self._write_description(name)

    def _write_description(self, name: str) -> None:
        folder, project = self.folder(name), self.projects.get(name)
        bundle, card = read(folder), card_of(folder) or ""
        info = bundle.info.model_copy(update={"title": project.title})
        changed = with_model_index(with_words(with_title(card, project.title), project.description), info)
        if (changed, project.title) != (card, bundle.info.title):
            update_bundle(bundle, info, card=changed)
            self.serve(name)

    def _has_newest_weights(self, name: str) -> bool:
        """Whether each stage of the served bundle has seen as many pictures as that of the run."""
        served = self.served.get(name)
        if served is None:
            return False
        in_bundle = {stage: trained.images for stage, trained in served.info.training.items()}
        return in_bundle == pictures_seen(self.projects.folder(name) / "run")

    def _export_alone(self, name: str, stopped: Callable[[], bool]) -> None:
        project, folder = self.projects.get(name), self.projects.folder(name)
        served = self.served.get(name)
        figures = served.info.quality if served and self._has_newest_weights(name) else None
        try:
            child = Child(plan.export_command(project, folder, name), folder, "export", WAITED_FOR)
        except OSError as problem:
            raise UserError(f"The generator cannot be made playable: {problem.strerror or problem}.") from problem
        while not child.ends_within(LOOK_EVERY):
            if self.ending() or stopped() or name in self._removed:
                child.stop()
        self._check_kept(name)
        if child.wait():
            raise UserError(child.last_words())
        if figures:  # of the same weights
            store_quality(folder / "bundle", figures)
        self.serve(name)

    def _check_kept(self, name: str) -> None:
        """Raises Busy while the bundle of a project is being removed."""
        if name in self._removed:
            raise Busy("What was learned is being forgotten.")


def pictures_seen(run: Path) -> dict[str, int]:
    """Stage -> how many pictures it had seen at its last checkpoint."""
    found = {}
    for path in run.glob("*/record.json"):
        with suppress(OSError, ValueError, KeyError):
            found[path.parent.name] = json.loads(path.read_bytes())["images"]
    return found


def licence_of_run(run: Path, default: str) -> str:
    """What a bundle of the run states as its licence where nobody names one; `default`: where the run does not say."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((run / "run.json").read_bytes())["data"]["licence"])
    return default
