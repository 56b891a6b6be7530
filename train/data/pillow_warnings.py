"""What Pillow warns of while files are read: kept, so that it can be told with a file's name."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

NAMELESS = "tempfile.tif: "  # what Pillow calls every file before libtiff


class WarningCollector(logging.Handler):
    """Keeps what is raised as a warning or logged."""

    def __init__(self, raised: list[warnings.WarningMessage]):
        super().__init__(logging.WARNING)
        self.raised = raised
        self.logged: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a message of a logger."""
        self.logged.append(record.getMessage())

    @contextmanager
    def decoding(self, image: Image.Image) -> Iterator[None]:
        """Keeps also what libtiff prints while a TIFF is decoded: it knows no name, and no handler of Python's."""
        try:
            stderr = os.dup(2) if image.format == "TIFF" else None
        except OSError:  # closed
            stderr = None
        if stderr is None:
            yield
            return
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                os.close(stderr)
                file.seek(0)
                self.logged += file.read().decode(errors="replace").replace(NAMELESS, "").splitlines()[:1]

    def take(self) -> list[str]:
        """The first line of each warning since the last call."""
        found = [str(one.message) for one in self.raised] + self.logged
        self.raised.clear()
        self.logged.clear()
        return [message.splitlines()[0] for message in found if message]


@contextmanager
def pillow_warnings() -> Iterator[WarningCollector]:
    """Keeps the warnings that are raised or logged within; none of them is printed."""
    log = logging.getLogger("PIL")
    propagates, log.propagate = log.propagate, False
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        collector = WarningCollector(raised)
        log.addHandler(collector)
        try:
            yield collector
        finally:
            log.removeHandler(collector)
            log.propagate = propagates
