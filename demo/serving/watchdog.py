"""Stops onnxruntime runs that take too long: one thread for all of them, asleep while nothing runs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime as ort

INTERVAL = 0.05  # seconds between two looks; a run is stopped at most this much too late
AWAKE = 2.0  # seconds that the thread goes on looking after the last run


class Watchdog:
    """Watches the runs in progress."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._runs: dict[ort.RunOptions, float] = {}
        self._asleep = True
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, until: float) -> Iterator[ort.RunOptions]:
        """Options for one run, which onnxruntime is told to stop when time.monotonic() passes `until`."""
        options = ort.RunOptions()
        self._runs[options] = until
        if self._asleep:  # only then: waking a thread takes longer than running a small network
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
                self._state.wait(INTERVAL)
                now = time.monotonic()
                runs = list(self._runs.items())  # atomic: other threads change the dict without the lock
                for options, until in runs:
                    options.terminate = now >= until
                if runs:
                    last = now
                elif now - last > AWAKE:
                    self._asleep = True
                    if not self._runs:  # nothing started between the two lines
                        self._state.wait()
                    self._asleep, last = False, time.monotonic()
