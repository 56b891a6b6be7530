"""Several files in one .tar.xz: a Space packs what would otherwise make it too large to be uploaded.

A bundle's generator holds the weights of its mapping and synthesis once more; packed together they are stored once.
"""

import functools
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from bundle.errors import BundleError, FileGone

PACKED_GRAPHS = "graphs.tar.xz"  # beside a bundle's index, where its graphs are packed
MAX_BYTES = 500_000_000  # of what an archive may unpack to
WINDOW = 1 << 24  # bytes: repetitions further apart are not found
KEPT = 8  # archives whose contents stay in memory


def pack(files: Mapping[str, bytes], weights: bool = True) -> bytes:
    """An archive with these files, by name; the same bytes for the same files. `weights`: whether they are mostly
    numbers of 16 bits, of which every second byte is alike, not text or code. Raises BundleError without lzma."""
    lzma = _lzma()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    # lp and pb: the coder knows at which of two bytes it is, which saves 4 % of weights.
    contexts = {"lc": 0, "lp": 1, "pb": 1} if weights else {}
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": WINDOW, **contexts}]
    return lzma.compress(plain.getvalue(), filters=filters)


def unpacked(archive: Path) -> Mapping[str, bytes]:
    """The files in an archive, by name; nothing is written. Raises FileGone when it is damaged or too large, or this
    Python has no lzma; OSError when it cannot be read."""
    state = archive.stat()
    return _unpacked(archive, state.st_mtime_ns, state.st_size)


def _lzma() -> ModuleType:
    """Python's module lzma, which those that were built without its library lack. Raises BundleError; all that is not
    packed is served without it."""
    try:
        import lzma
    except ImportError as error:
        raise BundleError("This Python has no module lzma, which packed files need: use one that has it.") from error
    return lzma


@functools.lru_cache(maxsize=KEPT)
def _unpacked(archive: Path, changed: int, size: int) -> Mapping[str, bytes]:
    try:
        lzma = _lzma()
    except BundleError as error:
        raise FileGone(f"'{archive.name}' is packed. {error}") from error
    try:
        plain = lzma.LZMADecompressor().decompress(archive.read_bytes(), max_length=MAX_BYTES + 1)
        if len(plain) > MAX_BYTES:
            raise FileGone(f"'{archive.name}' holds more than {MAX_BYTES / 1e6:.0f} MB.")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as files:
            plain_files = [entry for entry in files if entry.isfile()]  # no links, which may lead nowhere
            return {entry.name: stream.read() for entry in plain_files if (stream := files.extractfile(entry))}
    except (lzma.LZMAError, tarfile.TarError, EOFError) as error:
        raise FileGone(f"'{archive.name}' is damaged.") from error
