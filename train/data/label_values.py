"""What the cells of a column of labels mean: numbers, words, booleans and one-hot rows become classes.

A cell becomes a key, an int or a str, or None where there is no label; `class_keys` orders the keys of a set.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

ClassKey = int | str | None


def label_key(value: object) -> ClassKey:
    """The class that a cell names, or None for no label: null, NaN, an empty word.

    True and 2.0 are taken, and lists of one label or with a single 1 among 0 (one-hot). Raises ValueError, with the
    reason, for what names no single class.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"{value:g} is no class")
        return int(value)
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Sequence):
        return list_key(value)
    raise ValueError(f"a {type(value).__name__} is no class")


def list_key(values: Sequence[object]) -> ClassKey:
    """The class of a list: its only member, or the place of the 1 in a one-hot row. Raises ValueError."""
    if not values:
        return None
    if len(values) == 1:
        return label_key(values[0])
    numbers = [value for value in values if isinstance(value, bool | int | float)]
    ones = [i for i, value in enumerate(numbers) if value == 1]
    if len(numbers) < len(values) or any(value not in (0, 1) for value in numbers) or len(ones) > 1:
        raise ValueError("a list of several labels is no class")
    return ones[0] if ones else None


def class_keys(keys: Iterable[ClassKey]) -> list[int | str]:
    """The classes among keys: numbers in order, then words. -1 is no label, unless 1 is the only other one."""
    found = {key for key in keys if key is not None}
    if found != {-1, 1}:
        found.discard(-1)
    numbers = sorted(key for key in found if isinstance(key, int))
    return [*numbers, *sorted(key for key in found if isinstance(key, str))]


def class_numbers(keys: Iterable[ClassKey], classes: Sequence[int | str]) -> list[int]:
    """The place of each key in `classes`, -1 for none."""
    index: Mapping[ClassKey, int] = {key: i for i, key in enumerate(classes)}
    return [index.get(key, -1) for key in keys]
