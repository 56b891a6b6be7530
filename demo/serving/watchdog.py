"""Stops onnxruntime runs that take too long: one thread for all of them, asleep while nothing runs."""

import threading
import time

import onnxruntime as ort

INTERVAL = 0.05  # seconds between two looks; a run is stopped at most this much too late
AWAKE = 2.0  # seconds that the thread goes on looking after the last run


class Limit:
    """What `Watchdog.limit` returns. Not a generator: entering and leaving one costs a small network's run 3 %."""

    __slots__ = ("_options", "_until", "_watchdog")

    def __init__(self, watchdog: "Watchdog", until: float):
        self._watchdog, self._until, self._options = watchdog, until, ort.RunOptions()

    def __enter__(self) -> ort.RunOptions:
        watchdog = self._watchdog
        watchdog.runs[self._options] = self._until
        if watchdog.asleep:  # only then: waking a thread takes longer than running a small network
            watchdog.wake()
        return self._options

    def __exit__(self, *_: object) -> None:
        del self._watchdog.runs[self._options]


class Watchdog:
    """Watches the runs in progress: `runs`, options -> when to stop."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self.runs: dict[ort.RunOptions, float] = {}
        self.asleep = True
        self._thread: threading.Thread | None = None

    def limit(self, until: float) -> Limit:
        """A context that gives options for one run, which onnxruntime is told to stop when time.monotonic() passes
        `until`."""
        return Limit(self, until)

    def wake(self) -> None:
        """Have the thread look again; the first call starts it."""
        with self._state:
            self.asleep = False
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
                runs = list(self.runs.items())  # atomic: other threads change the dict without the lock
                for options, until in runs:
                    options.terminate = now >= until
                if runs:
                    last = now
                elif now - last > AWAKE:
                    self.asleep = True
                    if not self.runs:  # nothing started between the two lines
                        self._state.wait()
                    self.asleep, last = False, time.monotonic()
