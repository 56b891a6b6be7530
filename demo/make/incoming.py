"""Pictures on their way into a project: files in pieces, zips, names of strangers.

Whatever a file is called, it is stored as `pictures/GROUP/NUMBER.ENDING`; a group is the folder that it came from, and
becomes a class. Tables that may tell about the pictures (metadata.csv) are kept beside them. Any other file is counted
and reported, never stored.
"""

import io
import json
import re
import threading
import zipfile
from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bundle.errors import ImageError, InputError, UserError
from bundle.picture_files import BROKEN, ENDINGS, TRAINING, opened
from bundle.zip_entries import BROKEN_ZIP, entry_marks, entry_names, read_entry
from demo.make.groups import Groups
from demo.make.limits import MakeLimits
from demo.make.projects import LOOSE
from demo.make.refusals import why_refused
from demo.make.stored_pictures import picture_files
from demo.make.tables import MAX_TABLES, NAMES, TABLES, is_damaged, is_table, is_too_large, names_of, table_files

GONE = "The folder of this project is gone: it was deleted. Make a new project."
IGNORED = re.compile(r"(^|/)(\.(?!\.?/)|__MACOSX(/|$)|@eaDir(/|$)|Thumbs\.db$|desktop\.ini$)")
TOO_DEEP = "a zip in a zip within a zip: unpack the outermost one, and drop the folder"
UNPACKED = 4  # times as many bytes, and as many files, as a project may hold: a zip may have more than pictures


