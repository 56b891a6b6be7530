"""What the targets share: reading bundles, and replacing an earlier target, but never somebody's other files.

A Space and a page list the files that were written into them (LISTING). A later run drops those, in a folder and on the
Hub alike, and keeps whatever their owner added.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bundle.atomic_files import scratch, swap, swap_back
from bundle.errors import BundleError, UserError
from bundle.read import INDEX, ORDER, OpenBundle, discover, order, read

LISTING = "twofold-files.txt"


@dataclass(frozen=True)
class TargetFile:
    """One file of a target: its place in the folder, and a file to copy or the bytes to write."""

    place: str
    content: Path | bytes


@dataclass(frozen=True)
class Kind:
    """A kind of target. `name`: in sentences; `sdk`: what runs it on the Hub; `known_by`: the file by which one of
    Twofold's is known, in a folder and on the Hub; `is_ours`: whether its content says so."""

    name: str
    sdk: Literal["gradio", "static"]
    known_by: str
    is_ours: Callable[[bytes], bool]


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
    for folder, count in Counter(bundle.folder.resolve() for bundle in bundles).items():
        if count > 1:
            raise UserError(f"{folder} is named twice: name it once.")
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


def with_listing(target_files: Sequence[TargetFile]) -> list[TargetFile]:
    """These files, and the list of all of them, a path a line."""
    places = sorted([*(file.place for file in target_files), LISTING])
    return [*target_files, TargetFile(LISTING, "".join(f"{place}\n" for place in places).encode())]


def listed(listing: bytes) -> set[str]:
    """The places that a list names."""
    return set(listing.decode("utf-8", errors="replace").splitlines())


def written_earlier(held: Collection[str], listing: bytes | None, places: Collection[str], where: str) -> set[str]:
    """Those of the files `held` in a target that an earlier run wrote, by its list. Where it has none, as those of
    older versions: what `places`, the new files, replace, and all that lies in the folders which they make.

    Raises UserError when a new file would take the place of one that is the owner's; `where` names the target.
    """
    if listing is None:
        homes = {place.partition("/")[0] for place in places if "/" in place}
        return {place for place in held if place in places or place.partition("/")[0] in homes}
    earlier = listed(listing) & set(held)
    taken = {part for place in places for part in _with_parents(place)} & (set(held) - earlier)
    if taken:
        raise UserError(f"{where} holds {', '.join(sorted(taken))}, which this command did not write but has to: "
                        "rename it first.")  # fmt: skip
    return earlier


def _with_parents(place: str) -> Iterator[str]:
    parts = place.split("/")
    return ("/".join(parts[: i + 1]) for i in range(len(parts)))


@contextmanager
def replaced(target: Path, kind: Kind) -> Iterator[Path]:
    """A new folder to build in, which takes the place of `target` when the block ends without an exception.

    An earlier target of this kind is replaced; what its owner added moves along (.git, CNAME, notes) and is named.
    Raises UserError when the target holds something else or cannot be written; it is then as it was.
    """
    target = target.resolve()
    if target.is_file():
        raise UserError(f"{target} is a file, not a folder.")
    try:
        if target.is_dir() and any(target.iterdir()) and not kind.is_ours(_content(target / kind.known_by) or b""):
            raise UserError(f"{target} holds files but no {kind.name} of Twofold: choose an empty folder or a new one.")
        with scratch(target) as building:
            yield building
            places = {path.as_posix() for path in files_in(building)}
            held = {path.as_posix() for path in files_in(target)}
            earlier = written_earlier(held, _content(target / LISTING), places, str(target))
            if older := swap(building, target):
                kept: list[str] = []
                try:
                    for place in _moved_along(older, target, earlier):
                        kept.append(place)
                except BaseException:  # Ctrl-C included
                    swap_back(building, target, older, kept)
                    raise
                shutil.rmtree(older, ignore_errors=True)
                if shown := sorted(set(kept) - {".git"}):
                    print(f"Kept in {target}, and not written by this command: {', '.join(shown)}.")
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem


def _content(path: Path) -> bytes | None:
    """The bytes of a file; None where there is none."""
    return path.read_bytes() if path.is_file() else None


def _moved_along(older: Path, target: Path, earlier: Collection[str], home: str = "") -> Iterator[str]:
    """Moves what an older folder holds beside the files `earlier` to the same places in the new one; yields each
    before it moves, a folder that moves as a whole once. What Python compiled stays behind."""
    for path in sorted((older / home).iterdir()):
        place = f"{home}{path.name}"
        if path.name == "__pycache__":
            continue
        if path.is_dir() and not path.is_symlink() and (
            (target / place).is_dir() or any(name.startswith(f"{place}/") for name in earlier)
        ):  # fmt: skip
            yield from _moved_along(older, target, earlier, f"{place}/")
        elif place not in earlier and not (target / place).exists():
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            yield place
            path.rename(target / place)
