"""One server at a time on a folder of projects: a second would take trainings that run for such as were interrupted.

The lock is the system's, so that a server that was killed leaves none behind. Where the file system has no locks, there
is none.
"""

from pathlib import Path

from filelock import FileLock, Timeout

from bundle.errors import UserError

FILE = ".lock"


def lock_of(home: Path) -> FileLock:
    """The lock of the folder `home`, which any thread may take and give back."""
    return FileLock(home / FILE, thread_local=False, fallback_to_soft=False)


def take(lock: FileLock) -> None:
    """Takes a lock. Raises UserError where another server has it."""
    try:
        lock.acquire(blocking=False)
    except Timeout as problem:
        folder = Path(lock.lock_file).parent
        raise UserError(
            f"Another server uses {folder} for --make: end it first, or name another folder (--make-folder FOLDER)."
        ) from problem
    except (OSError, NotImplementedError):
        pass  # the file system has no locks, or refuses to write, which the first change says
