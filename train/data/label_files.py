"""What files beside the pictures tell about them: dataset.json of StyleGAN; metadata.csv, .jsonl and .parquet of
Hugging Face; labels.csv and .jsonl."""

import csv
import io
import json
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from bundle.errors import UserError
from bundle.picture_tables import (
    FILE_COLUMNS,
    LABEL_COLUMNS,
    TEXT_TABLES,
    by_name,
    cell_of_text,
    guessed_encoding,
    text_of,
    text_records,
)
from train.data.columns import named_column
from train.data.label_values import ClassKey, class_keys, label_key
from train.data.source import Files
from train.data.wording import listed

STYLEGAN = "dataset.json"
TABLES = (*TEXT_TABLES, "metadata.parquet")
Told = TypeVar("Told")

Records = list[dict[str, object]]
"""Rows of a file: column -> cell."""


@dataclass
class FileLabels:
    """Labels by pictures; none where the files name none that are here, and `notes` say why.

    `called`: the files, each with the column that was taken; `columns`: these columns. `without_classes`: whether a
    file says that the set has none, as StyleGAN's do.
    """

    keys: dict[PurePosixPath, ClassKey] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without_classes: bool = False


def is_label_file(name: PurePosixPath) -> bool:
    """Whether a file is one of those that name labels."""
    return name.name.lower() in (STYLEGAN, *TABLES)


def find_labels(source: str, files: Files, pictures: Sequence[PurePosixPath], asked: str | None) -> FileLabels | None:
    """The labels that files beside the pictures name, or None where there is no such file.

    asked: the column to take. Raises UserError for a file that cannot be read, and where no file has that column.
    """
    found, tables = FileLabels(), []
    names, paths = [name for name in files if is_label_file(name)], Paths(files)
    for name in names:
        records = records_of(source, name, files, "add --classes-from folder or --no-classes", found.notes)
        if records is None:
            found.notes.append(f"{name} is not StyleGAN's, and is passed over")
        elif table := label_table(name, records, paths, found):
            tables.append(table)
    if asked and tables:  # which raises where none has it
        everything = list(dict.fromkeys(column for table in tables for column in table.columns))
        named_column(", ".join(str(table.name) for table in tables), "--label-column", everything, asked)
    told_nothing = set() if asked else columns_of_one_class(tables)
    for table in tables:
        add_labels(found, table, pictures, asked, told_nothing)
    return found if names else None


def find_rows(
    source: str, files: Files, pictures: Sequence[PurePosixPath]
) -> tuple[dict[PurePosixPath, dict[str, object]], list[str], list[str]]:
    """What the files beside the pictures say of each: picture -> its rows of all files in one (of two cells, the last
    that is filled); the columns of all files; notes on how they were read. Raises UserError for a file that cannot be
    read."""
    found: dict[PurePosixPath, dict[str, object]] = {}
    columns: dict[str, None] = {}
    paths, notes = Paths(files), list[str]()
    for name in (name for name in files if is_label_file(name)):
        records = records_of(source, name, files, "leave out --attributes", notes) or []
        names = list(dict.fromkeys(column for record in records for column in record))
        places = by_name(names, FILE_COLUMNS)
        if not places:
            continue
        columns |= dict.fromkeys(column for column in names if column != places[0])
        told: dict[PurePosixPath, dict[str, object]] = {}
        for record in records:
            if record.get(places[0]) is not None:
                add_cells(told.setdefault(paths.of(name, record[places[0]]), {}), record)
        rows, unsure = matched(pictures, told)
        for picture, row in rows.items():
            add_cells(found.setdefault(picture, {}), row)
        if unsure:
            notes.append(f"{name}: {several_rows(unsure)}: no attribute is taken from them")
    return found, list(columns), notes


def add_cells(row: dict[str, object], more: Mapping[str, object]) -> None:
    """Adds the cells of another row about the same picture; gaps hide nothing."""
    row.update({column: value for column, value in more.items() if value is not None or column not in row})


