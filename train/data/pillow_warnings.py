"""What Pillow warns of while one file is read: kept, so that it can be told with the file's name."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class Kept(logging.Handler):
    """Keeps the messages of a logger."""

    def __init__(self, messages: list[str]):
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def pillow_warnings() -> Iterator[list[str]]:
    """A list that fills with the warnings that are raised or logged within; none of them is printed."""
    messages: list[str] = []
    log, handler = logging.getLogger("PIL"), Kept(messages)
    propagates, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield messages
        messages += [str(one.message) for one in caught]
    finally:
        log.removeHandler(handler)
        log.propagate = propagates
