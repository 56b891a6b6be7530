"""status.json in the run folder: how far a training is, for whoever watches it from outside.

The Make tab of the demo and `python -m train watch` read it. It is renewed about once a second, as a whole. Whoever
wants to see what has been learned so far, without waiting for the next checkpoint, leaves a file CHECKPOINT_REQUEST in
the run folder: the training removes it, and stores a checkpoint and a sample sheet.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from bundle.atomic_files import write_file
from bundle.errors import UserError

STATUS = "status.json"
CHECKPOINT_REQUEST = ".checkpoint"
EVERY = 1.0  # seconds from one status to the next

State = Literal["training", "measuring", "finished", "stopped"]


@dataclass(frozen=True)
class Status:
    """Where a run stands. Times in seconds; None = not known yet."""

    stage: str
    number: int
    """Place of the stage among those of the command, from 1."""
    of: int
    """How many stages the command has."""
    state: State
    images: int
    """Pictures that the stage has been trained on."""
    planned: int
    rate: float | None
    """Pictures a second."""
    seconds: float
    """That the stage has taken so far."""
    left: float | None
    """For the stage."""
    left_for_all: float | None
    """For all stages of the command."""
    warnings: Mapping[str, str] = field(default_factory=dict)
    """Kind, such as "collapse" -> the sentence that was printed."""
    pid: int = field(default_factory=os.getpid)


class StatusFile:
    """Writes the status of a run, at most once in EVERY seconds. A disk that refuses never stops the training."""

    def __init__(self, run: Path, writes: bool):
        """writes: False for those of several processes that write nothing."""
        self.run, self.writes = run, writes
        self.written_at = -EVERY

    def is_due(self, seconds: float) -> bool:
        """Whether EVERY seconds of training have gone by since the last status; `seconds`: of the stage so far."""
        return self.writes and not self.written_at <= seconds < self.written_at + EVERY

    def write(self, status: Status) -> None:
        """Replaces the file."""
        if not self.writes:
            return
        self.written_at = status.seconds
        with suppress(UserError):
            write_file(self.run / STATUS, json.dumps(asdict(status)).encode())

    def takes_request(self) -> bool:
        """Whether a checkpoint was asked for since the last call."""
        try:
            (self.run / CHECKPOINT_REQUEST).unlink()
        except OSError:
            return False
        return True
