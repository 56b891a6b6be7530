"""Files and folders that are replaced as a whole: whoever reads meets the old one or the new one, never half of it.

What is not yet complete lies beside it as `.NAME.xxxxxxxx`. A process that was killed leaves that behind; whoever
writes NAME next removes it once it is a day old.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bundle.errors import UserError

OLDER = ".older"  # in a scratch folder: the folder that the new one replaces
ABANDONED = 24 * 3600  # seconds after which an unfinished write counts as abandoned


def write_file(path: Path, data: bytes) -> None:
    """Writes `data` beside `path`, has it reach the disk, then renames it; the folder is made when missing, and whoever
    might read or write the older file may do so with the new one.

    Raises UserError when the disk refuses; a previous version is then still whole.
    """
    temporary = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        with temporary.open("wb") as file:
            if path.is_file():
                shutil.copymode(path, temporary)  # before its first byte
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as problem:  # Ctrl-C included
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if not isinstance(problem, OSError):
            raise
        kept = " The previous version is kept." if path.exists() else ""
        raise UserError(f"Could not write {path}: {problem.strerror or problem}.{kept}") from problem


def reach_disk(folder: Path) -> None:
    """Has every file in a folder reach the disk, before it takes the place of an older one, which is then removed.
    Raises OSError."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb+" if os.name == "nt" else "rb") as file:  # Windows flushes what can be written only
                os.fsync(file.fileno())


def swap(built: Path, target: Path) -> Path | None:
    """Renames the folder `built` to `target`; returns where the older folder is now, beside `built`, if there was one.

    Raises OSError; the older folder is then back in its place.
    """
    if not target.exists():
        built.rename(target)
        return None
    older = built.with_name(OLDER)
    try:
        target.rename(older)
        built.rename(target)
    except BaseException:  # Ctrl-C included, which may come just after a rename
        if older.exists():
            if not built.exists():
                target.rename(built)
            older.rename(target)
        raise
    return older


def replace_folder(built: Path, target: Path, ours: Collection[str]) -> None:
    """Renames the finished folder `built` to `target`. What an older folder there holds beside `ours`, the names of
    the files that this project wrote, moves along (.git, the owner's notes). The new files reach the disk before the
    older ones go. Raises OSError; the older folder is then back in its place, with all that it held."""
    reach_disk(built)
    older = swap(built, target)
    if older is None:
        return
    moved = []
    try:
        for path in list(older.iterdir()):
            if path.name not in ours and not (target / path.name).exists():
                moved.append(path.name)  # before it moves: Ctrl-C may come just after
                path.rename(target / path.name)
    except BaseException:  # Ctrl-C included
        swap_back(built, target, older, moved)
        raise
    shutil.rmtree(older, ignore_errors=True)


def swap_back(built: Path, target: Path, older: Path, moved: Iterable[str]) -> None:
    """Undoes `swap`, after these places had been moved from the older folder to the new one, or the last of them was
    about to be."""
    for place in moved:
        if os.path.lexists(target / place):  # also a link that leads nowhere
            (target / place).rename(older / place)
    target.rename(built)
    older.rename(target)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """A new folder to build `target` in, on the same disk and gone afterwards. It lies two levels down, so that nobody
    takes it for a bundle."""
    around = _beside(target)
    try:
        folder = around / target.name
        folder.mkdir(parents=True)
        _remove_abandoned(target)
        yield folder
    finally:
        shutil.rmtree(around / target.name, ignore_errors=True)
        with suppress(OSError):  # an older folder whose files could not be moved stays
            around.rmdir()


def _beside(path: Path) -> Path:
    """A hidden name beside `path` that nobody else uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _remove_abandoned(path: Path) -> None:
    """Removes what writes of `path` that were killed have left beside it; never a folder that holds an older version.

    What cannot be removed stays.
    """
    pattern, before = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}"), time.time() - ABANDONED
    with suppress(OSError):
        for entry in path.parent.iterdir():
            if not pattern.fullmatch(entry.name) or entry.lstat().st_mtime > before:
                continue
            if not entry.is_dir():
                entry.unlink()
            elif not (entry / OLDER).exists():
                shutil.rmtree(entry, ignore_errors=True)
