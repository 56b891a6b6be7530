"""The surveys of a server's projects: made in the background, kept until a project's pictures or framing change."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from bundle.errors import UserError
from demo.make.data_set import all_files
from demo.make.projects import Project, Projects
from demo.make.survey import Survey, survey
from demo.make.tables import Column, columns, table_files

FAILED = "The pictures could not be looked at; the server's log says why."
KEPT = 4  # surveys in memory: one of 3 000 pictures of 64 px takes 37 MB

Key = tuple[object, ...]


@dataclass
class Work:
    """A survey that is being made: pictures `done` of `of`, then its `result` and the `columns` of the tables that came
    with the pictures, or the `error` that prevented it."""

    key: Key
    done: int = 0
    of: int = 0
    result: Survey | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    error: str = ""


class Surveys:
    """Surveys by project."""

    def __init__(self, projects: Projects):
        self.projects = projects
        self._works: dict[str, Work] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Work:
        """The survey of a project as it is now; begun where there is none. Raises InputError for an unknown project."""
        project, folder = self.projects.get(name), self.projects.folder(name)
        key = key_of(project, folder)
        with self._lock:
            work = self._works.pop(name, None)
            if work is None or work.key != key:
                earlier = work.result if work else None
                work = Work(key)
                threading.Thread(target=make, args=(work, folder, project, earlier), daemon=True).start()
            self._works[name] = work
            while len(self._works) > KEPT:
                del self._works[next(iter(self._works))]
        return work

    def forget(self, name: str) -> None:
        """Drops the survey of a project that was deleted."""
        with self._lock:
            self._works.pop(name, None)


def key_of(project: Project, folder: Path) -> Key:
    """What a survey depends on: the framing, the parts that were chosen, and which files there are."""
    files = hash(tuple([*all_files(folder), *table_files(folder)]))
    return *project.sides, project.fit, project.background, hash(tuple(sorted(project.crops.items()))), files


def make(work: Work, folder: Path, project: Project, earlier: Survey | None) -> None:
    """Fills `work`."""

    def told(done: int, of: int) -> None:
        work.done, work.of = done, of

    try:
        found = survey(folder / "pictures", project, told, earlier)
        work.columns = columns(folder, found.files)
        work.result = found
    except (UserError, OSError, MemoryError) as problem:
        work.error = str(problem) or "The pictures are too many for the memory; choose a smaller size."
    finally:
        if work.result is None and not work.error:  # a fault of ours, which the log tells
            work.error = FAILED
