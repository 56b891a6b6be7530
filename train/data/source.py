"""A source of pictures, opened but unread: it can be read again and again, a row a picture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One picture, unread: its name, its label (-1: none), and how to get the file's bytes or the array."""

    name: str
    label: int
    read: Callable[[], bytes | np.ndarray]


@dataclass(frozen=True)
class Split:
    """Some pictures, readable again and again."""

    count: int
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Source:
    """What was found. `notes` are lines for the report."""

    train: Split
    test: Split | None
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
