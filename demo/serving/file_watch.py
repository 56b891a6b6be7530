"""Whether the files of bundles are still those that were verified: they may be deleted or replaced under a server."""

from pathlib import Path
from weakref import WeakKeyDictionary

from bundle import packed_files
from bundle.errors import BundleError
from bundle.schema import File
from bundle.verified_files import verified_bytes
from demo.serving.served_bundle import ServedBundle

# What changes with every change of a file: its size, its times in nanoseconds, and which file it is.
State = tuple[int, int, int, int]


class FileWatch:
    """Knows which state of each file was verified, and reads a file again only where that has changed."""

    def __init__(self) -> None:
        self._verified: WeakKeyDictionary[ServedBundle, dict[str, State]] = WeakKeyDictionary()

    def fault(self, served: ServedBundle) -> str:
        """What is wrong with the first file that is missing or was changed, as a sentence; empty where all are well."""
        bundle = served.engine.bundle
        verified = self._verified.setdefault(served, {})
        for entry in bundle.files.values():
            state = _state(bundle.folder / entry.file) or _state(bundle.folder / packed_files.GRAPHS)
            if state is not None and verified.get(entry.file) == state:
                continue
            verified.pop(entry.file, None)
            if fault := _fault(served, entry):
                return fault
            if state is not None:
                verified[entry.file] = state
        return ""


def _fault(served: ServedBundle, entry: File) -> str:
    try:
        verified_bytes(served.engine.bundle.folder, entry)
    except BundleError as error:
        return str(error)
    return ""


def _state(path: Path) -> State | None:
    """The state of a file, taken before it is read: a change meanwhile is noticed the next time. None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
