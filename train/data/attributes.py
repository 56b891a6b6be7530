"""Attributes: what a table or a metadata file says of each picture beside its class, as numbers.

Two values (words, booleans, 0 and 1) are a binary attribute, other numbers stay numbers; a cell without a value is a
gap, NaN here.
"""

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle.errors import UserError
from bundle.picture_tables import words_among
from bundle.schema import MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTES
from train.data.wording import first_few

ALL = "all"
LEAST_KNOWN = 100  # training pictures of which an attribute is known
LEAST_EACH = 10  # of them, of each of the two values

AttributeKind = Literal["binary", "number"]


@dataclass(frozen=True)
class AttributeInfo:
    """One attribute. `low`, `high`: 0 and 1 for binary ones, else the 5th and 95th percentile of the known values;
    `mean`, `std`: of the known values, before classes are chosen. `words`: what 0 and 1 stand for, where the cells are
    words."""

    name: str
    kind: AttributeKind
    low: float
    high: float
    mean: float
    std: float
    words: tuple[str, str] | None = None


@dataclass(frozen=True)
class Column:
    """The attribute that a column of cells is, and its values float64 [N], NaN for gaps."""

    info: AttributeInfo
    values: np.ndarray


class NoAttribute(ValueError):
    """Why a column is no attribute, as the end of a sentence that begins with its name."""


class NoAttributes(UserError):
    """That no column is an attribute, where all were asked for; `notes`: why each is none."""

    def __init__(self, asked: str, notes: Sequence[str]):
        super().__init__(f"--attributes {asked}: no column is an attribute{''.join(f'; {note}' for note in notes)}.")
        self.notes = tuple(notes)


def asked_columns(
    asked: str | None, columns: Sequence[str], class_columns: Collection[str] = ()
) -> tuple[list[str], bool]:
    """(the columns that --attributes asks for, whether each was named). None = none, "all" = all but the classes.

    Raises UserError for names that are no column, are the class, or are too many.
    """
    if asked is None:
        return [], False
    names = list(dict.fromkeys(part.strip() for part in asked.split(",") if part.strip()))
    if not names:
        raise UserError("--attributes is empty: name columns, as in --attributes glasses,smile, or say all.")
    offered = [name for name in columns if name not in class_columns]
    if names == [ALL] and ALL not in columns:
        return offered, False
    for name in names:
        if name in class_columns:
            raise UserError(f"--attributes {name}: this column holds the classes, so it is no attribute.")
        if name not in offered:
            raise UserError(f"--attributes {name}: there is no such column.{suggestion(name, offered)}")
    if len(names) > MAX_ATTRIBUTES:
        raise UserError(f"--attributes names {len(names)} columns: at most {MAX_ATTRIBUTES} can be attributes.")
    return names, True


def suggestion(name: str, offered: Sequence[str]) -> str:
    """What could have been meant."""
    if not offered:
        return " The pictures have no column that could be an attribute: leave out --attributes."
    near = {known.lower(): known for known in offered}
    found = difflib.get_close_matches(name.lower(), near, 1)
    return f" Did you mean {near[found[0]]}?" if found else f" There are {first_few(offered)}."


def choose_attributes(
    asked: str | None, cells: Mapping[str, Sequence[object]], class_columns: Collection[str] = ()
) -> tuple[list[Column], list[str]]:
    """The attributes among columns of training cells, and notes on those that are none.

    Raises UserError where a column that was named is none, NoAttributes where "all" finds none.
    """
    names, named = asked_columns(asked, list(cells), class_columns)
    found, notes = [], []
    for name in names:
        try:
            found.append(column_of(name, cells[name]))
        except NoAttribute as problem:
            if named:
                raise UserError(f"--attributes {name}: the column {problem}.") from problem
            notes.append(f"the column {name} is no attribute: it {problem}")
    if len(found) > MAX_ATTRIBUTES:
        notes.append(f"only the first {MAX_ATTRIBUTES} of {len(found)} attributes are taken: name others")
        found = found[:MAX_ATTRIBUTES]
    if asked is not None and not found:
        raise NoAttributes(asked, notes)
    return found, notes


