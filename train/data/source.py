"""What a source of pictures is, once opened: splits that can be read again and again, a row a picture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from train.data.attributes import AttributeInfo

Files = dict[PurePosixPath, Callable[[], bytes]]
"""Path within a folder or zip -> what reads its bytes."""


@dataclass(frozen=True)
class Row:
    """One picture, unread. `label`: the index of its class, -1 for none. `read` gives the bytes of its file or its
    pixels as an array, and raises OSError when it is missing. `attributes`: the values of the source's attributes, NaN
    for gaps."""

    name: str
    label: int
    read: Callable[[], bytes | np.ndarray]
    attributes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Split:
    """`count` pictures; every call of `rows` begins again at the first."""

    count: int
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Source:
    """Two splits and the names of their classes. `notes`: lines for the report, on what was left out and why.
    `fingerprint` gives a text that stays the same as long as nothing in the source has changed."""

    train: Split
    test: Split | None
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    fingerprint: Callable[[], str] = str
    attributes: tuple[AttributeInfo, ...] = ()
    older_image_column: str | None = None
    """Of a table: the column that was taken for the pictures before readings were recorded, where that is another."""
