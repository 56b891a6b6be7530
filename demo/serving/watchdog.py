"""Ends runs of onnxruntime that last too long: one thread for all of them, asleep while nothing runs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime as ort

TICK = 0.05  # seconds; a run is ended so much too late at most
AWAKE = 2.0  # seconds after the last run


class Watchdog:
    """Holds the runs under way against the clock."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._runs: dict[ort.RunOptions, float] = {}
        self._asleep = True
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, until: float) -> Iterator[ort.RunOptions]:
        """Options for one run, which is asked to end when time.monotonic() passes `until`."""
        options = ort.RunOptions()
        self._runs[options] = until
        if self._asleep:  # else it looks by itself: waking a thread takes longer than a small network
            self._wake()
        try:
            yield options
        finally:
            del self._runs[options]

    def _wake(self) -> None:
        with self._state:
            self._asleep = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            self._state.notify()

    def _watch(self) -> None:
        last = time.monotonic()
        with self._state:
            while True:
                self._state.wait(TICK)
                now = time.monotonic()
                runs = list(self._runs.items())  # one step for other threads, which come and go without the lock
                for options, until in runs:
                    options.terminate = now >= until
                if runs:
                    last = now
                elif now - last > AWAKE:
                    self._asleep = True
                    if not self._runs:  # nobody came between the two lines
                        self._state.wait()
                    self._asleep, last = False, time.monotonic()
