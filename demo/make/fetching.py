"""Pictures that a project gets from this machine or the Hub: a folder, a zip, a data set by its name, a ready set.

A process of its own reads the source as training would and leaves its pictures as files in `.fetched`
(train/data/picture_folder.py), from where they go the way of all pictures that are brought (demo/make/incoming.py).
"""

import os
import re
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from bundle.errors import InputError, UserError
from demo.make.child import Child
from demo.make.failures import words_of
from demo.make.incoming import Incoming
from demo.make.limits import MakeLimits
from demo.make.projects import Projects
from demo.make.tables import is_table

FETCHED = ".fetched"
LOOK_EVERY = 0.3
NOTE = "note: "  # with which the process begins a line of the report
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+|shapes")
RECORDS = {".md", ".json"}  # of a ready set: no pictures

FetchState = Literal["reading", "storing", "done", "stopped", "failed"]
UNDER_WAY: tuple[FetchState, ...] = ("reading", "storing")


@dataclass(frozen=True)
class ReadySet:
    """A set to try. `command`: the module and its arguments, after which comes the folder; `options`: what stands
    behind the folder; `most`: its pictures; `needs`:
    packages; `hub`: whether it is fetched from the Hugging Face Hub."""

    command: tuple[str, ...]
    options: tuple[str, ...]
    most: int
    needs: tuple[str, ...] = ()
    hub: bool = False


UNPACK = "train.data.picture_folder"
READY: dict[str, ReadySet] = {
    "shapes": ReadySet((UNPACK, "shapes"), ("--most", "2000"), 2000, ("torch",)),
    "avatars": ReadySet(
        ("examples.avatars",),
        ("--train", "400", "--test", "0"),
        1600,
        ("torch", "dicebear", "dicebear_styles", "resvg_py"),
    ),
    "mnist": ReadySet((UNPACK, "ylecun/mnist"), ("--most", "3000"), 3000, ("torch", "datasets"), hub=True),
    "fashion": ReadySet(
        (UNPACK, "zalando-datasets/fashion_mnist"), ("--most", "3000"), 3000, ("torch", "datasets"), hub=True
    ),
}


def ready_sets(limits: MakeLimits) -> dict[str, int]:
    """The ready sets that can be had here -> how many pictures each has."""
    return {
        name: ready.most
        for name, ready in READY.items()
        if all(map(find_spec, ready.needs)) and (limits.own_machine or not ready.hub) and ready.most <= limits.pictures
    }


@dataclass
class Fetch:
    """How far one is: `done` of `of` pictures read, then stored; `refused` as for arrivals; `notes` on how the source
    was read."""

    of: int
    state: FetchState = "reading"
    done: int = 0
    stored: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    child: Child | None = None
    thread: threading.Thread | None = None


