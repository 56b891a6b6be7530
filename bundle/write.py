"""Writing a bundle: its index, the entries of its files, and putting a finished folder in place."""

import hashlib
import json
from pathlib import Path

from bundle.atomic_files import replace_folder, write_file
from bundle.errors import UserError
from bundle.read import INDEX, read_index
from bundle.schema import Bundle, File

CARD = "README.md"


def file_entry(name: str, data: bytes) -> File:
    """A file as the index lists it."""
    return File(file=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def write_index(folder: Path, info: Bundle) -> None:
    """Writes bundle.json. Raises UserError when the disk refuses."""
    text = json.dumps(info.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    write_file(folder / INDEX, text.encode())


def previous_index(target: Path) -> Bundle | None:
    """The index of the bundle that `target` holds; None when the folder is empty or not there.

    Raises UserError when it holds something else, so that nobody's own files are overwritten.
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


def put_in_place(built: Path, target: Path, previous: Bundle | None) -> None:
    """Renames the finished bundle `built` to `target`; what its owner added to an older one there moves along.

    `previous`: the index of the older one, whose files are left behind. Raises OSError; if the new bundle could not be
    put in place, the older one is then back.
    """
    files = (*previous.graphs.values(), *previous.files.values()) if previous else ()
    replace_folder(built, target, {INDEX, CARD, *(file.file for file in files)})