def matched(
    pictures: Sequence[PurePosixPath], told: Mapping[PurePosixPath, Told]
) -> tuple[dict[PurePosixPath, Told], list[PurePosixPath]]:
    """What one file tells about those pictures that it names by their path; else, where it names none so, by their
    file's name alone or without its ending, where that is unique among the pictures and among the rows. And the
    pictures that several rows may mean, as where a table of two splits lies beside the pictures of one."""
    exact = {path: told[path] for path in pictures if path in told}
    if exact or not told:
        return exact, []
    called: dict[str, list[PurePosixPath]] = {}
    for path in pictures:
        for name in {composed(path.name), composed(path.stem)}:
            called.setdefault(name, []).append(path)
    rows: dict[PurePosixPath, list[Told]] = {}
    for named, fact in told.items():
        meant = called.get(composed(named.name), [])
        if len(meant) == 1:
            rows.setdefault(meant[0], []).append(fact)
    return (
        {path: facts[0] for path, facts in rows.items() if len(facts) == 1},
        [path for path, facts in rows.items() if len(facts) > 1],
    )


def several_rows(unsure: Sequence[PurePosixPath]) -> str:
    """What is said of pictures that several rows may mean."""
    return f"several rows have the name of {listed(list(map(str, unsure)), 'picture')}"


def composed(text: str) -> str:
    """A name with its accents and letters in one: macOS takes them apart, and tables mostly do not."""
    return unicodedata.normalize("NFC", text)


class Paths:
    """The files that are there, as tables name them."""

    def __init__(self, files: Files):
        self._there = {composed(str(path)): path for path in files}

    def of(self, table: PurePosixPath, named: object) -> PurePosixPath:
        """The path of the picture that a table names, one of the files if it is there: as it stands, else with the
        backslashes of Windows as slashes."""
        slashes = str(named).replace("\\", "/")
        for text in (str(named), slashes):
            if there := self._there.get(composed(str(table.parent / text))):
                return there
        return table.parent / slashes


def records_of(source: str, name: PurePosixPath, files: Files, way_out: str, notes: list[str]) -> Records | None:
    """The rows of a file of a source; None for a dataset.json that is not StyleGAN's. Adds to `notes` where its
    encoding is a guess. Raises UserError, with a way out, for one that cannot be read."""
    try:
        data = files[name]()
        records = read_records(name, data)
        if name.suffix.lower() != ".parquet" and records and (guess := guessed_encoding(data)):
            notes.append(f"{name} is not UTF-8 and is read as {guess}; if letters are wrong, save it as CSV UTF-8")
        return records
    except (OSError, ValueError, RecursionError, csv.Error) as problem:
        raise UserError(f"{source}: {name} cannot be read ({problem}). Mend it, or {way_out}.") from problem


@dataclass(frozen=True)
class LabelTable:
    """A file that names labels: the rows of each picture, and its columns without that of the pictures."""

    name: PurePosixPath
    rows: Mapping[PurePosixPath, Sequence[Mapping[str, object]]]
    columns: tuple[str, ...]

    def keys(self, column: str) -> dict[PurePosixPath, list[ClassKey]]:
        """The different classes of each picture by a column, none where its cells are empty. Raises ValueError for a
        cell that names no single class."""
        keys: dict[PurePosixPath, list[ClassKey]] = {}
        for path, rows in self.rows.items():
            found = [label_key(row.get(column)) for row in rows]
            keys[path] = list({str(key): key for key in found if key is not None}.values())  # 1 and "1" are one class
        return keys

    def named(self, asked: str) -> list[str]:
        """Its column of this name, however it is capitalised, if it has one."""
        alike = [column for column in self.columns if column.lower() == asked.lower()]
        return [asked] if asked in alike else alike[:1]


def label_table(name: PurePosixPath, records: Records, paths: "Paths", found: FileLabels) -> LabelTable | None:
    """A file's rows, or None and a note in `found` for a file that names no pictures."""
    columns = list(dict.fromkeys(column for record in records for column in record))
    places = by_name(columns, FILE_COLUMNS)
    if not places:
        found.notes.append(f"{name} names no labels" if not records else f"{name} has no column file_name")
        found.without_classes |= not records and name.name.lower() == STYLEGAN
        return None
    place = places[0]
    rows: dict[PurePosixPath, list[dict[str, object]]] = {}
    for record in records:
        if record.get(place) is not None:
            rows.setdefault(paths.of(name, record[place]), []).append(record)
    return LabelTable(name, rows, tuple(column for column in columns if column != place))


