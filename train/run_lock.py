"""One training at a time in a run folder: two would mix their settings and weights.

The lock is the system's, so that a process that was killed leaves none behind, and one on another machine is seen where
the file system locks for all of them. Where it does not (some NFS), a file counts that its owner touches every minute.
"""

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.read import INDEX
from bundle.shell_line import shell_line
from bundle.training_status import OWNER

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
TOUCH_SECONDS = 60.0
STALE_SECONDS = 600.0  # after which an owner that no longer touches its file is gone


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """While inside, no other training can use the run folder `run`, which is made when missing and, if it is still
    empty at the end, removed.

    Raises UserError where another training uses it, and where it cannot be a run folder.
    """
    new = not run.exists()
    make_folder(run)
    lock, owner = FileLock(run / ".lock", fallback_to_soft=False), run / OWNER
    try:
        with taken(lock, run, owner), touched(owner):
            yield
    finally:
        if new:
            remove_empty(run)


def make_folder(run: Path) -> None:
    """Makes the run folder. Raises UserError where there is a file or a bundle, or nothing can be written."""
    if run.exists() and not run.is_dir():
        raise UserError(f"{run} is a file: name a folder for the run.")
    if (run / INDEX).exists():
        raise UserError(
            f"{run} is a bundle, not a run folder: name another folder, or make a run of the bundle "
            f"(python -m export unpack {shell_line([str(run)])} RUN)."
        )
    try:
        run.mkdir(parents=True, exist_ok=True)
    except FileExistsError as problem:
        raise UserError(f"{problem.filename} is a file: {run} cannot be made in it.") from problem
    except OSError as problem:
        raise UserError(f"{run} cannot be made: {problem.strerror}. Name a folder that you can write to.") from problem


@contextmanager
def taken(lock: FileLock, run: Path, owner: Path) -> Iterator[None]:
    """Holds the system's lock; where the file system has none, only looks by the file `owner` whether another training
    runs. Raises UserError where one does, and where nothing can be written."""
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(in_use(run, owner)) from None
    except PermissionError as problem:
        raise UserError(f"Nothing can be written in {run}: {problem.strerror}. Name another run folder.") from problem
    except (OSError, NotImplementedError) as problem:
        if isinstance(problem, OSError) and problem.errno in UNWRITABLE:
            raise UserError(f"Nothing can be written in {run}: {problem.strerror}.") from problem
        if is_alive(owner):  # the file system has no locks
            raise UserError(in_use(run, owner)) from None
    try:
        yield
    finally:
        if lock.is_locked:
            lock.release()


@contextmanager
def touched(owner: Path) -> Iterator[None]:
    """Writes down who uses the run folder, and touches that file every minute."""
    facts = {"host": socket.gethostname(), "process": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    write_file(owner, json.dumps(facts).encode())
    ended = threading.Event()

    def touch() -> None:
        while not ended.wait(TOUCH_SECONDS):
            with suppress(OSError):
                os.utime(owner)

    threading.Thread(target=touch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with suppress(OSError):
            owner.unlink()


def facts_of(owner: Path) -> dict:
    """What the file says; {} where it is missing or damaged."""
    try:
        found = json.loads(owner.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def is_alive(owner: Path) -> bool:
    """Whether the process that wrote the file seems to be running: on this machine by its number, elsewhere by when it
    last touched the file."""
    facts = facts_of(owner)
    if not facts:
        return False
    if facts.get("host") == socket.gethostname():
        return facts.get("process") != os.getpid() and is_running(facts.get("process"))
    with suppress(OSError):
        return time.time() - owner.stat().st_mtime < STALE_SECONDS
    return False


def is_running(process: object) -> bool:
    """Whether a process of this machine runs."""
    return isinstance(process, int) and psutil.pid_exists(process)


def in_use(run: Path, owner: Path) -> str:
    """The sentence for somebody who comes second."""
    facts = facts_of(owner)
    who = f" (process {facts['process']} on {facts['host']}, since {facts['since']})" if len(facts) == 3 else ""
    return f"Another training uses {run}{who}: let it end, stop it with Ctrl-C, or choose another run folder."


def remove_empty(run: Path) -> None:
    """Removes a run folder in which nothing was stored."""
    with suppress(OSError):  # it may be gone already
        if {path.name for path in run.iterdir()} <= {".lock"}:
            (run / ".lock").unlink(missing_ok=True)
            run.rmdir()
