"""Which files a zip holds, also in zips within it. It is read in place and never unpacked."""

import io
import lzma
import stat
import zipfile
import zlib
from functools import partial
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from train.data.folder_files import hidden
from train.data.source import Files
from train.data.wording import listed

MOST_ENTRIES = 1_000_000
MOST_BYTES = 200_000_000_000  # what a zip may hold, unpacked; it is read one picture at a time, of at most …
MOST_FILE_BYTES = 200_000_000
MOST_INNER_BYTES = 4_000_000_000  # zips within, which are held in memory, together; and a table


def zip_files(source: str, path: Path) -> tuple[Files, list[str]]:
    """Every visible file of a zip, and notes on those left out because they point outside it.

    The files of a zip within it are as in a folder of its name. Raises UserError for what is no zip, for an encrypted
    one, and for one that is too large.
    """
    reader = ZipReader(source)
    reader.add(path, PurePosixPath())
    return dict(sorted(reader.files.items())), reader.notes()


class ZipReader:
    """The files of one zip and of those within it, counted together so that no nesting is a way round the limits."""

    def __init__(self, source: str):
        self.source = source
        self.files: Files = {}
        self.odd: list[str] = []
        self.torn: list[str] = []
        self.entries = self.bytes = self.inner_bytes = 0

    def add(self, archive_file: Path | io.BytesIO, within: PurePosixPath) -> None:
        """The files of one zip, below the path `within`. Raises UserError."""
        called = f"{self.source}: {within}.zip" if within.parts else self.source
        try:
            archive = zipfile.ZipFile(archive_file)
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
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
        for entry in entries:
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
                self.odd.append(entry.filename)
            elif hidden(name):
                continue
            elif name.suffix.lower() == ".zip" and not within.parts:
                self.add_inner(archive, entry, name)
            else:
                most = MOST_INNER_BYTES if name.suffix.lower() == ".parquet" else MOST_FILE_BYTES
                self.files[within / name] = partial(zip_entry, archive, entry, most)

    def add_inner(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: PurePosixPath) -> None:
        """The files of a zip within, which is held in memory. Raises UserError for one that is too large."""
        self.inner_bytes += entry.file_size
        if self.inner_bytes > MOST_INNER_BYTES:
            raise UserError(f"{self.source} holds more than {MOST_INNER_BYTES // 10**9} GB of zips: unpack it, and "
                            "name the folder.")  # fmt: skip
        try:
            data = zip_entry(archive, entry, MOST_INNER_BYTES)
        except OSError as problem:
            self.torn.append(f"{entry.filename}: {problem}")
            return
        self.add(io.BytesIO(data), name.with_suffix(""))

    def notes(self) -> list[str]:
        """Lines for the report, on what was left out."""
        notes = [f"left out {listed(self.odd, 'file')} outside the zip"] if self.odd else []
        return [*notes, f"left out {listed(self.torn, 'zip')} that cannot be read"] if self.torn else notes


def zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of one file. Raises OSError for more than `most`, and for a damaged one; zipfile never reads more than
    was declared."""
    if entry.file_size > most:
        raise OSError(f"{entry.file_size / 1e6:.0f} MB are too large")
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as problem:
        raise OSError(str(problem) or "it ends too early") from problem
