"""Dynamic batching: requests of several visitors share one run of a graph; visitors take turns, and each request has a
deadline.

One `BatchQueue` serves one graph. A request that finds the queue idle runs at once in its own thread, so a single
visitor pays for no switch between threads. Requests that arrive during a run wait, and the next run takes as many as
fit. After a run that several shared, the next one waits WINDOW seconds for more. Pictures do not depend on their
neighbours in a batch (a test compares the bytes): only the timing changes.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from bundle.errors import Busy
from bundle.feeds import Feed

WINDOW = 0.002  # seconds that a run waits for further requests, when the last one was shared
DEADLINE = 10.0  # seconds for one request, waiting included
MAX_WAITING = 64  # requests that may wait for one graph
TOO_MANY = "Too many people are drawing right now; try again in a second."
GONE = "The client has disconnected."
PATIENCE = 2.0  # seconds that work in the background lets others go first; then it takes its turn as they do

# A graph function with a deadline on time.monotonic(), at which it stops and raises Busy.
TimedGraphFunction = Callable[[Feed, float], list[np.ndarray]]


@dataclass(frozen=True)
class Caller:
    """On whose behalf something runs. `until`: the deadline, on time.monotonic(). `gone`: set once the client has
    disconnected or cancelled. `seconds`: how long it was until the deadline at first. `visitor`: who takes turns with
    others. `background`: lets others go first."""

    until: float
    gone: threading.Event = field(default_factory=threading.Event)
    seconds: float = DEADLINE
    visitor: str = ""
    background: bool = False

    @classmethod
    def of_now(cls, visitor: str = "", seconds: float = DEADLINE) -> "Caller":
        """The caller of a request that has just arrived."""
        return cls(time.monotonic() + seconds, seconds=seconds, visitor=visitor)


_NEVER = threading.Event()
_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The caller of this thread or task; without one, a new one with the usual deadline."""
    return _CALLER.get() or Caller(time.monotonic() + DEADLINE, _NEVER)


@contextmanager
def on_behalf_of(this: Caller) -> Iterator[None]:
    """Everything that runs inside, also in threads that inherit the context, belongs to this caller."""
    token = _CALLER.set(this)
    try:
        yield
    finally:
        _CALLER.reset(token)


@dataclass(eq=False, slots=True)
class _Request:
    """A request in the queue: its inputs, then its outputs or its error."""

    feed: Feed
    rows: int
    caller: Caller
    outputs: list[np.ndarray] | None = None
    error: BaseException | None = None
    seconds: float = 0.0
    since: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> bool:
        """Whether it has its outputs or its error."""
        return self.outputs is not None or self.error is not None

    def yields(self, now: float) -> bool:
        """Whether it lets others go first."""
        return self.caller.background and now < self.since + PATIENCE


@dataclass
class Tally:
    """Counters of one queue: requests answered, runs for them, rows (pictures), requests refused, seconds of runs."""

    requests: int = 0
    runs: int = 0
    rows: int = 0
    refused: int = 0
    seconds: float = 0.0


