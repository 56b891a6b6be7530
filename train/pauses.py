"""Pauses of a training: while a computer sleeps or a process is stopped (Ctrl-Z, SIGSTOP), none of --minutes go by."""

from collections import deque
from statistics import median

USUAL_STEPS = 50  # the last ones, whose median is the usual time of a step
LEAST_STEPS = 5  # before which nothing is called usual
# A step was paused that takes so many times as long as a usual one, and so many seconds longer.
TIMES_USUAL = 30.0
LEAST_SECONDS = 10.0


class Pauses:
    """Finds the pauses among the steps of a command, and counts them. `seconds`: what they took in all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._steps: deque[float] = deque(maxlen=USUAL_STEPS)

    def begin_stage(self) -> None:
        """Forgets how long steps take: those of another stage are others."""
        self._steps.clear()

    def took(self, seconds: float) -> float:
        """Notes how long a step took. Returns how much of it was a pause, 0 for nearly all: what it took beyond a
        usual step."""
        usual = median(self._steps) if len(self._steps) >= LEAST_STEPS else None
        if usual is not None and seconds > TIMES_USUAL * usual and seconds - usual > LEAST_SECONDS:
            self.seconds += seconds - usual
            return seconds - usual
        self._steps.append(seconds)
        return 0.0
