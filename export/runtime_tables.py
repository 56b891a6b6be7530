"""The comparison of runtimes as text: printed in a terminal, and as a section of the model card."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bundle.card_sections import CardSection
from bundle.schema import GraphDifference, RuntimeComparison, RuntimeResult
from export.markdown import table

SECTION = CardSection("runtimes")
WIDTH = 120
LABEL, COLUMN = 21, 11  # characters of the printed table
FIT = (WIDTH - LABEL) // COLUMN  # graphs beside each other; more of them take a second table
UNITS = {"grey levels": "levels", "share": "share"}
FAILED = "fails"


@dataclass(frozen=True)
class Block:
    """One kind of figure in the printed table: its heading, the text of a cell, and whether the reference has any."""

    heading: str
    text: Callable[[GraphDifference], str]
    of_reference: bool


BLOCKS = (
    Block("largest difference", lambda c: number(c.largest), False),
    Block("mean difference", lambda c: number(c.mean), False),
    Block(
        "a row of a batch, from that row alone (= is bit for bit)", lambda c: number(c.alone) if c.alone else "=", True
    ),
    Block("pictures a second", lambda c: number(c.speed), True),
)


def number(value: float) -> str:
    """E.g. "0.12", "3.4", "1,234": two significant digits, from 10 on whole numbers."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def tried(found: RuntimeComparison, of_reference: bool = True) -> list[RuntimeResult]:
    """The runtimes that were tried; the reference among them, if `of_reference`."""
    return [entry for entry in found.runtimes if not entry.gap and (of_reference or entry.runtime != found.reference)]


def by_runtime_and_graph(found: RuntimeComparison) -> dict[tuple[str, str], GraphDifference]:
    """The figures by label of the runtime and graph."""
    return {(entry.runtime, c.graph): c for entry in found.runtimes for c in entry.graphs}


def printed(name: str, found: RuntimeComparison, graphs: Sequence[str], failed: Mapping[tuple[str, str], str]) -> str:
    """The table in a terminal, in parts of FIT graphs: a block for each kind of figure, a line a runtime, a column a
    graph. `failed`: runtimes and graphs that have no figures, or wrong ones, which are marked with "!"."""
    lines = [f"{name}, compared with the {found.reference} evaluator, at batches of {and_last(found.batches)}"]
    for start in range(0, len(graphs), FIT):
        lines += [*([""] if start else []), *printed_part(found, graphs[start : start + FIT], failed)]
    notes = [
        f"levels: grey levels of 255; share: of max(1, |value|). Pictures a second: {found.batches[-1]} at once, on "
        f"{found.hardware}.",
        f"{versions(found)}.",
        *gaps(found),
    ]
    return "\n".join([*lines, "", *(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes)])


def printed_part(found: RuntimeComparison, graphs: Sequence[str], failed: Mapping[tuple[str, str], str]) -> list[str]:
    """The lines of the printed table for these graphs."""
    cells = by_runtime_and_graph(found)
    units = {c.graph: UNITS[c.unit] for c in cells.values()}
    lines = [line("", graphs), line("", [units.get(graph, "") for graph in graphs])]
    for block in BLOCKS:
        lines.append(block.heading)
        for entry in tried(found, block.of_reference):
            keys = [(entry.runtime, graph) for graph in graphs]
            row = [block.text(cells[p]) if p in cells else FAILED if p in failed else "" for p in keys]
            wrong = [block is BLOCKS[0] and p in cells and p in failed for p in keys]
            lines.append(line(entry.runtime, [f"{text}!" if w else text for text, w in zip(row, wrong, strict=True)]))
    return lines


def line(label: str, cells: Sequence[str]) -> str:
    """One line of the printed table."""
    return ("  " + label.ljust(LABEL - 2) + "".join(cell.rjust(COLUMN) for cell in cells)).rstrip()


def and_last(numbers: Sequence[int]) -> str:
    """E.g. "1, 2, 5 and 33"."""
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def versions(found: RuntimeComparison) -> str:
    """The runtimes that were tried, with their versions."""
    return ", ".join(f"{entry.runtime} {entry.version}" for entry in tried(found))


def gaps(found: RuntimeComparison) -> list[str]:
    """A sentence for each runtime that could not be tried."""
    return [f"Not tried: {entry.runtime}. {entry.gap}" for entry in found.runtimes if entry.gap]


def section(found: RuntimeComparison) -> str:
    """The section of the card, between its marks."""
    blocks = [
        "## Other runtimes",
        f"Largest difference, and the mean in brackets, from the {found.reference} evaluator over "
        f"batches of {and_last(found.batches)}: of a picture in grey levels, of other outputs in shares of max(1, "
        "|value|).",
        by_graph(found, tried(found, of_reference=False), both_differences, units=True),
        alone(found),
        f"Pictures a second, {found.batches[-1]} at once, on {found.hardware}:",
        by_graph(found, tried(found), lambda c: number(c.speed)),
        f"Measured by `{found.command}`: {versions(found)}.",
        *gaps(found),
    ]
    return SECTION.written("\n\n".join(block for block in blocks if block))


def both_differences(found: GraphDifference) -> str:
    """Largest and mean difference, e.g. "0.5 (0.1)"."""
    return f"{number(found.largest)} ({number(found.mean)})"


def by_graph(
    found: RuntimeComparison,
    entries: Sequence[RuntimeResult],
    text: Callable[[GraphDifference], str],
    units: bool = False,
) -> str:
    """A Markdown table: a line a graph (with its unit, if `units`), a column a runtime, `text` in its cells."""
    cells = by_runtime_and_graph(found)
    graphs = {c.graph: f"{c.graph}, {c.unit}" if units else c.graph for c in cells.values()}
    rows = [
        (label, *(text(cells[p]) if (p := (entry.runtime, graph)) in cells else "" for entry in entries))
        for graph, label in graphs.items()
    ]
    return table(("graph", *(entry.runtime for entry in entries)), "l" + "r" * len(entries), rows)


def alone(found: RuntimeComparison) -> str:
    """In which runtimes a picture does not depend on the others of its batch, and by how much it does elsewhere."""
    same = [entry.runtime for entry in tried(found) if not any(c.alone for c in entry.graphs)]
    sentences = [f"A row of a batch is that row alone, bit for bit, in {', '.join(same)}."] if same else []
    for entry in tried(found):
        most: dict[str, float] = {}
        for c in entry.graphs:
            most[c.unit] = max(most.get(c.unit, 0), c.alone)
        words = [f"{number(value)} ({unit})" for unit, value in most.items() if value]
        sentences += [f"In {entry.runtime} it differs by up to {' and '.join(words)}."] if words else []
    return " ".join(sentences)
