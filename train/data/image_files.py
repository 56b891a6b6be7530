"""Folders and zips of image files as sources: which of their files are pictures."""

from pathlib import Path

from bundle.errors import UserError
from bundle.picture_files import IMAGE_SUFFIXES
from train.data.folder_files import find_files, listed
from train.data.folder_source import folder_source
from train.data.label_files import is_label_file
from train.data.reading import Reading
from train.data.source import Files, Source
from train.data.zip_files import zip_files


def open_folder(source: str, folder: Path, reading: Reading) -> Source:
    """A folder of pictures. Raises UserError as `find_files` and `arrange` do, and for a run without pictures."""
    found = find_files(source, folder)
    try:
        return arrange(source, {name: path.read_bytes for name, path in found.files.items()}, found.notes, reading)
    except UserError as problem:
        if found.is_run:
            raise UserError(f"{source} is a run, not a set of pictures: name the folder of its pictures.") from problem
        raise


def open_zip(source: str, path: Path, reading: Reading) -> Source:
    """A zip of pictures, read in place. Raises UserError as `zip_files` and `arrange` do."""
    return arrange(source, *zip_files(source, path), reading)


def arrange(source: str, files: Files, notes: list[str], reading: Reading) -> Source:
    """The pictures among files as a source. Raises UserError when there are none, and as `folder_source` does."""
    found = sorted(name for name in files if name.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        if not files:
            raise UserError(f"{source} is empty: it holds no picture.")
        raise UserError(f"{source} holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))}) and no parquet file.")
    others = [name for name in files if name.suffix.lower() not in IMAGE_SUFFIXES and not is_label_file(name)]
    if others:
        notes = [*notes, f"left out {listed([str(name) for name in others], 'file')} of other kinds"]
    return folder_source(source, found, files, notes, reading)
