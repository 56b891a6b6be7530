"""Folders and zips of image files as sources: which of their files are pictures."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from train.data.file_kinds import BEGINNING, left_out, picture_names
from train.data.folder_files import FolderFiles
from train.data.folder_source import folder_source
from train.data.label_files import is_label_file
from train.data.reading import Reading
from train.data.source import Files, Source


class NoPictures(UserError):
    """A folder or a zip has no pictures."""


def open_folder(source: str, found: FolderFiles, reading: Reading) -> Source:
    """A folder of pictures. Raises UserError as `arrange` does, and for a run or a pack without pictures."""
    try:
        files: Files = {name: path.read_bytes for name, path in found.files.items()}
        return arrange(source, files, found.notes, reading, lambda name: beginning_of(found.files[name]))
    except NoPictures as problem:
        if found.own:
            raise UserError(
                f"{source} is a {found.own}, not a set of pictures: name the folder of its pictures."
            ) from problem
        raise


def open_zip(source: str, files: Files, notes: list[str], reading: Reading) -> Source:
    """The files of a zip of pictures, read in place. Raises UserError as `arrange` does."""
    return arrange(source, files, notes, reading, lambda name: files[name]()[:BEGINNING])


def beginning_of(path: Path) -> bytes:
    """The first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(BEGINNING)


def arrange(
    source: str, files: Files, notes: list[str], reading: Reading, beginning: Callable[[PurePosixPath], bytes]
) -> Source:
    """The pictures among files as a source. Raises NoPictures when there are none, and as `folder_source` does.

    beginning: gives the first bytes of a file, which tell what it is where its ending does not.
    """
    if not files:
        raise NoPictures(f"{source} holds no picture: {'; '.join(notes)}." if notes
                         else f"{source} is empty: it holds no picture.")  # fmt: skip
    found, rest = picture_names(sorted(files), beginning)
    others = left_out([name for name in rest if not is_label_file(name)])
    if not found:
        more = "".join(f"; {note}" for note in [*notes, *others])
        raise NoPictures(f"{source} holds no picture and no parquet file{more}.")
    return folder_source(source, found, files, [*notes, *others], reading)
