"""Which of the pictures that were read are trained on, which are held out, and which classes remain.

Pure functions of the labels. A class that is too small, and pictures without a label, are left out with a note.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from train.data.splits import HELD_OUT_ONE_IN, LEAST_PER_CLASS, hold_out_rows
from train.data.wording import first_few, plural

MOST_LEFT_OUT = 0.5  # share of the pictures; where small classes hold more, the labels are no classes


@dataclass(frozen=True)
class Selection:
    """`train` and `test`: rows, int64, of the splits that were read; None: all, as they are. `test_of_train`: whether
    `test` are rows of the training split, which had to be divided. `classes`: those that remain, `numbers`: old number
    of a class -> its new one or -1. `notes`: lines for the report."""

    train: Tensor | None
    test: Tensor | None
    test_of_train: bool
    classes: tuple[str, ...]
    numbers: Tensor
    notes: list[str]

    def renumbered(self, labels: Tensor) -> Tensor:
        """Labels int64 [N] by today's classes."""
        return self.numbers[labels]  # -1 is the last of them


def select_rows(train: Tensor, test: Tensor | None, classes: tuple[str, ...]) -> Selection:
    """The rows of two splits to use, by their labels int64 [N], -1 for none. test: None where there is no such split.

    Without a test split, a tenth of the training split is held out: see train.data.splits.
    """
    kept, notes = kept_classes(train, classes)
    tested = test is not None and any(int((test == i).sum()) for i in kept)
    if kept and not tested and not enough_to_hold_out(train, kept):
        kept = []
        notes = [f"no classes: with {LEAST_PER_CLASS} training pictures of each, hardly any could be held out"]
    names = tuple(classes[i] for i in kept)
    numbers = torch.full((len(classes) + 1,), -1)
    numbers[torch.tensor(kept, dtype=torch.int64)] = torch.arange(len(kept))
    train_rows = labelled_rows(train, numbers, names)
    if names and (missing := int((train < 0).sum())):
        notes.append(f"left out {plural(missing, 'picture')} without a label; --no-classes trains on all")
    test_rows = labelled_rows(test, numbers, names) if test is not None else None
    if test is not None and test_rows is not None and len(test_rows) < len(test):
        notes.append(f"left out {plural(len(test) - len(test_rows), 'test picture')} of no class that is trained on")
    if test is not None and (len(test) if test_rows is None else len(test_rows)):
        return Selection(train_rows, test_rows, False, names, numbers, notes)
    whole = torch.arange(len(train)) if train_rows is None else train_rows
    inner, held_out = hold_out_rows(numbers[train[whole]], len(names))
    return Selection(whole[inner], whole[held_out], True, names, numbers, notes)


def kept_classes(labels: Tensor, classes: tuple[str, ...]) -> tuple[list[int], list[str]]:
    """The numbers of the classes with at least LEAST_PER_CLASS pictures, and notes on the others; none at all where
    those would be fewer than two, or most pictures would be lost."""
    counts = torch.bincount(labels[labels >= 0], minlength=len(classes)).tolist()
    kept = [i for i, count in enumerate(counts) if count >= LEAST_PER_CLASS]
    small = [i for i, count in enumerate(counts) if count < LEAST_PER_CLASS]
    if not small:
        return kept, []
    lost = sum(counts[i] for i in small)
    if len(kept) < 2 or lost > MOST_LEFT_OUT * sum(counts):
        return [], [f"no classes: {len(small)} of {len(classes)} have fewer than {LEAST_PER_CLASS} training pictures"]
    of_them = f"and {plural(lost, 'picture')} of {'it' if len(small) == 1 else 'them'}"
    names = named_classes([classes[i] for i in small])
    return kept, [f"left out {names} with fewer than {LEAST_PER_CLASS} training pictures, {of_them}"]


def enough_to_hold_out(labels: Tensor, kept: Sequence[int]) -> bool:
    """Whether at least half of the usual tenth can be held out while every class keeps LEAST_PER_CLASS training
    pictures."""
    counts = torch.bincount(labels[labels >= 0])[list(kept)]
    return int((counts - LEAST_PER_CLASS).sum()) >= max(int(counts.sum()) // (2 * HELD_OUT_ONE_IN), 1)


def labelled_rows(labels: Tensor, numbers: Tensor, classes: tuple[str, ...]) -> Tensor | None:
    """The rows whose class remains; None for all of them, and where there are no classes."""
    if not classes:
        return None
    rows = torch.nonzero(numbers[labels] >= 0)[:, 0]
    return None if len(rows) == len(labels) else rows


def named_classes(names: Sequence[str]) -> str:
    """E.g. "the class a", "7 classes (a, b, c, d, e, …)"."""
    if len(names) == 1:
        return f"the class {names[0]}"
    return f"{len(names)} classes ({first_few(names)})"