@dataclass
class Arrivals:
    """What became of the files of one upload."""

    stored: int = 0
    tables: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Reason -> how many files."""
    unpacked: int = 0
    """Bytes of what its zips hold."""

    def told(self) -> dict[str, object]:
        """As JSON."""
        return {"stored": self.stored, "tables": self.tables, "refused": dict(self.refused)}


class Incoming:
    """Takes files into the folder `pictures` of a project, and tables beside it. `room`: (bytes, pictures) that still
    fit into the project."""

    def __init__(self, pictures: Path, limits: MakeLimits, loose: str = LOOSE):
        """pictures: the folder. loose: the group of those that came without a folder."""
        self.pictures, self.project, self.limits = pictures, pictures.parent, limits
        files = picture_files(pictures)
        held = [*(pictures / file for file in files), *table_files(self.project)]
        self.room = limits.bytes - sum(path.stat().st_size for path in held), limits.pictures - len(files)
        self._groups = Groups({file.partition("/")[0] for file in files}, names_of(self.project), loose)
        self._storing = threading.Lock()
        self._last: dict[Path, int] = {}  # folder of a group or of the tables -> number of its last file

    def take(self, file: Path, name: str, move: bool = False) -> Arrivals:
        """Stores a picture or a table, or all of them in a zip. `move`: a picture's file itself becomes the project's,
        and is not there any more: that is faster than a copy.

        Raises InputError where the project would grow too large, UserError where the disk refuses; what was stored
        before stays.
        """
        with self._storing:
            return self._take(file, name, move)

    def _take(self, file: Path, name: str, move: bool) -> Arrivals:
        arrivals = Arrivals()
        try:
            if zipfile.is_zipfile(file):
                self._take_zip(file, name, arrivals)
            elif file.stat().st_size > TRAINING.bytes:
                arrivals.refused["too large"] += 1
            else:
                self._take_file(file.read_bytes(), name, name, arrivals, file if move else None)
        except OSError as problem:
            raise storing_problem(problem, self.project, arrivals.stored) from problem
        return arrivals

    def _take_zip(self, file: Path | io.BytesIO, name: str, arrivals: Arrivals, within: str = "") -> None:
        """`within`: the folder of its files, for a zip that lay in the one of this name."""
        self._check_entries(file, name)
        try:
            archive = zipfile.ZipFile(file)
        except BROKEN_ZIP as problem:
            if within:
                arrivals.refused["damaged"] += 1
                return
            raise InputError(f"{name} is a damaged zip: pack it again, or drop the pictures.") from problem
        zips: list[tuple[zipfile.ZipInfo, str]] = []
        with archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            arrivals.unpacked += sum(entry.file_size for entry in entries)
            if arrivals.unpacked > UNPACKED * self.limits.bytes:
                most = UNPACKED * self.limits.bytes // 1_000_000
                raise InputError(f"{name} would unpack to more than {most} MB: unpack it, and drop the pictures.")
            before = arrivals.stored
            for entry, entry_name in zip(entries, entry_names(entries), strict=True):
                if IGNORED.search(entry_name):
                    continue
                if entry.flag_bits & 1:
                    raise InputError(f"{name} is locked with a password: unpack it, and drop the folder.")
                if entry.file_size > TRAINING.bytes:
                    arrivals.refused["too large"] += 1
                elif entry_name.lower().endswith(".zip"):
                    if within:
                        arrivals.refused[TOO_DEEP] += 1
                    else:
                        zips.append((entry, entry_name))
                elif (data := self._read(archive, entry, arrivals)) is not None:
                    self._take_file(data, f"{within}{entry_name}", f"{name}/{within}{entry_name}", arrivals)
            if zips and arrivals.stored > before:  # they may be copies of the pictures beside them
                arrivals.refused["a zip beside pictures"] += len(zips)
                return
            for entry, entry_name in zips:
                if (data := self._read(archive, entry, arrivals)) is not None:
                    folder = PurePosixPath(entry_name.replace("\\", "/")).with_suffix("")
                    self._take_zip(io.BytesIO(data), name, arrivals, f"{folder}/")

    def _check_entries(self, file: Path | io.BytesIO, name: str) -> None:
        """Raises InputError for a zip of far more files than a project holds pictures: each would take memory."""
        most = UNPACKED * self.limits.pictures
        with file.open("rb") if isinstance(file, Path) else nullcontext(file) as read:
            if entry_marks(read) > most:
                raise InputError(f"{name} holds more than {most} files: unpack it, and drop the pictures.")

    def _read(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, arrivals: Arrivals) -> bytes | None:
        """The bytes of a file in a zip; None where they cannot be had, which is counted."""
        try:
            return read_entry(archive, entry, TRAINING.bytes)
        except OSError:
            arrivals.refused["damaged"] += 1
            return None

    def _take_file(
        self, data: bytes, name: str, whole_name: str, arrivals: Arrivals, source: Path | None = None
    ) -> None:
        """`whole_name`: with the zip that it came in; `source`: the file that is moved."""
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
            arrivals.refused[why_refused(data)] += 1
            return
        self._check_room(len(data), 1)
        self.pictures.mkdir(exist_ok=True)  # not its parents: the project may have been deleted
        folder = self.pictures / self._groups.of(name)
        folder.mkdir(exist_ok=True)
        file = folder / f"{self._next(folder):06d}{ending}"
        self._write(file, data, whole_name, source)
        self.room = self.room[0] - len(data), self.room[1] - 1
        arrivals.stored += 1

    def _take_table(self, data: bytes, name: str, arrivals: Arrivals) -> None:
        if is_too_large(name, data):
            arrivals.refused["too large"] += 1
            return
        if is_damaged(name, data):
            arrivals.refused["damaged"] += 1
            return
        if len(table_files(self.project)) >= MAX_TABLES:
            arrivals.refused["too many tables"] += 1
            return
        self._check_room(len(data), 0)
        folder = self.project / TABLES
        folder.mkdir(exist_ok=True)
        ending = PurePosixPath(name).suffix.lower()
        self._write(folder / f"{self._next(folder):06d}{ending}", data, name)
        self.room = self.room[0] - len(data), self.room[1]
        arrivals.tables += 1

    def _check_room(self, size: int, pictures: int) -> None:
        """Raises InputError where so many bytes and pictures more do not fit into the project."""
        left_bytes, left_pictures = self.room
        if size > left_bytes or pictures > left_pictures:
            most = f"{self.limits.pictures} pictures and {self.limits.bytes // 1_000_000} MB"
            raise InputError(f"A project holds at most {most}; what came before is kept.")

    def _write(self, file: Path, data: bytes, name: str, source: Path | None = None) -> None:
        """Stores a file and what it was called: both or neither. `source`: where its bytes lie already. Raises
        OSError."""
        stored = f"{file.parent.name}/{file.name}"
        known = json.dumps({"file": stored, "name": name})  # in ASCII: a name may be no UTF-8
        try:
            if source is None:
                file.write_bytes(data)
            else:
                source.replace(file)
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


def storing_problem(problem: OSError, project: Path, kept: int = 0) -> UserError:
    """The sentence for a disk that refuses, or a project that was deleted meanwhile. `kept`: how many pictures of the
    upload were stored before."""
    if not project.is_dir():
        return UserError(GONE)
    why = problem.strerror or problem
    if kept:
        return UserError(f"The pictures cannot be stored: {why}. Pictures of this upload that were kept: {kept}.")
    return UserError(f"The pictures cannot be stored: {why}.")
