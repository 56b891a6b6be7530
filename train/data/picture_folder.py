"""Any source of pictures as a folder of picture files, for whoever cannot read the source itself.

    python -m train.data.picture_folder SOURCE FOLDER --most 2000

FOLDER, which must be empty or missing, gets at most so many pictures, spread over the whole source, as
CLASS/NUMBER.ENDING; FOLDER/metadata.csv has its attributes, and the classes too where some pictures have none. What is
read, and how, is as for --data of a training; notes on that come last.
"""

import csv
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated

import numpy as np
import tyro

from bundle import images
from bundle.deep_pixels import EACH, ValueRange
from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.one_line import one_line
from bundle.picture_files import ENDINGS, TRAINING, opened
from bundle.picture_tables import LABEL_COLUMNS
from bundle.pictures import from_array
from bundle.printable import printable
from train.data import shapes
from train.data.attributes import AttributeInfo, NoAttributes, number_word
from train.data.dataset import synthetic_set
from train.data.folder_files import SYSTEM_FOLDERS
from train.data.load import load
from train.data.open_source import open_source
from train.data.pixel_format import DEFAULT_PIXELS
from train.data.reading import Reading
from train.data.scan import survey
from train.data.source import Row, Source

TOLD_EVERY = 25  # pictures
MOST_NOTES = 10
# What no file may be called on Windows, which is also what could lead out of the folder.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
LONGEST_NAME = 80  # letters
TABLE = "metadata.csv"


@dataclass(frozen=True)
class FolderSettings:
    """What to write, and where."""

    source: Annotated[str, tyro.conf.Positional]
    """As --data of a training takes it: a folder, a zip, parquet, a data set of the Hub, shapes."""
    folder: Annotated[Path, tyro.conf.Positional]
    """Folder for the pictures, without files; made when missing."""
    most: int = 2000
    """Pictures at most."""


@dataclass(frozen=True)
class PictureFile:
    """One picture: its file's bytes and their ending, its class, "" for none, and its attributes as words, "" for
    gaps."""

    data: bytes
    ending: str
    label: str = ""
    attributes: tuple[str, ...] = ()


