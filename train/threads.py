"""How many processor threads a training takes: as many as were asked for, or the faster of one and all.

Small networks on small pictures lose more to waking threads than they gain; which ones is found by trying.
"""

import os
from typing import Literal

import torch

from bundle.processors import usable_cores

WARM_STEPS = 2  # after each change, not counted
LEAST_STEPS = 4  # that count


def first_threads(asked: int | Literal["auto", "all"], stored: int = 0) -> int:
    """The threads to begin with; `stored`: what an earlier trial on this processor came to, 0 for none. It may have had
    more cores."""
    if isinstance(asked, int):
        return asked
    if asked == "all":
        return usable_cores()
    most = max(usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")), 1)
    return min(stored or most, most)


class ThreadTrial:
    """Takes some steps with all threads and some with one, then keeps what was faster."""

    def __init__(self, most: int, cycle: int):
        """cycle: steps after which their cost repeats, such as the interval of a GAN's penalties. `steps`: how many it
        takes in all."""
        counted = max(cycle, LEAST_STEPS)
        self._plan = [(count, step >= WARM_STEPS) for count in (most, 1) for step in range(WARM_STEPS + counted)]
        self._seconds = dict.fromkeys((most, 1), 0.0)
        self.steps = len(self._plan)
        torch.set_num_threads(most)

    def took(self, seconds: float) -> int | None:
        """Notes how long a step took and sets the threads of the next one. Returns the faster number once it is
        found."""
        count, counts = self._plan.pop(0)
        self._seconds[count] += seconds if counts else 0.0
        best = min(self._seconds, key=lambda count: self._seconds[count])
        torch.set_num_threads(self._plan[0][0] if self._plan else best)
        return None if self._plan else best
