"""Several people's requests share one run, in their turn, for a limited time.

One `BatchQueue` stands before one graph. Whoever finds it free runs what waits, so that a single visitor pays for no
hand-over between threads; who comes while a run is under way waits, and the next run takes all that fit. Once requests
have met, a run waits WINDOW seconds for the others. Pictures do not depend on their neighbours in a batch (a test
compares the bytes), so this changes nothing but the time.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from bundle.errors import Busy, UserError

WINDOW = 0.002  # seconds that a run waits for company, where there lately was some
DEADLINE = 10.0  # seconds in which a request must be answered, its waiting included
MAX_WAITING = 64  # requests before one graph

Feed = Mapping[str, np.ndarray]
# Inputs and the clock time at which the run must have ended -> outputs. Raises Busy when it was ended by force.
Run = Callable[[Feed, float], list[np.ndarray]]


@dataclass(frozen=True)
class Caller:
    """Who asks: `until`, on time.monotonic(), an answer is of use; `gone` is set when nobody waits for it any more."""

    until: float
    gone: threading.Event = field(default_factory=threading.Event)


_NEVER = threading.Event()
_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The one that this thread or task works for."""
    return _CALLER.get() or Caller(time.monotonic() + DEADLINE, _NEVER)


@contextmanager
def working_for(one: Caller) -> Iterator[None]:
    """Everything that runs inside, also in threads that inherit the context, belongs to this caller."""
    token = _CALLER.set(one)
    try:
        yield
    finally:
        _CALLER.reset(token)


@dataclass(eq=False)
class _Request:
    """One request in a queue: its inputs, and what becomes of it."""

    feed: Feed
    rows: int
    caller: Caller
    outputs: list[np.ndarray] | None = None
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        return self.outputs is not None or self.error is not None


@dataclass
class Tally:
    """What a queue has done: requests answered, runs for them, pictures (rows), requests turned away."""

    requests: int = 0
    runs: int = 0
    rows: int = 0
    refused: int = 0
    seconds: float = 0.0


class BatchQueue:
    """The queue before one graph. `most`: rows in one run; `slots`: bounds the runs of all queues together."""

    def __init__(self, run: Run, most: int, slots: threading.Semaphore):
        self._run, self._most, self._slots = run, most, slots
        self._state = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._leading = self._crowded = False
        self.tally = Tally()

    def __call__(self, feed: Feed) -> tuple[list[np.ndarray], float]:
        """Outputs of inputs with one batch size, at most `most`, and the seconds of the run that they were part of.

        Raises Busy when too many wait, when the deadline passes, or the caller has gone, and whatever the run raises.
        """
        request = _Request(feed, len(next(iter(feed.values()))), caller())
        with self._state:
            if len(self._waiting) >= MAX_WAITING:
                self.tally.refused += 1
                raise Busy("Too many people are drawing right now; try again in a second.")
            self._waiting.append(request)
            self._state.notify_all()  # a leader may be waiting for company
            while not request.done:
                if not self._leading:
                    self._lead()
                elif (
                    not self._state.wait(max(0.0, request.caller.until - time.monotonic())) and request in self._waiting
                ):
                    self._waiting.remove(request)
                    request.error = _overdue()
        if request.error is not None:
            raise request.error
        return request.outputs, request.seconds

    def _lead(self) -> None:
        """Runs what waits, without the lock while it runs. Called, and left, with the lock."""
        self._leading = True
        try:
            if self._crowded:
                self._state.wait_for(lambda: sum(r.rows for r in self._waiting) >= self._most, WINDOW)
            batch = self._take()
            self._crowded = len(batch) > 1 or bool(self._waiting)
            if batch:
                self._state.release()
                try:
                    self._answer(batch)
                finally:
                    self._state.acquire()
                self._count(batch)
        finally:
            self._leading = False
            self._state.notify_all()

    def _take(self) -> list[_Request]:
        """The first requests that fit into one run; those that are of no use any more are answered on the way."""
        batch: list[_Request] = []
        rows, now = 0, time.monotonic()
        while self._waiting and rows + self._waiting[0].rows <= self._most:
            request = self._waiting.popleft()
            if request.caller.gone.is_set():
                request.error = Busy("The request was given up.")
            elif now >= request.caller.until:
                request.error = _overdue()
            else:
                batch.append(request)
                rows += request.rows
        return batch

    def _answer(self, batch: list[_Request]) -> None:
        """One run for all of them: outputs or the error go into each request."""
        until = max(request.caller.until for request in batch)
        began = time.perf_counter()
        try:
            feed = batch[0].feed
            if len(batch) > 1:
                feed = {name: np.concatenate([request.feed[name] for request in batch]) for name in feed}
            with self._slots:
                began = time.perf_counter()
                outputs = self._run(feed, until)
        except BaseException as error:  # it belongs to every request, whoever leads
            for request in batch:
                request.error = error
            if not isinstance(error, Exception):
                raise
            return
        seconds, start = time.perf_counter() - began, 0
        for request in batch:
            part = slice(start, start + request.rows)
            request.seconds, start = seconds, part.stop
            request.outputs = [output[part] for output in outputs] if len(batch) > 1 else outputs

    def _count(self, batch: list[_Request]) -> None:
        self.tally.requests += len(batch)
        self.tally.runs += 1
        self.tally.rows += sum(request.rows for request in batch)
        self.tally.seconds += batch[0].seconds


def _overdue() -> UserError:
    return Busy(f"There was no time for this within {DEADLINE:g} seconds; try again later.")
