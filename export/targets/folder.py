"""What the targets share: reading bundles, and replacing a folder as a whole, never over somebody's other files."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bundle.atomic_files import scratch, swap
from bundle.errors import BundleError, UserError
from bundle.read import INDEX, ORDER, OpenBundle, discover, order, read


@dataclass(frozen=True)
class TargetFile:
    """One file of a target: its place in the folder, and a file to copy or the bytes to write."""

    place: str
    content: Path | bytes


def read_bundles(given: Sequence[Path]) -> list[OpenBundle]:
    """The bundles that these paths name, every file verified: folders of one bundle each, or of several.

    What lies beside a bundle and is none is left out and said to be, so that `artifacts/*` names the bundles there; if
    order.txt is among it, those that it names come first. Raises UserError when two have one name or there is none,
    BundleError when one cannot be opened.
    """
    left_out = [path for path in given if _is_beside_a_bundle(path, given)]
    if left_out:
        print(f"No bundles, and left out: {', '.join(str(path) for path in left_out)}.")
    named = in_their_order([path for path in given if path not in left_out], left_out)
    bundles = [bundle for path in named for bundle in _bundles_at(path)]
    for name, count in Counter(bundle.info.name for bundle in bundles).items():
        if count > 1:
            raise UserError(f"Two of these bundles are called '{name}': export one of them with another --name.")
    if not bundles:
        raise UserError("There is no bundle to export: name the folder of at least one.")
    return bundles


def _is_beside_a_bundle(path: Path, given: Sequence[Path]) -> bool:
    """Whether a path holds no bundle, nor what is left of one, but a path beside it does."""
    beside = any(is_bundle(other) for other in given if other.parent == path.parent)
    return beside and path.exists() and not is_bundle(path) and not (path.is_dir() and any(path.glob("*.onnx")))


def in_their_order(folders: Sequence[Path], others: Sequence[Path]) -> list[Path]:
    """The folders of bundles as they were given; those first that the order.txt among `others` names, in its order."""
    names = [path.parent / name for path in others if path.name == ORDER for name in order(path.parent)]
    return sorted(folders, key=lambda folder: names.index(folder) if folder in names else len(names))


def _bundles_at(path: Path) -> list[OpenBundle]:
    """The bundle in a folder, or the bundles in a folder of them, in the order in which they are served there."""
    if is_bundle(path) or not path.is_dir() or not any(map(is_bundle, path.iterdir())):
        return [read(path)]
    bundles, unavailable = discover(path)
    if unavailable:
        raise BundleError(unavailable[0].reason)
    return bundles


def is_bundle(folder: Path) -> bool:
    """Whether a folder has an index."""
    return (folder / INDEX).is_file()


def fill(folder: Path, target_files: Iterable[TargetFile]) -> None:
    """Writes the files into `folder`, which exists; of links what they point to. Raises OSError."""
    for file in target_files:
        path = folder / file.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content if isinstance(file.content, bytes) else file.content.read_bytes())


def files_in(folder: Path) -> list[Path]:
    """The files and links in a folder and its sub-folders, as paths relative to it, sorted."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


@contextmanager
def replaced(target: Path, is_earlier: Callable[[Path], bool], kind: str) -> Iterator[Path]:
    """A new folder to build in, which takes the place of `target` when the block ends without an exception.

    `is_earlier` tells whether an existing folder is an earlier `kind`, e.g. "Space"; its .git moves along. Raises
    UserError when the target holds something else or cannot be written; it is then as it was.
    """
    target = target.resolve()
    if target.is_file():
        raise UserError(f"{target} is a file, not a folder.")
    if target.is_dir() and any(target.iterdir()) and not is_earlier(target):
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
