"""Whether files are still those that were verified, of bundles and of the page: they may be deleted or replaced under a
server."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from bundle import packed_files
from bundle.errors import BundleError, UserError
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
            state = file_state(bundle.folder / entry.file) or file_state(bundle.folder / packed_files.PACKED_GRAPHS)
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


@dataclass
class KnownFile:
    """A file of the page as it was when the server began. `place`: what changes on the disk when it does; `read`: its
    bytes; `verified`: the state of `place` at which they had the checksum."""

    place: Path
    read: Callable[[], bytes]
    sha256: str
    verified: State | None
    _data: bytes | None = None

    @classmethod
    def begin(cls, place: Path, read: Callable[[], bytes], sha256: str = "") -> "KnownFile":
        """The file as it is now; `sha256`: its checksum, where it has just been computed. Raises what `read` raises."""
        state = file_state(place)
        return cls(place, read, sha256 or hashlib.sha256(read()).hexdigest(), state)

    def content(self) -> bytes | None:
        """Its bytes; None while it is missing, or another one lies in its place."""
        if self._data is None or self._changed():
            self._data = self._checked()
        return self._data

    def well(self) -> bool:
        """Whether `content` would give its bytes; read again only where it has changed on the disk."""
        if not self._changed():
            return True
        self._data = None
        return self._checked() is not None

    def _changed(self) -> bool:
        return self.verified is None or file_state(self.place) != self.verified

    def _checked(self) -> bytes | None:
        self.verified = None
        state = file_state(self.place)
        try:
            data = self.read()
        except (OSError, LookupError, ValueError, UserError):
            return None
        if state is None or hashlib.sha256(data).hexdigest() != self.sha256:
            return None
        self.verified = state
        return data


def file_state(path: Path) -> State | None:
    """The state of a file, taken before it is read: a change meanwhile is noticed the next time. None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
