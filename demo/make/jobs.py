"""Work for a project that takes minutes and is no training: measuring, staging a Space or a page. One at a time.

Each is a process of its own, which ends with the server; how it went stays until the next one of the project begins.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bundle.errors import Busy, UserError
from demo.make import failures
from demo.make.child import Child
from demo.make.projects import Projects

Kind = Literal["measure", "space", "page"]


@dataclass
class Job:
    """One piece of work. `error`: why it failed, once it has; `stopped`: whether it was asked to."""

    kind: Kind
    child: Child
    began: float
    done: bool = False
    error: str = ""
    stopped: bool = False
    thread: threading.Thread | None = None


class Jobs:
    """What is done for the projects of a server besides training."""

    def __init__(self, projects: Projects):
        self.projects = projects
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, kind: Kind, command: list[str], then: Callable[[], None]) -> None:
        """Starts a command for a project; `then` is called where it ends well, and may raise UserError.

        Raises Busy while another one runs, UserError where it cannot be started."""
        folder = self.projects.folder(name)
        with self._lock:
            if any(not job.done for job in self._jobs.values()):
                raise Busy("Something is being measured or staged already; wait until it is done.")
            try:
                child = Child(command, folder, kind)
            except OSError as problem:
                raise UserError(failures.sentence(kind, [str(problem)], 1, folder)) from problem
            job = self._jobs[name] = Job(kind, child, time.monotonic())
            job.thread = threading.Thread(target=self._wait, args=(job, then), name=f"make-{kind}", daemon=True)
            job.thread.start()

    def check_idle(self, name: str) -> None:
        """Raises Busy while something is done with the bundle of a project."""
        job = self._jobs.get(name)
        if job is not None and not job.done:
            raise Busy("This generator is being measured or staged; wait until that is done.")

    def facts(self, name: str) -> dict[str, Any] | None:
        """The last job of a project as JSON; None where there was none since the server began."""
        job = self._jobs.get(name)
        if job is None:
            return None
        seconds = round(time.monotonic() - job.began)
        return {"kind": job.kind, "done": job.done, "error": job.error, "seconds": seconds}

    def stop(self, name: str) -> None:
        """Ends the job of a project, and waits for it."""
        job = self._jobs.get(name)
        if job is not None and not job.done:
            job.stopped = True
            job.child.stop()
            if job.thread:
                job.thread.join()  # it may be at `then`
        self._jobs.pop(name, None)

    def close(self) -> None:
        """Ends all of them, without waiting."""
        for job in list(self._jobs.values()):
            job.stopped = True
            job.child.stop()

    @staticmethod
    def _wait(job: Job, then: Callable[[], None]) -> None:
        try:
            code = job.child.wait()
            if not code:
                then()
            elif not job.stopped:
                job.error = job.child.last_words()
        except Exception as problem:
            job.error = failures.without_paths(failures.words_of(problem), job.child.log.parent)
        finally:  # else every later job would wait for this one
            job.done = True
