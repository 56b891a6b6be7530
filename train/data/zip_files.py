"""Which files zips hold, also in zips within them. They are read in place and never unpacked."""

import io
import stat
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from bundle.picture_files import IMAGE_SUFFIXES
from bundle.zip_entries import BROKEN_ZIP, entry_names, read_entry
from train.data.folder_files import hidden
from train.data.source import Files
from train.data.wording import listed

MOST_ENTRIES = 1_000_000
MOST_BYTES = 200_000_000_000  # of all files of a zip, unpacked; they are read one at a time
MOST_FILE_BYTES = 200_000_000  # of one file that is no table
MOST_INNER_BYTES = 4_000_000_000  # of all zips within together, which are held in memory; and of a table


def zip_files(source: str, path: Path) -> tuple[Files, list[str]]:
    """Every visible file of a zip, and notes on those left out because they point outside it.

    Where it holds neither pictures nor tables but zips, the files of those are as in folders of their names. Raises
    UserError for what is no zip, for an encrypted one, and for one that is too large.
    """
    reader = ZipReader(source)
    reader.add(path, PurePosixPath(), source)
    return reader.found()


def files_of_zips(source: str, zips: Mapping[PurePosixPath, Path]) -> tuple[Files, list[str]]:
    """As `zip_files`, of zips that lie in a folder, by their paths within it: each is as a folder of its name."""
    reader = ZipReader(source)
    for name, path in zips.items():
        reader.add(path, name.with_suffix(""), f"{source}: {name}")
    return reader.found()


class ZipReader:
    """The files of zips and of those within them, counted together so that no nesting is a way round the limits."""

    def __init__(self, source: str):
        self.source = source
        self.files: Files = {}
        self.inner: dict[PurePosixPath, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        self.odd: list[str] = []
        self.torn: list[str] = []
        self.deep: list[str] = []
        self.entries = self.bytes = self.inner_bytes = 0

    def add(self, archive_file: Path | io.BytesIO, within: PurePosixPath, called: str, nested: bool = False) -> None:
        """The files of one zip, below the path `within`. `nested`: it lies in another. Raises UserError, which calls it
        `called`."""
        try:
            archive = zipfile.ZipFile(archive_file)
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        except BROKEN_ZIP as problem:
            raise UserError(f"{called} is not a zip file, or it is damaged: {problem}") from problem
        if any(entry.flag_bits & 1 for entry in entries):
            raise UserError(f"{called} is encrypted: unpack it, and name the folder.")
        self.entries += len(entries)
        self.bytes += sum(entry.file_size for entry in entries)
        if self.entries > MOST_ENTRIES or self.bytes > MOST_BYTES:
            raise UserError(
                f"{self.source} is too large: at most {MOST_ENTRIES} files and {MOST_BYTES // 10**9} GB unpacked are "
                "read. Unpack it, and name the folder."
            )
        for entry, entry_name in zip(entries, entry_names(entries), strict=True):
            name = PurePosixPath(entry_name.replace("\\", "/"))
            if name.is_absolute() or not name.parts or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
                self.odd.append(entry_name)
            elif nested and name.suffix.lower() == ".zip" and not hidden(name):
                self.deep.append(str(within / name))
            elif not hidden(name):
                most = MOST_INNER_BYTES if name.suffix.lower() == ".parquet" else MOST_FILE_BYTES
                self.files[within / name] = partial(read_entry, archive, entry, most)
                if name.suffix.lower() == ".zip":
                    self.inner[within / name] = archive, entry  # of two of one name the last, as of other files

    def found(self) -> tuple[Files, list[str]]:
        """All files in the order of their paths, and notes for the report, on what was left out. Raises UserError."""
        if not any(is_picture_or_table(name) for name in self.files):  # beside those, zips may be copies of them
            for name, (archive, entry) in self.inner.items():
                del self.files[name]
                self.add_inner(archive, entry, name)
        notes = [f"left out {listed(self.odd, 'file')} outside the zip"] if self.odd else []
        notes += [f"left out {listed(self.torn, 'zip')} that cannot be read"] if self.torn else []
        if self.deep:
            deep = f"{listed(self.deep, 'zip')} in a zip within a zip"
            notes.append(f"left out {deep}: unpack the outermost one, and name the folder")
        return dict(sorted(self.files.items())), notes

    def add_inner(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: PurePosixPath) -> None:
        """The files of a zip within, which is held in memory. Raises UserError for one that is too large."""
        self.inner_bytes += entry.file_size
        if self.inner_bytes > MOST_INNER_BYTES:
            raise UserError(f"{self.source} holds more than {MOST_INNER_BYTES // 10**9} GB of zips: unpack it, and "
                            "name the folder.")  # fmt: skip
        try:
            data = read_entry(archive, entry, MOST_INNER_BYTES)
        except OSError as problem:
            self.torn.append(f"{entry.filename}: {problem}")
            return
        self.add(io.BytesIO(data), name.with_suffix(""), f"{self.source}: {name}", nested=True)


def is_picture_or_table(name: PurePosixPath) -> bool:
    """Whether a file is one, by its ending."""
    return name.suffix.lower() in IMAGE_SUFFIXES | {".parquet"}
