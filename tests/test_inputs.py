"""docs/inputs.md, walked: what every row says that somebody brings is built, read, and answered in the row's words."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inputs.cases import CASES

ROOT = Path(__file__).parents[1]
HEAD = ["what you bring", "what happens", "the words"]

for module in sorted((ROOT / "tests" / "inputs").glob("[!_]*.py")):  # a room's cases are registered by its import
    importlib.import_module(f"tests.inputs.{module.stem}")


@dataclass(frozen=True)
class Row:
    """One line of a table; `words`: the fragments between backticks."""

    room: str
    brought: str
    words: tuple[str, ...]


def rows() -> Iterator[Row]:
    """Every row of every table of docs/inputs.md, with the heading above it."""
    room = ""
    for line in (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            room = line[3:]
        elif line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            if cells != HEAD and not set(line) <= set("|-: "):
                assert len(cells) == 3, line
                yield Row(room, cells[0], tuple(re.findall(r"`([^`]+)`", cells[2])))


ROWS = list(rows())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.room}: {row.brought}")
def test_what_the_row_says_happens(row: Row, tmp_path: Path):
    assert row.words, f"no words in the row of {row.brought}"
    printed = CASES[row.room, row.brought](tmp_path)
    for words in row.words:
        assert words in printed


def test_every_row_has_a_case_and_every_case_a_row():
    named = [(row.room, row.brought) for row in ROWS]
    assert len(named) == len(set(named))
    assert set(named) == set(CASES)
