"""Opening a source: a folder, a zip, parquet files, a Hugging Face data set. No picture is decoded here.

A source can be read again and again: the first pass (scan.py) decides on size and mode, the second one fills memory.
"""

import glob
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from bundle.errors import UserError
from bundle.picture_files import IMAGE_SUFFIXES
from train.data import hub, image_files
from train.data.file_kinds import kind_of_name
from train.data.folder_files import FolderFiles, find_files
from train.data.label_files import is_label_file
from train.data.places import path_of
from train.data.reading import DEFAULT_READING, Reading
from train.data.source import Files, Source
from train.data.wording import listed
from train.data.zip_files import files_of_zips, zip_files

SAVED = {PurePosixPath("dataset_dict.json"), PurePosixPath("state.json")}  # what `Dataset.save_to_disk` leaves
# Endings beside parquet that the `datasets` library takes for no data: README.md may say which files are which split.
NO_DATA = {"", ".md"}


def open_source(source: str, reading: Reading = DEFAULT_READING) -> Source:
    """Opens any source. Raises UserError with a sentence when nothing can be read there."""
    if not source.strip():
        raise UserError("--data is empty: name a folder of pictures, a zip of them, parquet, or a data set of the Hub.")
    path = path_of(source)
    if path.is_dir():
        return open_folder(source, path, reading)
    if path.is_file():
        return open_file(source, path, reading)
    if hub.is_name(source):
        return open_from_hub(source, reading)
    raise UserError(f"{source} does not exist: it is not a folder of pictures, a zip of them, or parquet."
                    f"{hub.did_you_mean(source)}")  # fmt: skip


# The `datasets` library is slow to load: `tables` is imported only where a table is read.


def open_from_hub(source: str, reading: Reading) -> Source:
    """A data set of the Hub, by its name. Raises UserError."""
    hub.check_name(source)
    from train.data import tables

    return tables.open_table(f"the data set {source} from the Hugging Face Hub", reading, source)


def open_folder(source: str, path: Path, reading: Reading) -> Source:
    """A folder of tables, where it holds any, else of pictures. Raises UserError."""
    found = find_files(source, path)
    parquet, pictures = parquet_and_pictures(found.files)
    saved = SAVED & set(found.files) and any(name.suffix == ".arrow" for name in found.files)
    zips = {name: file for name, file in found.files.items() if name.suffix.lower() == ".zip"}
    if zips and not (saved or parquet or pictures):  # beside those, zips may be copies of them
        return open_zips(source, found, zips, reading)
    if not parquet and (pictures or not saved):
        opened = image_files.open_folder(source, found, reading)
        return replace(opened, fingerprint=partial(fingerprint, opened, found.files))
    from train.data import tables

    if not parquet:
        return tables.open_saved(source, reading, path)
    pattern = glob.escape(str(path)) != str(path)  # for which the library takes it
    alone = {name.suffix for name in found.files} <= {".parquet", *NO_DATA}
    if alone and not found.notes and not pattern:
        return tables.open_table(source, reading, str(path))
    # The library would count what else is there, and take the kind that is most frequent.
    opened = tables.open_parquet_files(source, reading, {name: found.files[name] for name in parquet})
    return replace(opened, notes=(*found.notes, *opened.notes, *([beside(pictures)] if pictures else [])))


def open_file(source: str, path: Path, reading: Reading) -> Source:
    """A parquet file or a zip, of tables or of pictures. Raises UserError for any other file."""
    if path.suffix.lower() == ".parquet":
        from train.data import tables

        return tables.open_parquet_file(source, reading, path)
    if path.suffix.lower() != ".zip":
        kind = kind_of_name(PurePosixPath(path.name))
        what = f" It is a {kind.called}: {kind.instead}." if kind else ""
        raise UserError(f"{source} is not a folder of pictures, a zip of them, or parquet.{what}")
    files, notes = zip_files(source, path)
    return replace(open_zipped_files(source, files, notes, reading), fingerprint=partial(stamp, path))


def open_zips(source: str, found: FolderFiles, zips: Mapping[PurePosixPath, Path], reading: Reading) -> Source:
    """A folder that holds no pictures but zips. Raises UserError."""
    files, notes = files_of_zips(source, zips)
    files |= {name: path.read_bytes for name, path in found.files.items() if name not in zips}
    notes = [*found.notes, f"read {listed(list(map(str, zips)), 'zip')} as folders", *notes]
    opened = open_zipped_files(source, dict(sorted(files.items())), notes, reading)
    return replace(opened, fingerprint=partial(stamps, found.files))


def open_zipped_files(source: str, files: Files, notes: list[str], reading: Reading) -> Source:
    """What zips hold: tables, where there are any, else pictures. Raises UserError."""
    parquet, pictures = parquet_and_pictures(files)
    if not parquet:
        return image_files.open_zip(source, files, notes, reading)
    from train.data import tables

    opened = tables.open_zipped_parquet(source, reading, {name: files[name] for name in parquet})
    return replace(opened, notes=(*notes, *opened.notes, *([beside(pictures)] if pictures else [])))


def fingerprint(source: Source, files: Mapping[PurePosixPath, Path]) -> str:
    """A checksum of the names, labels, attributes, sizes and dates of the pictures of a folder."""
    found = hashlib.sha256()
    for split in filter(None, (source.train, source.test)):
        for row in split.rows():
            # As they are trained on; sets without have the checksum that they always had.
            known = f" {tuple(np.array(row.attributes, np.float32).tolist())}" if row.attributes else ""
            found.update(f"{row.name!r} {row.label} {stamp(files[PurePosixPath(row.name)])}{known}\n".encode())
    return found.hexdigest()


def stamps(files: Mapping[PurePosixPath, Path]) -> str:
    """The names, sizes and dates of files, for those that are not read one by one: zips, and what lies beside them."""
    return " ".join(f"{name!r} {stamp(path)}" for name, path in files.items())


def stamp(path: Path) -> str:
    """The size and the date of a file."""
    facts = path.stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"


def parquet_and_pictures(names: Iterable[PurePosixPath]) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
    """The files that are tables of pictures, and those that are pictures. A metadata.parquet beside pictures only names
    their labels."""
    names = list(names)
    pictures = [name for name in names if name.suffix.lower() in IMAGE_SUFFIXES]
    parquet = [name for name in names if name.suffix.lower() == ".parquet"]
    return [name for name in parquet if not (pictures and is_label_file(name))], pictures


def beside(pictures: list[PurePosixPath]) -> str:
    """The note on picture files that lie beside tables."""
    return f"left out {listed([str(name) for name in pictures], 'picture file')} beside the parquet files"
