"""Tables that came beside the pictures: which of their columns can be learned as attributes, or tell the classes.

What can be an attribute follows train/data/attributes.py, with a margin for the pictures that training holds out.
"""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path, PurePosixPath

from bundle.errors import InputError
from bundle.picture_tables import (
    FILE_COLUMNS,
    LABEL_COLUMNS,
    TEXT_TABLES,
    by_name,
    cell_of_text,
    guessed_encoding,
    text_records,
    words_among,
)
from bundle.schema import MAX_ATTRIBUTE_NAME
from demo.make.names import free_name, spelled_name

NAMES, TABLES = "names.jsonl", "tables"
MAX_TABLE_BYTES, MAX_TABLES = 50_000_000, 1000
MAX_ROWS, MAX_COLUMNS = 300_000, 1000  # of a table
MOST_CLASSES = 100  # different words in a column that can tell classes
LEAST_KNOWN = 125  # pictures that have a value: training needs 100, and holds out a tenth or so
LEAST_EACH = 15  # of them, of each of two values: training needs 10

Cell = str | float
Cells = dict[str, Cell]
"""Picture, by its path below `pictures` -> its cell; those without a value are missing."""


@dataclass(frozen=True)
class Column:
    """A column: its cells, why it can be no attribute ("" where it can), and whether it can tell classes."""

    cells: Cells
    why_not: str
    classes: bool


def is_table(name: str) -> bool:
    """Whether a file of this name may tell about pictures beside it."""
    return PurePosixPath(name.replace("\\", "/")).name.lower() in TEXT_TABLES


def is_too_large(name: str, data: bytes) -> bool:
    """Whether a table of this name has more bytes, rows or columns than are read: its cells take far more memory than
    its bytes."""
    if len(data) > MAX_TABLE_BYTES or max(map(data.count, (b"\n", b"\r"))) > MAX_ROWS:
        return True
    data = data.replace(b"\r", b"\n")  # as old Macs ended lines
    if name.lower().endswith(".csv"):
        head = data.partition(b"\n")[0]
        return max(map(head.count, (b",", b";", b"\t"))) > MAX_COLUMNS
    return any(line.count(b":") > MAX_COLUMNS for line in io.BytesIO(data))


def is_damaged(name: str, data: bytes) -> bool:
    """Whether the rows of a table of this name cannot be read."""
    try:
        for _ in text_records(PurePosixPath(name), data):
            pass
    except (ValueError, csv.Error):
        return True
    return False


def columns(project: Path, files: Collection[str], notes: list[str] | None = None) -> dict[str, Column]:
    """What the tables in the folder of a project tell about these pictures: column -> its cells. Tables that cannot be
    read tell nothing. `notes` get sentences on these, and on those whose encoding is a guess."""
    called = names_of(project)
    tables = [
        (project / TABLES / path.name, called.get(f"{TABLES}/{path.name}", path.name)) for path in table_files(project)
    ]
    if not tables:
        return {}
    pictures = {called[file]: file for file in files if file in called}
    found: dict[str, Cells] = {}
    for path, name in tables:
        try:
            if notes is not None and (guess := guessed_encoding(path.read_bytes())):
                notes.append(f"{name} is not UTF-8: it is read as {guess}. If letters are wrong, save it as CSV UTF-8.")
            for column, cells in cells_of(read_records(path), PurePosixPath(name).parent, pictures).items():
                if column in found or len(found) < MAX_COLUMNS:
                    found.setdefault(column, {}).update(cells)
        except (OSError, ValueError, csv.Error) as problem:
            if notes is not None:
                why = problem.strerror if isinstance(problem, OSError) else problem
                notes.append(f"{name} cannot be read, and tells nothing: {why}.")
    return {name: Column(cells, why_no_attribute(name, cells), tells_classes(cells)) for name, cells in found.items()}


def table_files(project: Path) -> list[Path]:
    """The tables of a project, the oldest first."""
    return sorted(path for path in (project / TABLES).glob("*") if path.is_file())


def names_of(project: Path) -> dict[str, str]:
    """Stored file -> what it was called. A line that was torn is passed over."""
    found = {}
    with suppress(OSError):
        for line in (project / NAMES).read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                found[str(entry["file"])] = str(entry["name"])
    return found


def read_records(path: Path) -> Iterator[dict[str, Cell]]:
    """The rows of a table, one after the other: column -> cell, without the empty ones. Raises OSError, ValueError,
    csv.Error."""
    for row in text_records(path, path.read_bytes()):
        found = {name: cell for name, value in row.items() if (cell := plain_cell(value)) is not None}
        for name in by_name(found, FILE_COLUMNS)[:1]:
            found[name] = str(row[name]).strip()  # 0007 is not 7
        yield found


def plain_cell(cell: object) -> Cell | None:
    """A cell as a number where it is one, else as words; None where it says nothing."""
    found = cell_of_text(cell) if isinstance(cell, str) else cell
    if isinstance(found, bool | int | float):
        with suppress(OverflowError):
            return float(found) if isfinite(found) else None
    return found.strip() if isinstance(found, str) else None


