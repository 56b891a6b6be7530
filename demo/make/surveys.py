"""The surveys of a server's projects: made in the background, kept until a project's pictures or framing change."""

import threading
from dataclasses import dataclass
from pathlib import Path

from bundle.errors import UserError
from demo.make.projects import Project, Projects
from demo.make.survey import Survey, survey

KEPT = 4  # surveys in memory: one of 3 000 pictures of 64 px takes 37 MB

Key = tuple[object, ...]


@dataclass
class Work:
    """A survey that is being made: pictures `done` of `of`, then its `result`, or the `error` that prevented it."""

    key: Key
    done: int = 0
    of: int = 0
    result: Survey | None = None
    error: str = ""


class Surveys:
    """Surveys by project."""

    def __init__(self, projects: Projects):
        self.projects = projects
        self._works: dict[str, Work] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Work:
        """The survey of a project as it is now; begun where there is none. Raises InputError for an unknown project."""
        project, folder = self.projects.get(name), self.projects.folder(name) / "pictures"
        key = key_of(project, folder)
        with self._lock:
            work = self._works.pop(name, None)
            if work is None or work.key != key:
                work = Work(key)
                threading.Thread(target=make, args=(work, folder, project), daemon=True).start()
            self._works[name] = work
            while len(self._works) > KEPT:
                del self._works[next(iter(self._works))]
        return work

    def forget(self, name: str) -> None:
        """Drops the survey of a project that was deleted."""
        with self._lock:
            self._works.pop(name, None)


def key_of(project: Project, folder: Path) -> Key:
    """What a survey depends on: the framing, and which files there are."""
    files = sorted(f"{path.parent.name}/{path.name}" for path in folder.glob("*/*"))
    return project.size, project.fit, project.background, hash(tuple(files))


def make(work: Work, folder: Path, project: Project) -> None:
    """Fills `work`."""

    def told(done: int, of: int) -> None:
        work.done, work.of = done, of

    try:
        work.result = survey(folder, project, told)
    except (UserError, OSError, MemoryError) as problem:
        work.error = str(problem) or "The pictures are too many for the memory; choose a smaller size."