class Fetches:
    """What is being fetched for the projects of a server, one source at a time for each."""

    def __init__(self, projects: Projects, limits: MakeLimits, incoming_of: Callable[[str], Incoming]):
        self.projects, self.limits, self._incoming_of = projects, limits, incoming_of
        self._fetches: dict[str, Fetch] = {}
        self._lock = threading.Lock()

    def begin_ready(self, name: str, which: str) -> None:
        """Fetches a ready set. Raises InputError where there is none of this name here, UserError as `_begin`."""
        if which not in ready_sets(self.limits):
            raise InputError("There is no such ready set here.")
        ready = READY[which]
        folder = self.projects.folder(name) / FETCHED
        self._begin(name, [*ready.command, str(folder), *ready.options], ready.most)

    def begin_path(self, name: str, source: str) -> None:
        """Fetches a folder, a zip, parquet or a data set of the Hub. Raises InputError, UserError as `_begin`."""
        source = source.strip()
        if not self.limits.own_machine:
            raise InputError("Folders of this machine can be named only where --make is for its owner alone.")
        if not source:
            raise InputError("Name a folder or a zip on this machine, or a data set of the Hugging Face Hub.")
        near = place_of(source)
        if near is None and not HUB_NAME.fullmatch(source):
            raise InputError(
                f"{source[:1000]} is not on this machine: name a folder, a zip, or a data set of the Hub as owner/name."
            )
        most = self._incoming_of(name).room[1]
        folder = self.projects.folder(name) / FETCHED
        arguments = [UNPACK, str(near) if near else source, str(folder), "--most", str(max(most, 1))]
        self._begin(name, arguments, 0)

    def status(self, name: str) -> dict[str, object] | None:
        """How far the last fetch of a project is, as JSON; None where there was none."""
        with self._lock:
            fetch = self._fetches.get(name)
        if fetch is None:
            return None
        told = {key: getattr(fetch, key) for key in ("state", "done", "of", "stored", "notes", "error")}
        return told | {"refused": dict(fetch.refused), "under_way": fetch.state in UNDER_WAY}

    def stop(self, name: str) -> None:
        """Ends a fetch and waits for it; what was stored stays."""
        with self._lock:
            fetch = self._fetches.get(name)
            if fetch is None or fetch.state not in UNDER_WAY:
                return
            fetch.state = "stopped"
            if fetch.child:
                fetch.child.stop()
        if fetch.thread:
            fetch.thread.join()

    def _begin(self, name: str, arguments: list[str], of: int) -> None:
        """`arguments`: a module and what it takes. Raises InputError while another is under way, UserError where the
        process cannot be started."""
        folder = self.projects.folder(name)
        with self._lock:
            before = self._fetches.get(name)
            if before and before.state in UNDER_WAY:
                raise InputError("Pictures are being fetched already: wait until they are here, or stop it.")
            shutil.rmtree(folder / FETCHED, ignore_errors=True)  # of a server that was killed
            fetch = Fetch(of)
            try:
                fetch.child = Child([sys.executable, "-m", *arguments], folder, "fetch")
            except OSError as problem:
                raise UserError(f"The pictures cannot be fetched: {problem.strerror or problem}.") from problem
            fetch.thread = threading.Thread(target=self._run, args=(name, fetch, folder), daemon=True)
            self._fetches[name] = fetch
            fetch.thread.start()  # before anybody can stop it, who waits for its end

    def _run(self, name: str, fetch: Fetch, folder: Path) -> None:
        try:
            self._read(fetch, folder / FETCHED)
            if self._goes_on(fetch, "reading", "storing"):
                self._store(name, fetch, folder / FETCHED)
                self._goes_on(fetch, "storing", "done")
        except Exception as problem:
            fetch.error = words_of(problem)
            self._goes_on(fetch, fetch.state, "failed")
        finally:
            shutil.rmtree(folder / FETCHED, ignore_errors=True)

    def _goes_on(self, fetch: Fetch, before: FetchState, after: FetchState) -> bool:
        """Whether a fetch was still in the state `before`, under way; it is in `after` then. One that was stopped stays
        so."""
        with self._lock:
            if fetch.state != before or before not in UNDER_WAY:
                return False
            fetch.state = after
            return True

    def _read(self, fetch: Fetch, target: Path) -> None:
        """Waits for the process. Raises UserError with its sentence."""
        child = fetch.child
        assert child is not None
        while not child.ends_within(LOOK_EVERY):
            fetch.done = count_in(target)
        if child.wait() and fetch.state == "reading":
            raise UserError(child.last_words())
        fetch.notes = [line.removeprefix(NOTE) for line in child.last_lines() if line.startswith(NOTE)]

    def _store(self, name: str, fetch: Fetch, source: Path) -> None:
        """Takes what the process left into the project. Raises UserError where the disk refuses or there is no room."""
        incoming = self._incoming_of(name)
        files = files_in(source)
        fetch.done, fetch.of = 0, len(files)
        for file in files:
            if fetch.state != "storing":
                return
            arrivals = incoming.take(file, file.relative_to(source).as_posix())
            fetch.stored += arrivals.stored
            fetch.refused += arrivals.refused
            fetch.done += 1
            with suppress(OSError):
                file.unlink()  # so that the disk need not hold it twice


def place_of(source: str) -> Path | None:
    """The folder or file that a visitor names; None where there is none, such as in the home of nobody, or under a name
    that no disk takes."""
    try:
        place = Path.cwd() / Path(source).expanduser()
        return place if place.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None


def count_in(folder: Path) -> int:
    """How many files `files_in` would give: quick, as it is asked for again and again while they become more."""
    names = (name for _, _, names in os.walk(folder) for name in names)
    return sum(os.path.splitext(name)[1] not in RECORDS for name in names)  # noqa: PTH122 (a Path for each takes long)


def files_in(folder: Path) -> list[Path]:
    """The files that were left there, tables first, so that whoever stops has them; none where no folder is there."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in RECORDS)
    return sorted(found, key=lambda path: (not is_table(path.name), path))