def cells_of(
    records: Iterable[Mapping[str, Cell]], beside: PurePosixPath, called: Mapping[str, str]
) -> dict[str, Cells]:
    """Column -> its cells, at most MAX_COLUMNS. `beside`: the folder of the table; `called`: what a picture was called
    -> the picture. Rows name pictures by their path from that folder, else by the file's name alone where only one
    picture and one path of the table have it; rows of other pictures are not kept."""
    alone = files_by_last_part(called)
    by_path: dict[str, Cells] = {}
    by_last_part: dict[str, Cells] = {}
    named: dict[str, str] = {}  # picture -> the path of the table that has its name
    unsure: set[str] = set()
    any_path = False
    for record in records:
        places = by_name(record, FILE_COLUMNS)
        if not places:
            continue
        file = str(record[places[0]])
        slashed = file.replace("\\", "/")  # Windows writes paths with backslashes
        if picture := called.get(str(beside / file)) or called.get(str(beside / slashed)):
            any_path, found = True, by_path
        elif not any_path and (picture := alone.get(PurePosixPath(slashed).name)):
            found = by_last_part
            if named.setdefault(picture, slashed) != slashed:
                unsure.add(picture)
        else:
            continue
        for name, cell in record.items():
            if name != places[0] and (name in found or len(found) < MAX_COLUMNS):
                found.setdefault(name, {})[picture] = cell
    if any_path:
        return by_path
    return {
        name: {picture: cell for picture, cell in cells.items() if picture not in unsure}
        for name, cells in by_last_part.items()
    }


def files_by_last_part(called: Mapping[str, str]) -> dict[str, str]:
    """The name of a file, with and without its ending -> the picture, where only one is called so."""
    found: dict[str, set[str]] = {}
    for name, file in called.items():
        path = PurePosixPath(name)
        for key in {path.name, path.stem}:
            found.setdefault(key, set()).add(file)
    return {key: files.pop() for key, files in found.items() if len(files) == 1}


def why_no_attribute(name: str, cells: Cells) -> str:
    """Why a column can be no attribute, as a sentence; "" where it can be one."""
    words = words_among(cells.values())
    values = [value for value in cells.values() if isinstance(value, float) or value in words]
    different = set(values)
    if name.lower() in LABEL_COLUMNS:
        return "It names classes."
    if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= MAX_ATTRIBUTE_NAME:
        return f"Its name must have 1 to {MAX_ATTRIBUTE_NAME} printable letters."
    if words and words != different:
        return "It holds numbers and words."
    if len(words) > 2:
        return f"It holds {len(words)} different words; an attribute is a number or one of two words."
    if len(different) < 2:
        return "It has one value only."
    if len(values) < LEAST_KNOWN:
        return f"Pictures that have a value: {len(values)}; {LEAST_KNOWN} are needed."
    least = min(values.count(value) for value in different) if len(different) == 2 else LEAST_EACH
    if least < LEAST_EACH:
        return f"Pictures that have one of its two values: {least}; {LEAST_EACH} are needed."
    return ""


def tells_classes(cells: Cells) -> bool:
    """Whether a column can tell classes: some values, each of several pictures."""
    return 2 <= len(set(cells.values())) <= min(MOST_CLASSES, len(cells) // 2)


def classes_by(project: Path, name: str, files: Collection[str]) -> dict[str, str]:
    """Picture -> its class by the column of this name; pictures without a value are in none. Raises InputError."""
    found = columns(project, files).get(name)
    if found is None or not found.classes:
        raise InputError(f"The column {name} tells no classes.")
    names = class_names(found.cells.values())
    return {file: names[found.cells[file]] if file in found.cells else "" for file in files}


def class_names(cells: Iterable[Cell]) -> dict[Cell, str]:
    """Each value of a column -> the name of its class. Values that differ get names that differ, be it by a number;
    capitals alone make no difference, as with folders."""
    wanted = {cell: class_name(cell) for cell in cells}
    names: dict[str, str] = {}  # what is written, in casefold -> the name
    taken: set[str] = set()
    for cell in sorted(wanted, key=lambda cell: (wanted[cell] != cell_text(cell), cell_text(cell))):
        key = cell_text(cell).casefold()
        if key not in names:  # those that can be called what they are come first: "5" before "<5"
            names[key] = free_name(wanted[cell], taken)
            taken.add(names[key].casefold())
    return {cell: names[cell_text(cell).casefold()] for cell in wanted}


def class_name(cell: Cell) -> str:
    """A cell as the name of a class: 3.0 is "3", -1.0 is "minus 1"."""
    text = cell_text(cell)
    is_below_zero = isinstance(cell, float) and text.startswith("-")
    return spelled_name(f"minus {text[1:]}" if is_below_zero else text) or "value"


def cell_text(cell: Cell) -> str:
    """A cell as it is written, with all its digits."""
    if isinstance(cell, str):
        return cell
    return str(int(cell)) if cell.is_integer() else repr(cell)
