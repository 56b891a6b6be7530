"""A graph on several cores: one picture is drawn by all of them together, of many pictures each core draws a share.

Within one run onnxruntime's threads meet after every operator, and some operators keep only one of them busy. Runs of
one thread each, beside one another, need not wait. Pictures do not depend on which way they take (a test compares the
bytes).
"""

import functools
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import onnxruntime as ort

from bundle.adapter import adapt
from bundle.feeds import Feed
from bundle.schema import Adapter

FEWEST = 4  # rows from which they are shared out: handing over takes time, too

# The number of threads of one run, and whether all batches are small -> a session.
OpenSession = Callable[[int, bool], ort.InferenceSession]


class CpuSession:
    """One graph on `threads` cores. Safe to use from many threads. `adapter`: how it is used where it was exported
    elsewhere.

    One session runs few rows, all threads at each operator; another one, opened when it is first needed, runs many rows
    in as many shares as there are threads."""

    def __init__(self, open_session: OpenSession, outputs: Sequence[str], threads: int, adapter: Adapter | None = None):
        self._session = open_session(threads, threads > 1)
        self._open, self._outputs, self._threads = open_session, list(outputs), threads
        self._adapter = adapter
        # A graph of fixed batch computes a whole one in each share.
        self._fewest = max(FEWEST, threads * adapter.batch) if adapter and adapter.batch else FEWEST
        self._single: ort.InferenceSession | None = None
        self._opening = threading.Lock()

    def run(self, feed: Feed, options: ort.RunOptions) -> list[np.ndarray]:
        """The outputs [N, …], in order, for inputs [N, …]. Raises what onnxruntime raises."""
        rows = len(next(iter(feed.values())))
        if self._threads == 1 or rows < self._fewest:
            return self._run(self._session, feed, options)
        single = self._single_threaded()
        first, *others = (
            {name: values[share] for name, values in feed.items()} for share in shares(rows, self._threads)
        )
        running = [_helpers().submit(self._run, single, share, options) for share in others]
        try:
            done = self._run(single, first, options)
        finally:
            wait(running)  # their inputs and options are the caller's
        parts = [done, *(share.result() for share in running)]
        return [np.concatenate(chunks) for chunks in zip(*parts, strict=True)]

    def _run(self, session: ort.InferenceSession, feed: Feed, options: ort.RunOptions) -> list[np.ndarray]:
        if self._adapter is None:
            return session.run(self._outputs, feed, options)
        return adapt(lambda rows: session.run(self._outputs, rows, options), self._adapter)(feed)

    def _single_threaded(self) -> ort.InferenceSession:
        with self._opening:
            if self._single is None:
                self._single = self._open(1, False)
            return self._single


def shares(rows: int, count: int) -> list[slice]:
    """`rows` in order in `count` slices that differ by at most one row."""
    ends = [rows * number // count for number in range(count + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


@functools.cache
def _helpers() -> ThreadPoolExecutor:
    """The threads that run shares, beside the thread that asks."""
    return ThreadPoolExecutor(thread_name_prefix="share")