def column_of(name: str, cells: Sequence[object]) -> Column:
    """The attribute of a column. Raises NoAttribute."""
    if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= MAX_ATTRIBUTE_NAME:
        raise NoAttribute(f"needs a name of 1 to {MAX_ATTRIBUTE_NAME} printable characters")
    plain = [plain_cell(cell) for cell in cells]
    texts = sorted(words_among(plain))
    numbers = sorted({cell for cell in plain if isinstance(cell, float)})
    if texts and numbers:
        raise NoAttribute(f"holds numbers and words, such as {texts[0]}")
    if len(texts) > 2:
        raise NoAttribute(f"holds {len(texts)} different words ({first_few(texts)}), and an attribute is a number or "
                          "one of two words")  # fmt: skip
    words = (texts[0], texts[-1]) if texts else None
    if len(numbers) == 2 and numbers != [0.0, 1.0]:
        words = (number_word(numbers[0]), number_word(numbers[1]))
    values = values_of(cells, words)
    with np.errstate(over="ignore"):  # what float32 cannot hold is no value
        told = values.astype(np.float32)  # as networks are told them
    known = told[np.isfinite(told)].astype(np.float64)
    distinct = np.unique(known)
    if len(distinct) < 2:
        raise NoAttribute("has one value only" if len(distinct) else "is empty")
    if len(known) < LEAST_KNOWN:
        raise NoAttribute(f"has a value in {len(known)} training pictures, and needs {LEAST_KNOWN}")
    if 2 in (len(texts), len(numbers)):
        if (least := int(min(known.sum(), (1 - known).sum()))) < LEAST_EACH:
            raise NoAttribute(f"has one of its two values in {least} training pictures, and needs {LEAST_EACH}")
        info = AttributeInfo(name, "binary", 0.0, 1.0, float(known.mean()), float(known.std()), words)
        return Column(info, values)
    low, high = np.percentile(known, (5, 95))
    if not low < high:
        low, high = known.min(), known.max()
    return Column(
        AttributeInfo(name, "number", float(low), float(high), float(known.mean()), float(known.std())), values
    )


def attributes_note(infos: Sequence[AttributeInfo]) -> str:
    """The line of the report on the attributes that are taken."""
    told = []
    for one in infos:
        ends = one.words or ("0", "1") if one.kind == "binary" else (f"{one.low:.3g}", f"{one.high:.3g}")
        told.append(f"{one.name} ({ends[0]} {'or' if one.kind == 'binary' else 'to'} {ends[1]})")
    return f"attributes: {', '.join(told)}"


def plain_cell(cell: object) -> float | str | None:
    """A cell as a number or a word; None for a gap. Raises NoAttribute for lists and other things."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None:
        return None
    if isinstance(cell, bool | int | float):
        try:
            number = float(cell)
        except OverflowError:  # a whole number of hundreds of digits
            return None
        return number if math.isfinite(number) else None
    if isinstance(cell, str):
        return cell.strip() or None
    raise NoAttribute(f"holds a {type(cell).__name__}, neither a number nor a word")


def values_of(cells: Sequence[object], words: tuple[str, str] | None) -> np.ndarray:
    """Cells float64 [N]: numbers, or the place of the word (of a number, its `number_word`) among `words`; NaN for gaps
    and for what is neither."""
    found = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        try:
            value = plain_cell(cell)
        except NoAttribute:
            continue
        if words is not None and value is not None:
            text = value if isinstance(value, str) else number_word(value)
            found[i] = words.index(text) if text in words else np.nan
        elif isinstance(value, float):
            found[i] = value
    return found


def number_word(value: float) -> str:
    """A number as a word, with so many digits that different ones have different words: dates such as 20240131 too."""
    return repr(value).removesuffix(".0")


def matrix(infos: Sequence[AttributeInfo], cells: Mapping[str, Sequence[object]], count: int) -> np.ndarray:
    """The values float64 [count, A] of these attributes in other rows; a column that is missing there is all gaps."""
    columns = [values_of(cells[info.name], info.words) if info.name in cells else np.full(count, np.nan)
               for info in infos]  # fmt: skip
    return np.stack(columns, axis=1) if columns else np.zeros((count, 0))
