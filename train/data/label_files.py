"""What files beside the pictures tell about them: dataset.json of StyleGAN; metadata.csv, .jsonl and .parquet of
Hugging Face; labels.csv and .jsonl."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from bundle.errors import UserError
from bundle.picture_tables import FILE_COLUMNS, LABEL_COLUMNS, TEXT_TABLES, by_name, cell_of_text, text_records
from train.data.columns import named_column
from train.data.label_values import ClassKey, label_key
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


def find_labels(source: str, files: Files, pictures: Sequence[PurePosixPath], column: str | None) -> FileLabels | None:
    """The labels that files beside the pictures name, or None where there is no such file.

    column: the column to take. Raises UserError for a file that cannot be read, or that lacks that column.
    """
    found = FileLabels()
    names = [name for name in files if is_label_file(name)]
    for name in names:
        records = records_of(source, name, files, "add --classes-from folder or --no-classes")
        if records is None:
            found.notes.append(f"{name} is not StyleGAN's, and is passed over")
        else:
            add_labels(found, name, records, files, pictures, column)
    return found if names else None


def find_rows(
    source: str, files: Files, pictures: Sequence[PurePosixPath]
) -> tuple[dict[PurePosixPath, dict[str, object]], list[str]]:
    """What the files beside the pictures say of each: picture -> its rows of all files in one (of two cells, the last
    that is filled); and the columns of all files. Raises UserError for a file that cannot be read."""
    found: dict[PurePosixPath, dict[str, object]] = {}
    columns: dict[str, None] = {}
    for name in (name for name in files if is_label_file(name)):
        records = records_of(source, name, files, "leave out --attributes") or []
        names = list(dict.fromkeys(column for record in records for column in record))
        places = by_name(names, FILE_COLUMNS)
        if not places:
            continue
        columns |= dict.fromkeys(column for column in names if column != places[0])
        told: dict[PurePosixPath, dict[str, object]] = {}
        for record in records:
            if record.get(places[0]) is not None:
                add_cells(told.setdefault(picture_path(name, record[places[0]], files), {}), record)
        for picture, row in matched(pictures, told).items():
            add_cells(found.setdefault(picture, {}), row)
    return found, list(columns)


def add_cells(row: dict[str, object], more: Mapping[str, object]) -> None:
    """Adds the cells of another row about the same picture; gaps hide nothing."""
    row.update({column: value for column, value in more.items() if value is not None or column not in row})


def matched(pictures: Sequence[PurePosixPath], told: Mapping[PurePosixPath, Told]) -> dict[PurePosixPath, Told]:
    """What one file tells about those pictures that it names by their path; else, where it names none so, by their
    file's name alone or without its ending, where that is unique."""
    exact = {path: told[path] for path in pictures if path in told}
    if exact or not told:
        return exact
    called: dict[str, list[PurePosixPath]] = {}
    for path in pictures:
        for name in {path.name, path.stem}:
            called.setdefault(name, []).append(path)
    return {called[name.name][0]: fact for name, fact in told.items() if len(called.get(name.name, ())) == 1}


def records_of(source: str, name: PurePosixPath, files: Files, way_out: str) -> Records | None:
    """The rows of a file of a source; None for a dataset.json that is not StyleGAN's. Raises UserError, with a way out,
    for one that cannot be read."""
    try:
        return read_records(name, files[name]())
    except (OSError, ValueError, csv.Error) as problem:
        raise UserError(f"{source}: {name} cannot be read ({problem}). Mend it, or {way_out}.") from problem


def picture_path(table: PurePosixPath, named: object, files: Files) -> PurePosixPath:
    """The path of the picture that a table names, one of `files` if it is there: as it stands, else with the
    backslashes of Windows as slashes."""
    path = table.parent / str(named)
    return path if path in files else table.parent / str(named).replace("\\", "/")


def add_labels(
    found: FileLabels,
    name: PurePosixPath,
    records: Records,
    files: Files,
    pictures: Sequence[PurePosixPath],
    asked: str | None,
) -> None:
    """Adds the labels of one file to those found. Raises UserError when it lacks the column that was asked for."""
    columns = list(dict.fromkeys(column for record in records for column in record))
    places = by_name(columns, FILE_COLUMNS)
    if not places:
        found.notes.append(f"{name} names no labels" if not records else f"{name} has no column file_name")
        found.without_classes |= not records and name.name.lower() == STYLEGAN
        return
    place = places[0]
    others = [column for column in columns if column != place]
    for column in (
        [named_column(str(name), "--label-column", others, asked)] if asked else by_name(others, LABEL_COLUMNS)
    ):
        try:
            keys = {picture_path(name, record[place], files): label_key(record.get(column)) for record in records
                    if record.get(place) is not None}  # fmt: skip
        except ValueError as problem:
            if asked:
                raise UserError(f"--label-column {asked}: {problem}.") from problem
            found.notes.append(f"the column {column} of {name} is passed over: {problem}")
            continue
        called = str(name) if name.name.lower() == STYLEGAN else f"{name}, column {column}"
        labels = matched(pictures, keys)
        if keys and not labels:
            found.notes.append(f"{called} names no picture that is here: {listed(list(map(str, keys)), 'file')}")
            return
        found.keys.update(labels)
        found.called.append(called)
        found.columns.append(column)
        return
    found.notes.append(f"{name} has no column of labels ({', '.join(others) or 'only file names'})")


def read_records(name: PurePosixPath, data: bytes) -> Records | None:
    """The rows of a file by its name, None for a dataset.json that is not StyleGAN's; the names of pictures in a CSV
    stay words: 0007 is not 7. Raises ValueError and
    csv.Error for what it cannot be."""
    if name.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq  # slow to load

        return pq.read_table(io.BytesIO(data)).to_pylist()
    if name.name.lower() == STYLEGAN:
        return stylegan_records(json.loads(data.decode("utf-8-sig", errors="replace")))
    records = list(text_records(name, data))
    if name.suffix.lower() != ".csv":
        return records
    files = by_name(records[0], FILE_COLUMNS)[:1] if records else []
    return [{column: text if column in files else cell(text) for column, text in row.items()} for row in records]


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


def cell(text: object) -> object:
    """A cell of a CSV, which has lists where a row is longer than the first."""
    return cell_of_text(text) if isinstance(text, str) else text
