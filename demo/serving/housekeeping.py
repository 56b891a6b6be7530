"""Keeps the folder of uploaded files, and the heap, small while a server runs for weeks.

Gradio deletes the files that it remembers but leaves an empty folder for each, and nothing limits how much arrives
within the hour that they stay. A thread deletes what is older, empty folders too, and the oldest files if there are too
many. It works only in the folder that demo/app.py created for this server.
"""

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_AGE = 3600.0  # seconds that a file stays
MIN_AGE = 60.0  # seconds that a file stays in any case: a request may be reading it
MAX_FILES = 500
MAX_BYTES = 500_000_000
INTERVAL = 30.0  # seconds between two sweeps
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
MAX_ARENAS = 2


@dataclass(frozen=True)
class _Entry:
    """A file or folder; `changed` in seconds since 1970."""

    path: Path
    changed: float
    bytes: int


class Janitor:
    """Sweeps `folder` in a thread of its own between `start` and `stop`.

    `remembered`: Gradio's sets of its files. Gradio drops only what it deleted itself; `sweep` drops the rest.
    """

    def __init__(
        self,
        folder: Path,
        max_age: float = MAX_AGE,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_BYTES,
        remembered: Sequence[set[str]] = (),
    ):
        self._folder, self._remembered = folder, remembered
        self._max_age, self._max_files, self._max_bytes = max_age, max_files, max_bytes
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)

    def start(self) -> None:
        """Begin to sweep, every INTERVAL seconds."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, once a sweep in progress is done."""
        self._ending.set()
        self._thread.join()

    def sweep(self, now: float | None = None) -> int:
        """Delete what is too old at `now` (seconds since 1970) or too much; returns how many files and folders went."""
        now = time.time() if now is None else now
        files, folders = self._look()
        files.sort(key=lambda one: one.changed, reverse=True)  # newest first
        gone = kept = held = 0
        for one in files:
            kept, held = kept + 1, held + one.bytes
            too_much = kept > self._max_files or held > self._max_bytes
            if now - one.changed > (MIN_AGE if too_much else self._max_age):
                with contextlib.suppress(OSError):
                    one.path.unlink()
                    gone += 1
        for folder in folders:  # innermost first
            # `changed` is from before its files were deleted, which counts as a change itself.
            if now - folder.changed > MIN_AGE:
                with contextlib.suppress(OSError):  # raised for a folder that is not empty
                    folder.path.rmdir()
                    gone += 1
        for paths in self._remembered:
            paths.difference_update([path for path in list(paths) if not Path(path).exists()])
        return gone

    def _look(self) -> tuple[list[_Entry], list[_Entry]]:
        """All files and folders inside. Links are not followed."""
        files: list[_Entry] = []
        folders: list[_Entry] = []
        for place, _, names in os.walk(self._folder, topdown=False, followlinks=False):
            for found, path in [(files, Path(place) / name) for name in names] + [(folders, Path(place))]:
                with contextlib.suppress(OSError):
                    state = path.lstat()
                    found.append(_Entry(path, state.st_ctime, state.st_size))
        return files, [one for one in folders if one.path != self._folder]

    def _run(self) -> None:
        while not self._ending.wait(INTERVAL):
            self.sweep()
            trim_heap()


# --- the C library's heap
#
# glibc gives threads heaps ("arenas") of their own, up to eight a core, and none of them ever shrinks. With pictures
# allocated in dozens of threads, that adds up to a hundred megabytes that no Python object uses.


def limit_arenas() -> None:
    """Allow at most MAX_ARENAS heaps; call it before any thread starts. Without glibc it does nothing."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, MAX_ARENAS)


def trim_heap() -> None:
    """Return unused memory to the system. Without glibc it does nothing."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
