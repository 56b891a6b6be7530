"""A report of figures, each beside its floor: on the screen line by line, then as report.json and report.md."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from bundle.atomic_files import write_file
from bundle.figures import HELD_OUT

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Figure:
    """One measured figure. `floor`: the same figure of `floor_is`, the best that can be hoped for; None where there
    is nothing to hold it against. `error`: standard error, where one is known."""

    name: str
    label: str
    value: float
    floor: float | None
    floor_is: str
    unit: str
    better: Literal["lower", "higher", "floor"]
    error: float | None = None

    @property
    def line(self) -> str:
        """For the screen."""
        value = f"{self.value:.4g}" + ("" if self.error is None else f" ± {self.error:.2g}")
        beside = "" if self.floor is None else f"{self.floor:.4g}"
        return f"{self.name:25s} {value:>16s} {self.unit:4s} {beside:>10s}  {self.label}"

    @property
    def row(self) -> str:
        """Of a Markdown table."""
        value = f"{self.value:.4g}" + ("" if self.error is None else f" ± {self.error:.2g}")
        beside = "" if self.floor is None else f"{self.floor:.4g} ({self.floor_is})"
        return f"| {self.label} | {value} {self.unit} | {beside} | {self.better} |".replace("  |", " |")


@dataclass
class Report:
    """Facts, figures in the order in which they are measured, tables of counts, remarks."""

    facts: dict[str, object]
    figures: list[Figure] = field(default_factory=list)
    tables: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Prints the facts and the head of the table."""
        for name, value in self.facts.items():
            tqdm.write(f"{name + ':':12s} {value}")
        tqdm.write(f"\n{'figure':25s} {'value':>16s} {'':4s} {'floor':>10s}")

    def add(self, name: str, label: str, value: float, better: Literal["lower", "higher", "floor"],
            floor: float | None = None, floor_is: str = HELD_OUT, unit: str = "", error: float | None = None,
            ) -> None:  # fmt: skip
        figure = Figure(name, label, float(value), None if floor is None else float(floor), floor_is, unit, better,
                        error)  # fmt: skip
        self.figures.append(figure)
        tqdm.write(figure.line)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        tqdm.write(f"  note: {sentence}")

    def __getitem__(self, name: str) -> Figure:
        return next(figure for figure in self.figures if figure.name == name)

    def as_json(self) -> dict:
        return {"schema_version": SCHEMA_VERSION} | asdict(self)

    def as_markdown(self, sheets: list[str]) -> str:
        """The report for people; `sheets`: names of PNG files beside it."""
        facts = "\n".join(f"- {name}: {value}" for name, value in self.facts.items())
        rows = "\n".join(figure.row for figure in self.figures)
        notes = "".join(f"\n- {note}" for note in self.notes)
        tables = "".join(f"\n- {name}: {', '.join(map(str, counts))}" for name, counts in self.tables.items())
        pictures = "".join(f"\n\n![{name}]({name})" for name in sheets)
        head = "| figure | value | floor | better |\n|---|---:|---:|---|"
        return f"# Evaluation\n\n{facts}\n\n{head}\n{rows}\n{tables}\n{notes}{pictures}\n"

    def store(self, folder: Path, sheets: list[str]) -> None:
        """Writes report.json and report.md. Raises UserError when the disk refuses."""
        write_file(folder / "report.md", self.as_markdown(sheets).encode())
        data = json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
        write_file(folder / "report.json", (data + "\n").encode())
