"""Ends runs of onnxruntime that last too long: one thread for all of them, asleep while nothing runs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime as ort

TICK = 0.05  # seconds; a run is ended so much too late at most


class Watchdog:
    """Holds the runs under way against the clock."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._runs: dict[ort.RunOptions, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, until: float) -> Iterator[ort.RunOptions]:
        """Options for one run, which is asked to end when time.monotonic() passes `until`."""
        options = ort.RunOptions()
        with self._state:
            if not self._runs:
                self._wake()
            self._runs[options] = until
        try:
            yield options
        finally:
            with self._state:
                del self._runs[options]

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        self._state.notify()

    def _watch(self) -> None:
        with self._state:
            while True:
                self._state.wait(TICK if self._runs else None)
                now = time.monotonic()
                for options, until in self._runs.items():
                    options.terminate = now >= until