def columns_of_one_class(tables: Sequence[LabelTable]) -> set[str]:
    """The columns, in small letters, that name one class at most in all files together: one file for each class is no
    reason to pass its column over. What StyleGAN's file says holds: a set of one class has none."""
    classes: dict[str, set[ClassKey]] = {}
    for table in tables:
        for column in by_name(table.columns, LABEL_COLUMNS) if table.name.name.lower() != STYLEGAN else ():
            with suppress(ValueError):
                keys = table.keys(column).values()
                classes.setdefault(column.lower(), set()).update(key for several in keys for key in several)
    return {column for column, keys in classes.items() if len(class_keys(keys)) < 2}


def add_labels(
    found: FileLabels, table: LabelTable, pictures: Sequence[PurePosixPath], asked: str | None, told_nothing: set[str]
) -> None:
    """Adds the labels of one file to those found: by the column that was `asked` for, else by the likeliest that is not
    among `told_nothing`. Raises UserError where the column that was asked for names no classes."""
    likely = table.named(asked) if asked else by_name(table.columns, LABEL_COLUMNS)
    for column in likely:
        if column.lower() in told_nothing:
            found.notes.append(f"the column {column} of {table.name} is passed over: it names one class at most")
            continue
        try:
            keys = table.keys(column)
        except ValueError as problem:
            if asked:
                raise UserError(f"--label-column {asked}: {problem}.") from problem
            found.notes.append(f"the column {column} of {table.name} is passed over: {problem}")
            continue
        called = str(table.name) if table.name.name.lower() == STYLEGAN else f"{table.name}, column {column}"
        labels, unsure = matched(pictures, keys)
        if unsure:
            found.notes.append(f"{table.name}: {several_rows(unsure)}: no label is taken from them")
        elif keys and not labels:
            found.notes.append(f"{called} names no picture that is here: {listed(list(map(str, keys)), 'file')}")
        if keys and not labels:
            return
        if several := [str(path) for path, of_path in labels.items() if len(of_path) > 1]:
            found.notes.append(f"{called} gives {listed(several, 'picture')} several labels: none is taken")
        found.keys.update({path: of_path[0] if len(of_path) == 1 else None for path, of_path in labels.items()})
        found.called.append(called)
        found.columns.append(column)
        return
    if not likely:
        found.notes.append(f"{table.name} has no column of labels ({', '.join(table.columns) or 'only file names'})")


def read_records(name: PurePosixPath, data: bytes) -> Records | None:
    """The rows of a file by its name, None for a dataset.json that is not StyleGAN's; the names of pictures in a CSV
    stay words: 0007 is not 7. Raises ValueError, RecursionError or csv.Error for a file that is no such table."""
    if name.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq  # slow to load

        return pq.read_table(io.BytesIO(data)).to_pylist()
    if name.name.lower() == STYLEGAN:
        return stylegan_records(json.loads(text_of(data)))
    records = list(text_records(name, data))
    if name.suffix.lower() != ".csv":
        return records
    files = by_name(records[0], FILE_COLUMNS)[:1] if records else []
    return [
        {column: cell_of_text(text) if isinstance(text, str) and column not in files else text
         for column, text in row.items()}
        for row in records
    ]  # fmt: skip


def stylegan_records(content: object) -> Records | None:
    """dataset.json: {"labels": [["00000/img00000000.png", 6], …]}, or null where there are none. None for any other
    JSON."""
    if not isinstance(content, Mapping) or "labels" not in content:
        return None
    labels = content["labels"]
    pairs = list(labels.items()) if isinstance(labels, Mapping) else labels
    if not isinstance(pairs, list):
        return []
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("labels are pairs of a file and a class")
    return [{"file_name": file, "label": label} for file, label in pairs]
