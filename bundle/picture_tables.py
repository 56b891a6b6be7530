"""Tables that lie beside pictures and tell about them, metadata.csv and the like: the names of their files and columns,
and their rows."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
PAIR = re.compile(rb"[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]")  # of GB 2312: its signs, its ideographs
FIRST_LEVEL = bytes(range(0xB0, 0xD8))  # with which its frequent ideographs begin
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


def encoding_of(data: bytes) -> str:
    """The encoding of a table, as Python calls it: UTF-16 where it begins with its mark, UTF-8 where it can be. Else it
    is a guess: what Excel calls CSV is in the code page of Windows, be it the Chinese or the Western one. Raises
    ValueError for bytes that are none of these."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    with suppress(UnicodeDecodeError):
        data.decode("utf-8-sig")
        return "utf-8-sig"
    if is_chinese(data):
        return "gb18030"
    with suppress(UnicodeDecodeError):
        data.decode("cp1252")
        return "cp1252"
    raise ValueError("it is neither UTF-8 nor in a code page of Windows that is known; save it as CSV UTF-8")


def is_chinese(data: bytes) -> bool:
    """Whether bytes in a code page of Windows are rather Chinese than Western: all beyond ASCII come in pairs, as those
    of GB 2312, not all the same one (as in GRÖßE), and most are ideographs of its first level, in which nearly all of a
    text is written."""
    if not PAIR.sub(b"", data).isascii() or len(set(PAIR.findall(data))) < 2:
        return False
    firsts = data.translate(None, bytes(range(128)))[::2]
    return 2 * len(firsts.translate(None, FIRST_LEVEL)) < len(firsts)


def guessed_encoding(data: bytes) -> str:
    """What the encoding of a table is called, where it is a guess; "" for others. Raises as `encoding_of`."""
    return {"cp1252": "Windows-1252", "gb18030": "GB 18030"}.get(encoding_of(data), "")


def text_of(data: bytes) -> str:
    """The text of a table. Raises ValueError where it is in no encoding that is known."""
    return data.decode(encoding_of(data))


def text_records(name: PurePath, data: bytes) -> Iterator[dict[str, object]]:
    """The rows of a table of this name, each as it is asked for: column -> cell, which is text in a CSV and any value
    in JSON lines. Decimal commas are points. Raises ValueError and csv.Error where a row cannot be one."""
    text = text_of(data).replace("\r\n", "\n").replace("\r", "\n")  # as Windows ends lines, and as old Macs did
    if name.suffix.lower() == ".csv":
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        with_commas = None  # ever, where semicolons separate: whoever writes so has the comma in numbers
        if delimiter != ";":
            quoted = delimiter == "\t" or '"' in text  # else no cell has a comma
            with_commas = decimal_columns(csv.DictReader(io.StringIO(text), delimiter=delimiter) if quoted else ())
        for row in csv.DictReader(io.StringIO(text), delimiter=delimiter):
            # Cells beyond the first row's stand under None.
            yield {name: with_point(name, cell, with_commas) for name, cell in row.items() if name is not None}
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


def with_point(column: object, cell: object, with_commas: set[object] | None) -> object:
    """A cell of a CSV, with a point where it is a number with a decimal comma. `with_commas`: the columns that may have
    such numbers, None for all but that of the pictures."""
    wanted = column in with_commas if with_commas is not None else str(column).lower() not in FILE_COLUMNS
    if wanted and isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell.strip()):
        return cell.replace(",", ".")
    return cell


def decimal_columns(rows: Iterable[Mapping[object, object]]) -> set[object]:
    """The columns of a table in which every cell that is filled is a whole number or one with a decimal comma. Where
    three digits follow each comma, it may as well be that of thousands."""
    found, others = set[object](), set[object]()
    for row in rows:
        for column, cell in row.items():
            text = cell.strip() if isinstance(cell, str) else ""
            if not text or column in others or cell_of_text(text) is None or WHOLE_NUMBER.fullmatch(text):
                continue
            if not DECIMAL_COMMA.fullmatch(text) or str(column).lower() in FILE_COLUMNS:
                others.add(column)
            elif not THOUSANDS.fullmatch(text):
                found.add(column)
    return found - others
