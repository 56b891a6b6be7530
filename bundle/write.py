"""Writing a bundle: built beside its place, read back, checked as a server checks it, and put in place as a whole."""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bundle.atomic_files import replace_folder, scratch, write_file
from bundle.errors import UserError
from bundle.packed_files import PACKED_GRAPHS
from bundle.read import INDEX, OpenBundle, read, read_index
from bundle.runner import BundleRunner
from bundle.schema import BundleIndex, File
from bundle.verified_files import verified_bytes

CARD = "README.md"


def file_entry(name: str, data: bytes) -> File:
    """A file as the index lists it."""
    return File(file=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name as a compressed .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def write_index(folder: Path, info: BundleIndex) -> None:
    """Writes bundle.json. Raises UserError when the disk refuses."""
    text = json.dumps(info.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    write_file(folder / INDEX, text.encode())


def card_of(folder: Path) -> str | None:
    """The text of a bundle's model card; None where it has none. Raises UserError where it is not UTF-8."""
    path = folder / CARD
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError as problem:
        raise UserError(f"{path} is not UTF-8: save it as UTF-8, or remove it.") from problem


def previous_index(target: Path) -> BundleIndex | None:
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


def write_bundle(
    target: Path, info: BundleIndex, files: Mapping[str, bytes | Path], card: str | None, previous: BundleIndex | None
) -> OpenBundle:
    """Writes a bundle into the folder `target` and returns it as it was read back.

    `files`: those that the index lists, by name, as bytes or as a file to copy. `card`: its model card. `previous`: the
    index of an older bundle there, whose files are left behind; what its owner added moves along. Raises UserError when
    the disk refuses and BundleError when a check fails; the older bundle then stays as it was.
    """
    target = target.resolve()
    try:
        with scratch(target) as building:
            for name, content in files.items():
                if isinstance(content, bytes):
                    (building / name).write_bytes(content)
                else:
                    shutil.copyfile(content, building / name)
            if card is not None:
                (building / CARD).write_text(card, encoding="utf-8")
            write_index(building, info)
            built = read(building)
            BundleRunner(built).check()
            older = (*previous.graphs.values(), *previous.files.values()) if previous else ()
            replace_folder(building, target, {INDEX, CARD, PACKED_GRAPHS, *(file.file for file in older)})
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
    return replace(built, folder=target)


def update_bundle(
    bundle: OpenBundle, info: BundleIndex, files: Mapping[str, bytes] | None = None, card: str | None = None
) -> OpenBundle:
    """Gives a bundle the index `info`, these new or changed files and this card (None: the one that it has), all at
    once; returns it as it was read back. Raises as `write_bundle` does."""
    changed = files or {}
    kept = {
        entry.file: verified_bytes(bundle.folder, entry)
        for entry in (*info.graphs.values(), *info.files.values())
        if entry.file not in changed
    }
    return write_bundle(bundle.folder, info, {**kept, **changed}, card or card_of(bundle.folder), bundle.info)


def add_file(bundle: OpenBundle, key: str, name: str, data: bytes) -> OpenBundle:
    """Gives a bundle one file, listed under `key`, in place of the one that it has of this key. Raises as
    `write_bundle` does."""
    listed = bundle.info.files | {key: file_entry(name, data)}
    return update_bundle(bundle, bundle.info.model_copy(update={"files": listed}), {name: data})
