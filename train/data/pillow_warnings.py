"""What Pillow warns of while files are read: kept, so that it can be told with a file's name."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class Kept(logging.Handler):
    """Keeps what is raised as a warning or logged."""

    def __init__(self, raised: list[warnings.WarningMessage]):
        super().__init__(logging.WARNING)
        self.raised = raised
        self.logged: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a message of a logger."""
        self.logged.append(record.getMessage())

    def take(self) -> list[str]:
        """The first line of each warning since the last call."""
        found = [str(one.message) for one in self.raised] + self.logged
        self.raised.clear()
        self.logged.clear()
        return [message.splitlines()[0] for message in found if message]


@contextmanager
def pillow_warnings() -> Iterator[Kept]:
    """Keeps the warnings that are raised or logged within; none of them is printed."""
    log = logging.getLogger("PIL")
    propagates, log.propagate = log.propagate, False
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        kept = Kept(raised)
        log.addHandler(kept)
        try:
            yield kept
        finally:
            log.removeHandler(kept)
            log.propagate = propagates
