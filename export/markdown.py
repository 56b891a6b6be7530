"""Markdown tables. Ours rather than tabulate's, which pads its cells: README.md quotes single rows as they are."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> str:
    """A table with these column headings; `align`: a letter a column, l or r. Cells must not hold line breaks or
    vertical bars (bundle.quality_section.cell)."""
    rule = "".join("|---:" if letter == "r" else "|---" for letter in align) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    """One row, e.g. "| GAN | 12.34 | |"."""
    return "|" + "".join(f" {text} |" if text else " |" for text in cells)