class FolderNames:
    """The folder of each class: one that any disk takes, that is read back and that leads nowhere else, whatever the
    class is called.
    Classes that differ have folders that differ, be it by a number."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {"": ""}

    def of(self, label: str) -> str:
        """The name of the folder of a class; "" for none, whose pictures lie beside the folders."""
        if label not in self._of:
            plain = FORBIDDEN.sub(" ", label)[:LONGEST_NAME].strip(". ") or "class"
            if RESERVED.fullmatch(plain.partition(".")[0].strip()) or plain.lower() in SYSTEM_FOLDERS:
                plain = f"class {plain}"
            taken = {name.casefold() for name in self._of.values()}
            free = (name for number in itertools.count(2) for name in [plain, f"{plain} {number}"])
            self._of[label] = next(name for name in free if name.casefold() not in taken)
        return self._of[label]


@dataclass(frozen=True)
class PictureFiles:
    """The pictures of a source: the names of their attributes, how many there are, each, and notes on how they were
    read."""

    attributes: tuple[str, ...]
    count: int
    pictures: Iterator[PictureFile]
    notes: tuple[str, ...] = ()


def write_folder(settings: FolderSettings) -> int:
    """Writes the folder, and prints how far it is; returns 0. Raises UserError for a source that cannot be read and for
    a folder that is not empty, OSError."""
    if settings.most < 1:
        raise UserError(f"--most must be positive, not {settings.most}.")
    if settings.folder.is_dir() and any(settings.folder.iterdir()):
        raise UserError(f"{settings.folder} is not empty: name a new folder, or empty it.")
    found, names = files_of(settings.source, settings.most), FolderNames()
    settings.folder.mkdir(parents=True, exist_ok=True)
    rows: list[list[str]] = []
    labels: list[str] = []
    for i, picture in enumerate(found.pictures):
        home = settings.folder / names.of(picture.label)
        home.mkdir(parents=True, exist_ok=True)
        path = home / f"{i + 1:06d}{picture.ending}"
        path.write_bytes(picture.data)
        rows.append([path.relative_to(settings.folder).as_posix(), *picture.attributes])
        labels.append(picture.label)
        if i % TOLD_EVERY == 0 or i + 1 == found.count:
            print(f"{i + 1} of {found.count}", flush=True)
    if not rows:
        raise UserError(f"{settings.source} holds no picture that can be read.")
    columns = found.attributes
    if any(labels) and not all(labels):  # with pictures beside them, folders are no classes (see layout.py)
        taken = {name.lower() for name in columns}
        columns = (*columns, next(name for name in LABEL_COLUMNS if name not in taken))
        rows = [[*row, label] for row, label in zip(rows, labels, strict=True)]
    if columns:
        with (settings.folder / TABLE).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([["file_name", *columns], *rows])
    for note in found.notes[:MOST_NOTES]:
        print(f"note: {printable(one_line(note))}", flush=True)
    return 0


def files_of(source: str, most: int) -> PictureFiles:
    """At most so many pictures of any source. Raises UserError."""
    match synthetic_set(source):
        case "shapes":
            names = tuple(name for name in shapes.FACTORS if name != "shape")  # which is the class
            return PictureFiles(names, min(most, len(shapes.TRAIN)), drawn_shapes(names, most))
        case "stacked_mnist":
            train = load(source, quiet=True).train
            stacked = (png_file(pixels.numpy().transpose(1, 2, 0)) for pixels in train.images[:most])
            return PictureFiles((), min(most, len(train)), stacked)
    found, notes = opened_with_attributes(source)
    names = tuple(info.name for info in found.attributes)
    notes = tuple(note for note in notes if "--" not in note)  # flags are of no use here
    return PictureFiles(names, min(most, size_of(found)), spread_over(found, most), notes)


# ------------------------------------------------------------------------------------------- of a source


def opened_with_attributes(source: str) -> tuple[Source, tuple[str, ...]]:
    """A source with whatever attributes it has, and notes for the report. Raises UserError."""
    why: tuple[str, ...] = ()
    try:
        found = open_source(source, Reading(attributes="all"))
    except UserError as problem:  # mostly since there are none
        why = problem.notes if isinstance(problem, NoAttributes) else ()
        found = open_source(source)
    return found, (*why, *found.notes)


def size_of(source: Source) -> int:
    """How many pictures both splits hold."""
    return source.train.count + (source.test.count if source.test else 0)


def spread_over(source: Source, most: int) -> Iterator[PictureFile]:
    """At most so many pictures of a source, spread over all of it; those that cannot be read are passed over."""
    count, scaling = size_of(source), scaling_of(source)
    wanted = set(np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()) if count else set()
    for i, row in enumerate(all_rows(source)):
        if i in wanted and (picture := picture_file(row, source, scaling)):
            yield picture


def all_rows(source: Source) -> Iterator[Row]:
    """The rows of both splits."""
    yield from source.train.rows()
    if source.test:
        yield from source.test.rows()


def scaling_of(source: Source) -> Callable[[], ValueRange | None]:
    """Which numbers are black and white in all pictures of a source that are arrays, as a training finds them. It looks
    at the whole source, so at the first call only: pictures that are files need it not."""

    @cache
    def found() -> ValueRange | None:
        scaling = survey(source).stats.scaling(DEFAULT_PIXELS)
        return None if scaling == EACH else scaling

    return found


def picture_file(row: Row, source: Source, scaling: Callable[[], ValueRange | None]) -> PictureFile | None:
    """The file of a row, or a PNG of its pixels; None where neither can be had."""
    label = source.classes[row.label] if row.label >= 0 else ""
    words = tuple(word_of(*pair) for pair in zip(source.attributes, row.attributes, strict=False))
    try:
        found = row.read()
        if isinstance(found, bytes):
            return PictureFile(found, ending_of(found, row.name), label, words)
        return png_file(np.atleast_3d(np.asarray(from_array(found, scaling()))), label, words)
    except (OSError, ValueError):
        return None


def ending_of(data: bytes, name: str) -> str:
    """The usual ending of a picture's file by its content; where that tells none, the one that it has."""
    try:
        return ENDINGS[opened(data, TRAINING).format or ""]
    except Exception:  # torn, in any way
        return PurePosixPath(name).suffix.lower()


def png_file(pixels: np.ndarray, label: str = "", attributes: tuple[str, ...] = ()) -> PictureFile:
    """A picture uint8 [H, W, C] as a PNG."""
    return PictureFile(images.png(pixels, level=1), ENDINGS["PNG"], label, attributes)


def word_of(info: AttributeInfo, value: float) -> str:
    """An attribute's value as it stands in a CSV."""
    if not np.isfinite(value):
        return ""
    return info.words[int(value)] if info.words else number_word(value)


def drawn_shapes(names: tuple[str, ...], most: int) -> Iterator[PictureFile]:
    """Pictures of the drawn set, its shapes as classes and its other factors, by these names, as attributes."""
    factors = shapes.factors(shapes.TRAIN[:most])
    cells = shapes.cells(factors)
    for i, one in enumerate(factors):
        (pixels,) = shapes.draw(one[None])
        yield png_file(pixels.transpose(1, 2, 0), cells["shape"][i], tuple(str(cells[name][i]) for name in names))


if __name__ == "__main__":
    asked = tyro.cli(FolderSettings, prog="python -m train.data.picture_folder", description=__doc__)
    sys.exit(exit_code(lambda: write_folder(asked), "Stopped."))
