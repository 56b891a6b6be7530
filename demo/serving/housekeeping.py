"""Keeps the folder for uploads, and the heap, small while a server runs for weeks.

Gradio removes the files that it remembers, but leaves an empty folder for each, and nothing bounds how much comes
within the hour that they may stay. This thread removes what is older, empty folders too, and the oldest where there is
too much. It works in a folder that demo/app.py has made for itself, and nowhere else.
"""

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

AGE = 3600.0  # seconds that a file may stay
GRACE = 60.0  # seconds that a file stays in any case: a request may be reading it
MAX_FILES = 500
MAX_BYTES = 500_000_000
EVERY = 30.0  # seconds between two looks
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
ARENAS = 2


@dataclass(frozen=True)
class _Found:
    path: Path
    since: float
    bytes: int


class Janitor:
    """Sweeps `folder` in a thread of its own between `start` and `stop`. `remembered`: Gradio's sets of its files, from
    which it drops only those that it has removed itself."""

    def __init__(
        self,
        folder: Path,
        age: float = AGE,
        files: int = MAX_FILES,
        size: int = MAX_BYTES,
        remembered: Sequence[set[str]] = (),
    ):
        self._folder, self._remembered = folder, remembered
        self._age, self._files, self._size = age, files, size
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def sweep(self, now: float | None = None) -> int:
        """Removes what is too old at `now` (seconds since 1970), or too much; returns how many things went."""
        now = time.time() if now is None else now
        files, folders = self._look()
        files.sort(key=lambda one: one.since, reverse=True)  # the newest first
        gone = kept = held = 0
        for one in files:
            kept, held = kept + 1, held + one.bytes
            too_much = kept > self._files or held > self._size
            if now - one.since > (GRACE if too_much else self._age):
                with contextlib.suppress(OSError):
                    one.path.unlink()
                    gone += 1
        for folder in folders:  # the innermost first
            # As it was before its files went: the removal counts as a change.
            if now - folder.since > GRACE:
                with contextlib.suppress(OSError):  # which it raises where something is in it
                    folder.path.rmdir()
                    gone += 1
        for paths in self._remembered:
            paths.difference_update([path for path in list(paths) if not Path(path).exists()])
        return gone

    def _look(self) -> tuple[list[_Found], list[_Found]]:
        """All files and folders inside, links as what they are, not where they lead."""
        files: list[_Found] = []
        folders: list[_Found] = []
        for place, _, names in os.walk(self._folder, topdown=False, followlinks=False):
            for found, path in [(files, Path(place) / name) for name in names] + [(folders, Path(place))]:
                with contextlib.suppress(OSError):
                    state = path.lstat()
                    found.append(_Found(path, state.st_ctime, state.st_size))
        return files, [one for one in folders if one.path != self._folder]

    def _run(self) -> None:
        while not self._ending.wait(EVERY):
            self.sweep()
            give_back()


# --- the C library's memory
#
# glibc gives threads heaps of their own, eight for each core, and each keeps its largest extent for ever. Pictures come
# and go in dozens of threads: that adds up to a hundred megabytes which no Python object holds.


def few_heaps() -> None:
    """From now on at most ARENAS heaps; before threads are started. Does nothing where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Unused memory goes back to the system. Does nothing where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
