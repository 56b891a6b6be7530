"""Waiting for something that another thread or process does."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 60, pause: float = 0.02) -> None:
    """Asks every `pause` seconds; AssertionError if `condition` is not true after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(pause)
