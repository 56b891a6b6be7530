"""Where packs of pictures lie: in a run's own folder, or together in one that several runs and commands share."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from train.data.packed import INDEX, Pack, disk_errors
from train.progress_bar import say

LARGE_FILES = Path("/var/tmp")  # for temporary files that are too large for /tmp, which many systems keep in memory


@dataclass(frozen=True)
class Cache:
    """A folder for packs. `shared`: each has a folder of its own in it; else there is one, which the next replaces."""

    folder: Path
    shared: bool = False

    def find(self, key: str) -> Pack | None:
        """The pack of a key, finished or not, if it is there and undamaged."""
        folders = sorted(path.parent for path in self.folder.glob(f"*/{INDEX}")) if self.shared else [self.folder]
        return next((pack for folder in folders if (pack := Pack.open(folder, key))), None)

    def is_empty(self) -> bool:
        """Whether there is no pack at all: then no key needs to be computed."""
        return not any(self.folder.glob(f"*/{INDEX}" if self.shared else INDEX))

    def place(self, name: str, key: str) -> Path:
        """The folder for a pack that is to be made. name: of the pictures, for whoever looks into the folder."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:40]}-{key[:8]}" if self.shared else self.folder

    @contextmanager
    def one_at_a_time(self, key: str, needed: int) -> Iterator[None]:
        """While inside, no other process makes the pack of this key, whatever it calls the pictures; nor any other
        pack, where there is room for one. Whoever comes second waits. needed: bytes of the pack. Raises UserError when
        the disk refuses."""
        with disk_errors(self.folder, needed):
            self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / (f".{key[:16]}.lock" if self.shared else ".lock"), fallback_to_soft=False)
        with suppress(NotImplementedError, OSError):  # a file system without locks
            try:
                lock.acquire(blocking=False)
            except Timeout:
                say(f"Another process packs pictures into {self.folder}: waiting until it is done.")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()


def cache_of_run(run: Path, given: Path | None) -> Cache:
    """Where a run keeps its pictures if they are too many for memory: the folder that --cache names, else its own."""
    return Cache(run / "pictures") if given is None else Cache(given, shared=True)


@contextmanager
def opened_cache(given: Path | None, own: Cache | None) -> Iterator[Cache]:
    """The cache of a command: the folder that --cache names, else the `own` one of its run, else a temporary folder,
    which is removed at the end."""
    if given is not None:
        yield Cache(given, shared=True)
        return
    if own is not None:
        yield own
        return
    large = LARGE_FILES if "TMPDIR" not in os.environ and os.access(LARGE_FILES, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="twofold-", dir=large, ignore_cleanup_errors=True) as folder:
        yield Cache(Path(folder))
