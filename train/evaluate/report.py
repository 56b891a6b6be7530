"""A report of figures, each beside its floor: on the screen line by line, then as report.json and report.md."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.quality_section import ABOUT_FLOORS, figure_rows, floors, label, measured
from bundle.schema import HELD_OUT, Better, Figure, Quality
from train.progress_bar import say

SCHEMA_VERSION = 1
BY_DEFINITION = "by definition"
"""`floor_is` of figures whose best value needs no measurement."""


@dataclass
class Report:
    """Facts, figures in the order in which they are measured, tables of counts, notes on how to read them.

    `samples`: on how many pictures a side they were measured; `undefined`: figures left out because they came out as no
    finite number."""

    facts: dict[str, object]
    samples: int = 0
    figures: list[Figure] = field(default_factory=list)
    tables: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Prints the facts and the head of the table."""
        for name, value in self.facts.items():
            say(f"{name + ':':12s} {value}")
        say(f"\n{'figure':25s} {'value':>16s} {'':4s} {'floor':>19s}")

    def add(self, name: str, label: str, value: float, better: Better, floor: float | None = None,
            floor_is: str = HELD_OUT, unit: str = "", error: float | None = None, training_floor: float | None = None,
            count: int | None = None) -> None:  # fmt: skip
        """Adds a figure, as bundle.schema.Figure describes it, and prints it; a note where it is no finite number. A
        floor or an error that is no finite number, such as the PSNR of equal pictures, counts as unknown.

        count: pictures it was measured on, kept where they are not `samples`."""
        if not math.isfinite(value):
            self.undefined.append(name)
            self.note(f"{name} came out as {value} and is left out.")
            return
        figure = Figure(
            name=name,
            label=label,
            value=float(value),
            better=better,
            floor=if_finite(floor),
            floor_is=floor_is,
            unit=unit,
            error=if_finite(error),
            training_floor=if_finite(training_floor),
            count=None if count == self.samples else count,
        )
        self.figures.append(figure)
        say(screen_line(figure))

    def note(self, sentence: str) -> None:
        """Adds what one has to know to read the figures, and prints it."""
        self.notes.append(sentence)
        say(f"  note: {sentence}")

    def __getitem__(self, name: str) -> Figure:
        """A figure by its name. Raises StopIteration when it was not measured."""
        return next(figure for figure in self.figures if figure.name == name)

    def as_json(self) -> dict:
        """The report as report.json holds it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "facts": self.facts,
            "figures": [figure.model_dump() for figure in self.figures],
            "tables": self.tables,
            "notes": self.notes,
        }

    def as_markdown(self, sheets: list[str]) -> str:
        """The report for people; `sheets`: names of PNG files beside it."""
        facts = "\n".join(f"- {name}: {value}" for name, value in self.facts.items())
        notes = "".join(f"\n- {note}" for note in self.notes)
        tables = "".join(f"\n- {name}: {', '.join(map(str, counts))}" for name, counts in self.tables.items())
        pictures = "".join(f"\n\n![{name}]({name})" for name in sheets)
        rows = "\n".join(figure_rows(self.figures))
        return f"# Evaluation\n\n{facts}\n\n{rows}\n\n{ABOUT_FLOORS}\n{tables}\n{notes}{pictures}\n"

    def as_quality(self, command: str) -> Quality:
        """The report as a bundle keeps it, five digits a figure. Raises UserError when a figure was undefined."""
        if self.undefined:
            raise UserError(f"{', '.join(self.undefined)}: not a finite number, so nothing is stored in the bundle.")
        return Quality(
            command=command,
            samples=self.samples,
            features=str(self.facts["features"]),
            notes=tuple(self.notes),
            figures=tuple(map(rounded, self.figures)),
        )

    def store(self, folder: Path, sheets: list[str]) -> None:
        """Writes report.json and report.md, with names that are no UTF-8 escaped as JSON does. Raises UserError when
        the disk refuses."""
        data = json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
        for name, text in (("report.md", self.as_markdown(sheets)), ("report.json", f"{data}\n")):
            write_file(folder / name, text.encode("utf-8", "backslashreplace"))


def if_finite(value: float | None) -> float | None:
    """The value as a plain number, None where it is none or not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def screen_line(figure: Figure) -> str:
    """A figure for the screen: name, value ± error, unit, floor, label."""
    return f"{figure.name:25s} {measured(figure):>16s} {figure.unit:4s} {floors(figure):>19s}  {label(figure)}"


def rounded(figure: Figure) -> Figure:
    """The figure with five digits in its value, floors and error."""
    numbers = {name: getattr(figure, name) for name in ("value", "floor", "training_floor", "error")}
    short = {name: None if value is None else float(f"{value:.5g}") for name, value in numbers.items()}
    return figure.model_copy(update=short)
