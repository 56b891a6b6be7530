"""Putting files in place so that nobody ever meets half a bundle, and nobody's own files are lost."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bundle.errors import UserError
from bundle.migrate import migrate
from bundle.read import INDEX, Bundle, sha256

CARD = "README.md"


def previous_index(target: Path) -> Bundle | None:
    """The index of the bundle that `target` holds; None when it is empty or not there.

    Raises UserError when it holds something else.
    """
    if not target.exists():
        return None
    if not target.is_dir():
        raise UserError(f"{target} is a file, not a folder.")
    if not any(target.iterdir()):
        return None
    if not (target / INDEX).is_file():
        raise UserError(f"{target} holds files but no {INDEX}: choose an empty folder or a bundle.")
    return read_index(target)


def read_index(folder: Path) -> Bundle:
    """The index of a bundle, its files unread. Raises UserError when it cannot be understood."""
    try:
        return Bundle.model_validate(migrate(json.loads((folder / INDEX).read_bytes())))
    except (OSError, ValueError) as problem:
        raise UserError(f"{folder / INDEX} is missing, damaged, or of another version of Twofold.") from problem


def entry(path: Path) -> dict:
    """A file as the index lists it."""
    return {"file": path.name, "sha256": sha256(path), "bytes": path.stat().st_size}


def write_index(folder: Path, info: Bundle) -> None:
    text = json.dumps(info.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    write_whole(folder / INDEX, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write beside `path`, fsync, rename: after a crash or on a full disk the previous file is still whole.

    Raises UserError when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise UserError(f"Could not write {path}: {problem.strerror}. The previous version is kept.") from problem


def swap(built: Path, target: Path) -> Path | None:
    """Renames `built` to `target`; returns where the older folder is now, beside `built`, if there was one.

    Raises OSError; the older folder is then back.
    """
    if not target.exists():
        built.rename(target)
        return None
    older = built.with_name(".older")
    target.rename(older)
    try:
        built.rename(target)
    except BaseException:  # Ctrl-C included
        older.rename(target)
        raise
    return older


def put_in_place(built: Path, target: Path, previous: Bundle | None) -> None:
    """Renames the finished folder `built` to `target`; the older bundle there makes way into the folder around `built`.

    What the owner added to it (.git, further pictures) moves along. Raises OSError; if the new bundle could not be
    put in place, the older one is then back.
    """
    older = swap(built, target)
    if older is None:
        return
    own = {INDEX, CARD}
    if previous:
        own |= {file.file for file in (*previous.graphs.values(), *previous.files.values())}
    for path in older.iterdir():
        if path.name not in own and not (target / path.name).exists():
            path.rename(target / path.name)
    shutil.rmtree(older, ignore_errors=True)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """A new folder on the target's disk, two levels down so that nobody takes it for a bundle; gone afterwards."""
    around = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        folder = around / target.name
        folder.mkdir(parents=True)
        yield folder
    finally:
        shutil.rmtree(around / target.name, ignore_errors=True)
        with suppress(OSError):  # an older bundle whose files could not be moved stays
            around.rmdir()