class BatchQueue:
    """The queue of one graph. `most`: rows in one run. `slots`: limits how many runs all queues have at a time."""

    def __init__(self, run: TimedGraphFunction, most: int, slots: threading.Semaphore):
        self._run, self.most, self._slots = run, most, slots
        self._state = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._leading = self._shared = False
        self.tally = Tally()

    @property
    def waiting(self) -> int:
        """How many requests wait for a run, without those whose client has gone."""
        with self._state:
            return sum(not request.caller.gone.is_set() for request in self._waiting)

    def __call__(self, feed: Feed) -> tuple[list[np.ndarray], float]:
        """The outputs for inputs of one batch size, at most `most`, and the seconds that their run took.

        Raises Busy when too many requests wait, when the deadline passes, or the caller has gone; and whatever the run
        raises.
        """
        request = _Request(feed, len(next(iter(feed.values()))), caller())
        with self._state:
            idle = not (self._leading or self._shared or self._waiting)
            if idle:
                self._leading = True
            else:
                self._stand_in_line(request)
        if idle:
            self._run_alone(request)
        if request.outputs is None:
            raise request.error or overdue(request.caller)
        return request.outputs, request.seconds

    def _run_alone(self, request: _Request) -> None:
        """Run the only request at once; this thread leads. Short: what Python does between two runs, it does with cold
        caches, five times as slowly as in a loop of its own."""
        try:
            request.error = refusal(request, time.monotonic())
            if request.error is None:
                self._answer([request])
        finally:
            with self._state:
                self._leading = False
                if request.outputs is not None:
                    self._count([request])
                if self._waiting:
                    self._state.notify_all()

    def _stand_in_line(self, request: _Request) -> None:
        """Wait until a run has answered a request, and lead those runs that nobody else leads. The caller holds the
        lock before and after. Raises Busy when too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            self.tally.refused += 1
            raise Busy(TOO_MANY)
        self._waiting.append(request)
        self._state.notify_all()  # the thread that leads may be waiting for further requests
        while not request.done:
            if self._leading:
                self._await(request)
            else:
                self._lead()

    def _await(self, request: _Request) -> None:
        """Wait until something happens, releasing the lock meanwhile; a request that waits in vain leaves the queue."""
        if request not in self._waiting:  # it is in a run, whose end is announced; its own deadline ends nothing now
            self._state.wait()
            return
        in_time = self._state.wait(max(0.0, request.caller.until - time.monotonic()))
        if not in_time and request in self._waiting:
            self._waiting.remove(request)
            request.error = overdue(request.caller)

    def _lead(self) -> None:
        """Run what waits, releasing the lock meanwhile. The caller holds the lock before and after."""
        self._leading = True
        try:
            if self._shared:
                self._state.wait_for(lambda: sum(r.rows for r in self._waiting) >= self.most, WINDOW)
            batch = self._take()
            self._shared = len(batch) > 1 or bool(self._waiting)
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
        """The next requests that fit into one run; nobody's picture waits for rows of work in the background. Overdue
        requests and those of disconnected clients are dropped."""
        batch: list[_Request] = []
        rows, now = 0, time.monotonic()
        for request in in_turn(self._waiting, now):
            request.error = refusal(request, now)
            if request.error is None:
                if rows + request.rows > self.most or (batch and request.yields(now) and not batch[0].yields(now)):
                    break
                batch.append(request)
                rows += request.rows
            self._waiting.remove(request)
        return batch

    def _answer(self, batch: list[_Request]) -> None:
        """Run a batch once and give each request its outputs, or the error."""
        feed, until = batch[0].feed, batch[0].caller.until
        began = time.perf_counter()
        try:
            if len(batch) > 1:
                feed = {name: np.concatenate([request.feed[name] for request in batch]) for name in feed}
                until = max(request.caller.until for request in batch)
            with self._slots:
                began = time.perf_counter()
                outputs = self._run(feed, until)
        except BaseException as error:  # every request in the batch gets it, whichever thread ran
            for request in batch:
                request.error = error
            if not isinstance(error, Exception):
                raise
            return
        seconds, start = time.perf_counter() - began, 0
        if len(batch) == 1:
            batch[0].outputs, batch[0].seconds = outputs, seconds
            return
        for request in batch:
            part = slice(start, start + request.rows)
            request.seconds, start = seconds, part.stop
            request.outputs = [output[part] for output in outputs]

    def _count(self, batch: list[_Request]) -> None:
        tally = self.tally
        tally.requests += len(batch)
        tally.runs += 1
        tally.rows += sum([request.rows for request in batch])
        tally.seconds += batch[0].seconds


def in_turn(waiting: Iterable[_Request], now: float) -> list[_Request]:
    """The first request of each visitor in order of arrival, then the second of each, and so on; work in the background
    behind them."""
    earlier: Counter[str] = Counter()
    ranked = []
    for request in waiting:
        ranked.append(((request.yields(now), earlier[request.caller.visitor]), request))
        earlier[request.caller.visitor] += 1
    return [request for _, request in sorted(ranked, key=lambda pair: pair[0])]  # stable


def refusal(request: _Request, now: float) -> Busy | None:
    """Why a request is not run any more: its client has disconnected, or its deadline has passed."""
    if request.caller.gone.is_set():
        return Busy(GONE)
    return overdue(request.caller) if now >= request.caller.until else None


def overdue(caller: Caller) -> Busy:
    """What a caller is told whose deadline has passed."""
    return Busy(f"Timed out after {caller.seconds:g} s; try again later.")
