"""What graphs are run on: float32 rows [N, …] by the name of the input, as many of each; and many rows in parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

Feed = Mapping[str, np.ndarray]
Rows = dict[str, np.ndarray]  # a feed, or the outputs by name
GraphFunction = Callable[[Feed], list[np.ndarray]]  # one graph: a feed -> its outputs, in the order of the index
RunGraph = Callable[[str, Feed], Mapping[str, np.ndarray]]  # the name of a graph and a feed -> outputs by name

Many = TypeVar("Many", np.ndarray, Sequence[int])  # rows, or seeds


def feed_parts(feed: Feed, most: int) -> Iterator[Rows]:
    """The rows of a feed in order, at most so many at once."""
    for start in range(0, len(next(iter(feed.values()))), most):
        yield {name: np.ascontiguousarray(rows[start : start + most]) for name, rows in feed.items()}


def run_in_parts(run: RunGraph, most: int) -> RunGraph:
    """`run` for any number of rows, at most so many at once."""

    def in_parts(graph: str, feed: Feed) -> Rows:
        parts = [run(graph, part) for part in feed_parts(feed, most)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return in_parts


def in_batches(many: Many, run: Callable[[Many], np.ndarray], most: int) -> np.ndarray:
    """What `run` makes of rows or seeds, one row [N, …] of each: any number of them, at most so many at once."""
    return np.concatenate([run(many[start : start + most]) for start in range(0, len(many), most)])
