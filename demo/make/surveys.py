"""The surveys of a server's projects: made in the background, kept until a project's pictures or framing change."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bundle.errors import UserError
from demo.make.data_set import all_files
from demo.make.failures import words_of
from demo.make.projects import Project, Projects
from demo.make.survey import TOO_MANY, Survey, survey
from demo.make.tables import Column, columns, table_files

FAILED = "The pictures could not be looked at; the server's log says why."
AGAIN = 10.0  # seconds after which one that failed is made once more: memory or disk may be free by then
KEPT_BYTES = 400_000_000  # of surveys in memory, beside the latest one: one of 3 000 pictures of 64 px takes 37 MB

Key = tuple[object, ...]


class Superseded(Exception):
    """Pictures or framing have changed: nobody needs this survey any more."""


@dataclass
class SurveyTask:
    """A survey that is being made: pictures `done` of `of`, then its `result`, the `columns` of the tables that came
    with the pictures and `notes` on how those were read, or the `error` that prevented it; `ended`: when, on
    time.monotonic(). `earlier`: what was seen before; `superseded`: set once another survey has taken its place."""

    key: Key
    earlier: Survey | None = None
    done: int = 0
    of: int = 0
    result: Survey | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    ended: float = 0.0
    superseded: threading.Event = field(default_factory=threading.Event)

    @property
    def is_stale(self) -> bool:
        """Whether it failed so long ago that it may go well now."""
        return bool(self.error) and time.monotonic() - self.ended > AGAIN

    @property
    def bytes(self) -> int:
        """How much memory its pictures take."""
        held = self.result or self.earlier
        return held.pictures.nbytes if held else 0

    @property
    def made(self) -> bool:
        """Whether it has come to its end."""
        return self.result is not None or bool(self.error)


class Surveys:
    """Surveys by project."""

    def __init__(self, projects: Projects):
        self.projects = projects
        self._tasks: dict[str, SurveyTask] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> SurveyTask:
        """The survey of a project as it is now; begun where there is none. Raises InputError for an unknown project."""
        project, folder = self.projects.get(name), self.projects.folder(name)
        key = key_of(project, folder)
        with self._lock:
            task = self._tasks.get(name)
            if task is None or task.key != key or task.is_stale:
                self._drop(name)
                task = SurveyTask(key, earlier=(task.result or task.earlier) if task else None)
                threading.Thread(target=make, args=(task, folder, project), daemon=True).start()
            self._tasks.pop(name, None)
            self._tasks[name] = task  # the latest one last
            held = 0
            for other, one in list(reversed(self._tasks.items()))[1:]:
                held += one.bytes
                if one.made and held > KEPT_BYTES:
                    self._drop(other)
        return task

    def forget(self, name: str) -> None:
        """Drops the survey of a project that was deleted."""
        with self._lock:
            self._drop(name)

    def _drop(self, name: str) -> None:
        """Forgets a survey, and ends it where it is still being made. For whoever holds the lock."""
        if (task := self._tasks.pop(name, None)) is not None:
            task.superseded.set()


def key_of(project: Project, folder: Path) -> Key:
    """What a survey depends on: the framing, the parts that were chosen, and which files there are."""
    files = hash(tuple([*all_files(folder), *table_files(folder)]))
    return *project.sides, project.fit, project.background, hash(tuple(sorted(project.crops.items()))), files


def make(task: SurveyTask, folder: Path, project: Project) -> None:
    """Fills `task`; the body of its thread."""

    def on_progress(done: int, of: int) -> None:
        task.done, task.of = done, of
        if task.superseded.is_set():
            raise Superseded

    try:
        found = survey(folder / "pictures", project, on_progress, task.earlier)
        task.columns = columns(folder, found.files, task.notes)
        task.result, task.earlier = found, None  # what was seen before is in it, too
    except Superseded:
        return
    except (UserError, OSError, MemoryError) as problem:
        task.error = TOO_MANY if isinstance(problem, MemoryError) else words_of(problem)
    finally:
        if not task.made and not task.superseded.is_set():  # a fault of ours, which the log tells
            task.error = FAILED
        task.ended = time.monotonic()
