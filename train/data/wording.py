"""Counts and lists in the sentences of a report: singular or plural, and only the first few of many names."""

from collections.abc import Sequence

MOST_NAMED = 5


def plural(count: int, what: str) -> str:
    """E.g. "1 picture", "2 pictures"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def first_few(names: Sequence[str], most: int = MOST_NAMED, between: str = ", ") -> str:
    """The first `most` names in their order: "a, b", "a, b, c, d, e, …"."""
    return between.join([*names[:most], *(["…"] if len(names) > most else [])])


def listed(names: Sequence[str], what: str) -> str:
    """How many there are, and the first few in alphabetical order: "7 files (a, b, c, d, e, …)"."""
    return f"{plural(len(names), what)} ({first_few(sorted(names))})"
