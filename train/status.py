"""Tells whoever watches a run how far it is (bundle/training_status.py), and hears what they ask for."""

from contextlib import suppress
from pathlib import Path

from bundle.errors import UserError
from bundle.training_status import CHECKPOINT_REQUEST, Status, write_status

EVERY = 1.0  # seconds from one status to the next


class StatusFile:
    """The status of a run, renewed at most once in EVERY seconds. A disk that refuses never stops the training."""

    def __init__(self, run: Path, writes: bool):
        """writes: False for those of several processes that write nothing."""
        self.run, self.writes = run, writes
        self.written_at = -EVERY

    def is_due(self, seconds: float) -> bool:
        """Whether EVERY seconds of training have gone by since the last status; `seconds`: of the stage so far."""
        return self.writes and not self.written_at <= seconds < self.written_at + EVERY

    def write(self, status: Status) -> None:
        """Replaces the status."""
        if not self.writes:
            return
        self.written_at = status.seconds
        with suppress(UserError):
            write_status(self.run, status)

    def takes_request(self) -> bool:
        """Whether a checkpoint was asked for since the last call."""
        try:
            (self.run / CHECKPOINT_REQUEST).unlink()
        except OSError:
            return False
        return True
