"""How far a training is: status.json in its run folder, which the training renews and whoever watches it reads.

Whoever wants to see what has been learned so far, without waiting for the next checkpoint, leaves a file
CHECKPOINT_REQUEST in the run folder: the training removes it, and stores a checkpoint and a sample sheet.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bundle.atomic_files import write_file

STATUS = "status.json"
CHECKPOINT_REQUEST = ".checkpoint"
OWNER = ".training"
"""A file that says who trains in a run folder. It is touched every minute, in long measurements too."""

RunState = Literal["training", "measuring", "finished", "stopped"]


class Expected(BaseModel):
    """What a stage is going to come to, measured in its first steps."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    images: int
    """Pictures that it is going to have been trained on."""
    enough_for: str
    """In words, such as "rough shapes"."""
    is_enough: bool
    """Whether more time would hardly show."""


class Status(BaseModel):
    """Where a run stands. Times in seconds; None = not known yet."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    number: int
    """Place of the stage among those of the command, from 1."""
    of: int
    """How many stages the command has."""
    state: RunState
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
    warnings: dict[str, str]
    """Kind, such as "collapse" -> the sentence that was printed."""
    expected: Expected | None = None
    pid: int


def write_status(run: Path, status: Status) -> None:
    """Replaces the status of a run. Raises UserError when the disk refuses."""
    write_file(run / STATUS, status.model_dump_json().encode())


def read_status(run: Path) -> Status | None:
    """The status of a run; None where it has none, or one of another version."""
    try:
        return Status.model_validate_json((run / STATUS).read_bytes())
    except (OSError, ValidationError):
        return None
