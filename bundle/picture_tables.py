"""Tables that lie beside pictures and tell about them, metadata.csv and the like: the names of their files and columns,
and their rows."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

TEXT_TABLES = ("metadata.csv", "metadata.jsonl", "labels.csv", "labels.jsonl")
# The likeliest first, however they are capitalised.
FILE_COLUMNS = ("file_name", "filename", "file", "image", "path", "image_path", "image_file")
LABEL_COLUMNS = ("label", "labels", "class", "target", "category", "class_name", "classname", "label_name", "class_id")
"""Columns that are taken for the classes."""
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
DECIMAL_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
NO_NUMBER = re.compile(r"[+-]?nan", re.IGNORECASE)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
MOST_DIGITS = 4000  # of a whole number, below Python's own limit; a longer one is infinite


def by_name(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Those of `names` that are `wanted`, however they are capitalised, in the order of `wanted`."""
    ranks = {name: rank for rank, name in enumerate(wanted)}
    return sorted((name for name in names if name.lower() in ranks), key=lambda name: ranks[name.lower()])


def cell_of_text(text: str) -> int | float | str | None:
    """What a cell that is text says: a number, where it is written as one in plain digits, and 20_29 is none; nothing,
    where it is empty or NaN; else a word, as it stands."""
    stripped = text.strip()
    if WHOLE_NUMBER.fullmatch(stripped) and len(stripped) < MOST_DIGITS:
        return int(stripped)
    if DECIMAL_NUMBER.fullmatch(stripped):
        return float(stripped)
    return None if not stripped or NO_NUMBER.fullmatch(stripped) else text


def words_among(cells: Iterable[object]) -> set[str]:
    """The words among cells; "inf" is none where there are also numbers."""
    found = list(cells)
    words = {cell for cell in found if isinstance(cell, str)}
    numbers = any(isinstance(cell, int | float) for cell in found)
    return {word for word in words if not (numbers and INFINITE.fullmatch(word))}


def text_records(name: PurePath, data: bytes) -> Iterator[dict[str, object]]:
    """The rows of a table of this name, each as it is asked for: column -> cell, which is text in a CSV and any value
    in JSON lines. Raises ValueError and csv.Error where a row cannot be one."""
    text = data.decode("utf-8-sig", errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as Windows ends lines, and as old Macs did
    if name.suffix.lower() == ".csv":
        head = text.partition("\n")[0]
        rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
        for row in rows:
            yield {str(column): cell for column, cell in row.items()}
        return
    for line in io.StringIO(text):  # not splitlines: a cell may hold other separators of lines, such as U+2028
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except RecursionError as problem:
            raise ValueError("a line is nested too deeply") from problem
        if not isinstance(record, dict):
            raise ValueError("a line is no object")
        yield record
