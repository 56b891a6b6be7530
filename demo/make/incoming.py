"""Pictures on their way into a project: files in pieces, zips, names of strangers.

Whatever a file is called, it is stored as `pictures/GROUP/NUMBER.ENDING`; a group is the folder that it came from, and
becomes a class. Tables that may tell about the pictures (metadata.csv) are kept beside them. Any other file is counted
and reported, never stored.
"""

import json
import re
import threading
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from bundle.errors import ImageError, InputError, UserError
from bundle.picture_files import BROKEN, ENDINGS, TRAINING, opened
from demo.make.classes import ALONE
from demo.make.limits import MakeLimits
from demo.make.names import plain_name
from demo.make.picture_files import picture_files
from demo.make.tables import MAX_TABLE_BYTES, MAX_TABLES, NAMES, TABLES, is_table, table_files

GONE = "The folder of this project is gone: it was deleted. Make a new project."
IGNORED = re.compile(r"(^|/)(\.(?!\.?/)|__MACOSX(/|$)|@eaDir(/|$)|Thumbs\.db$|desktop\.ini$)")
UNPACKED = 4  # times a project's bytes that a zip may hold, pictures or not


@dataclass
class Arrivals:
    """What became of the files of one upload."""

    stored: int = 0
    tables: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Reason -> how many files."""


class Incoming:
    """Takes files into the folder `pictures` of a project, and tables beside it. `room`: (bytes, pictures) that still
    fit into the project."""

    def __init__(self, pictures: Path, limits: MakeLimits):
        self.pictures, self.project, self.limits = pictures, pictures.parent, limits
        files = picture_files(pictures)
        held = [*(pictures / file for file in files), *table_files(self.project)]
        self.room = limits.bytes - sum(path.stat().st_size for path in held), limits.pictures - len(files)
        self._storing = threading.Lock()
        self._last: dict[Path, int] = {}  # folder of a group or of the tables -> number of its last file

    def take(self, file: Path, name: str) -> Arrivals:
        """Stores a picture or a table, or all of them in a zip.

        Raises InputError where the project would grow too large, UserError where the disk refuses; what was stored
        before stays.
        """
        with self._storing:
            return self._take(file, name)

    def _take(self, file: Path, name: str) -> Arrivals:
        arrivals = Arrivals()
        try:
            if zipfile.is_zipfile(file):
                self._take_zip(file, name, arrivals)
            elif file.stat().st_size > TRAINING.bytes:
                arrivals.refused["too large"] += 1
            else:
                self._take_file(file.read_bytes(), name, name, arrivals)
        except OSError as problem:
            raise storing_problem(problem, self.project, arrivals.stored) from problem
        return arrivals

    def _take_zip(self, file: Path, name: str, arrivals: Arrivals) -> None:
        try:
            opened_archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as problem:
            raise InputError(f"{name} is a damaged zip: pack it again, or drop the pictures.") from problem
        with opened_archive as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > UNPACKED * self.limits.bytes:
                most = UNPACKED * self.limits.bytes // 1_000_000
                raise InputError(f"{name} would unpack to more than {most} MB: unpack it, and drop the pictures.")
            for entry in entries:
                if entry.is_dir() or IGNORED.search(entry.filename):
                    continue
                if entry.flag_bits & 1:
                    raise InputError(f"{name} is locked with a password: unpack it, and drop the folder.")
                if entry.file_size > TRAINING.bytes:
                    arrivals.refused["too large"] += 1
                    continue
                try:
                    with archive.open(entry) as opened_entry:
                        data = read_at_most(opened_entry, TRAINING.bytes)
                except Exception:  # zlib, bz2 and lzma have errors of their own
                    arrivals.refused["damaged"] += 1
                    continue
                self._take_file(data, entry.filename, f"{name}/{entry.filename}", arrivals)

    def _take_file(self, data: bytes, name: str, whole_name: str, arrivals: Arrivals) -> None:
        """`whole_name`: with the zip that it came in."""
        if IGNORED.search(name):
            return
        if is_table(name):
            self._take_table(data, whole_name, arrivals)
            return
        try:
            ending = ENDINGS[opened(data, TRAINING).format or ""]
        except ImageError as problem:
            arrivals.refused[str(problem)] += 1
            return
        except BROKEN:
            arrivals.refused["no picture"] += 1
            return
        self._check_room(len(data), 1, arrivals)
        self.pictures.mkdir(exist_ok=True)  # not its parents: the project may have been deleted
        folder = self.pictures / group_of(name)
        folder.mkdir(exist_ok=True)
        file = folder / f"{self._next(folder):06d}{ending}"
        self._write(file, data, whole_name)
        self.room = self.room[0] - len(data), self.room[1] - 1
        arrivals.stored += 1

    def _take_table(self, data: bytes, name: str, arrivals: Arrivals) -> None:
        if len(data) > MAX_TABLE_BYTES:
            arrivals.refused["too large"] += 1
            return
        if len(table_files(self.project)) >= MAX_TABLES:
            arrivals.refused["too many tables"] += 1
            return
        self._check_room(len(data), 0, arrivals)
        folder = self.project / TABLES
        folder.mkdir(exist_ok=True)
        ending = PurePosixPath(name).suffix.lower()
        self._write(folder / f"{self._next(folder):06d}{ending}", data, name)
        self.room = self.room[0] - len(data), self.room[1]
        arrivals.tables += 1

    def _check_room(self, size: int, pictures: int, arrivals: Arrivals) -> None:
        """Raises InputError where so many bytes and pictures more do not fit into the project."""
        left_bytes, left_pictures = self.room
        if size > left_bytes or pictures > left_pictures:
            most = f"{self.limits.pictures} pictures and {self.limits.bytes // 1_000_000} MB"
            raise InputError(f"A project holds at most {most}. {arrivals.stored} pictures of this upload were kept.")

    def _write(self, file: Path, data: bytes, name: str) -> None:
        """Stores a file and what it was called: both or neither. Raises OSError."""
        known = json.dumps({"file": f"{file.parent.name}/{file.name}", "name": name}, ensure_ascii=False)
        try:
            file.write_bytes(data)
            with (self.project / NAMES).open("a", encoding="utf-8") as names:
                names.write(known + "\n")
        except OSError:
            with suppress(OSError):
                file.unlink(missing_ok=True)  # torn: the disk is full
            raise

    def _next(self, folder: Path) -> int:
        """The number of the next file in a folder: of a picture in its group, or of a table."""
        if folder not in self._last:
            self._last[folder] = max((int(path.stem) for path in folder.iterdir() if path.stem.isdigit()), default=0)
        self._last[folder] += 1
        return self._last[folder]


def read_at_most(file: IO[bytes], most: int) -> bytes:
    """A file's bytes. Raises ValueError where there are more, whatever its header says: zip bombs lie."""
    data = file.read(most + 1)
    if len(data) > most:
        raise ValueError("it is larger than it says")
    return data


def group_of(name: str) -> str:
    """The group of a file of this name: the folder that it lies in, without what no folder may be called."""
    parents = [part for part in PurePosixPath(name.replace("\\", "/")).parts[:-1] if part not in ("/", "..", ".")]
    return (plain_name(parents[-1]) if parents else "") or ALONE


def storing_problem(problem: OSError, project: Path, kept: int = 0) -> UserError:
    """The sentence for a disk that refuses, or a project that was deleted meanwhile. `kept`: how many pictures of the
    upload were stored before."""
    if not project.is_dir():
        return UserError(GONE)
    why = problem.strerror or problem
    if kept:
        return UserError(f"The pictures cannot be stored: {why}. {kept} pictures of this upload were kept.")
    return UserError(f"The pictures cannot be stored: {why}.")
