"""What the targets share: reading bundles, and replacing a folder as a whole, never over somebody's other files."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bundle.atomic_files import scratch, swap
from bundle.errors import UserError
from bundle.read import OpenBundle, read


@dataclass(frozen=True)
class Source:
    """One file of a target: its place in the folder, and a file to copy or the bytes to write."""

    place: str
    content: Path | bytes


def read_bundles(folders: Sequence[Path]) -> list[OpenBundle]:
    """The bundles in these folders, every file verified.

    Raises UserError when two have one name or there is none, BundleError when one cannot be opened.
    """
    bundles = [read(folder) for folder in folders]
    for name, count in Counter(bundle.info.name for bundle in bundles).items():
        if count > 1:
            raise UserError(f"Two of these bundles are called '{name}': export one of them with another --name.")
    if not bundles:
        raise UserError("There is no bundle to export: name the folder of at least one.")
    return bundles


def fill(folder: Path, sources: Iterable[Source]) -> None:
    """Writes the files into `folder`, which exists; of links what they point to. Raises OSError."""
    for source in sources:
        path = folder / source.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.content if isinstance(source.content, bytes) else source.content.read_bytes())


def files_in(folder: Path) -> list[Path]:
    """The files and links in a folder and its sub-folders, as paths relative to it, sorted."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


@contextmanager
def replaced(target: Path, ours: Callable[[Path], bool], kind: str) -> Iterator[Path]:
    """A new folder to build in, which takes the place of `target` when the block ends without an exception.

    `ours` tells whether an existing folder is an earlier `kind`, e.g. "Space"; its .git moves along. Raises UserError
    when the target holds something else or cannot be written; it is then as it was.
    """
    target = target.resolve()
    if target.is_file():
        raise UserError(f"{target} is a file, not a folder.")
    if target.is_dir() and any(target.iterdir()) and not ours(target):
        raise UserError(f"{target} holds files but no {kind} of Twofold: choose an empty folder or a new one.")
    try:
        with scratch(target) as building:
            yield building
            if older := swap(building, target):
                if (older / ".git").exists():
                    (older / ".git").rename(target / ".git")
                shutil.rmtree(older, ignore_errors=True)
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
