"""Why a training, an export, a measurement, a fetch … failed, in a sentence for whoever pressed the button.

Commands say it for a terminal: with paths of this machine and with flags. Here it is said for the page, with what can
be done about it.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bundle.errors import UserError

Work = Literal["training", "export", "measure", "space", "page", "fetch"]
"""What a command does for a project. What it prints is in the file WORK.log there."""

ROOM = 2_000_000  # bytes; a disk with less is full
KILLED = 128 + 9  # exit code of a command that the system ended

DISK_FULL = "The disk is full. What was learned up to the last checkpoint is kept: make room, then go on."
DISK_FULL_BESIDE = "The disk is full. What was there before is kept: make room, then try again."
NO_MEMORY = "The memory was too small: close other programs and go on, or begin again with smaller pictures."
NO_MEMORY_BESIDE = "The memory was too small: close other programs, then try again."
OTHER_TORCH = "The installed PyTorch cannot be used. This brings the right one: pip install -r requirements.txt"
REMOVED = "The folder of this project was removed while it was in use; what was done with it has ended."
DIVERGED = "The numbers grew beyond all bounds. Go on from the last good checkpoint, or learn more slowly."
UNEXPECTED = "This failed unexpectedly; the server's log says why."
SILENT: dict[Work, str] = {
    "training": "The training ended without a word; training.log in the folder of the project has its last lines.",
    "export": "Making it playable ended without a word; export.log in the folder of the project has its last lines.",
    "measure": "The measuring ended without a word; measure.log in the folder of the project has its last lines.",
    "space": "Preparing the Space ended without a word; space.log in the folder of the project has its last lines.",
    "page": "Preparing the page ended without a word; page.log in the folder of the project has its last lines.",
    "fetch": "Fetching the pictures ended without a word; fetch.log in the folder of the project has its last lines.",
}

# What the last lines of a command match -> the sentence: of a training, of other work. The first that fits counts.
KNOWN: tuple[tuple[str, str, str], ...] = (
    (r"No space left on device|Disk quota exceeded", DISK_FULL, DISK_FULL_BESIDE),
    (r"not finite after \d+ pictures", DIVERGED, DIVERGED),
    (r"memory is too small|Cannot allocate memory|MemoryError", NO_MEMORY, NO_MEMORY_BESIDE),
    (
        r"(?s)(?:ImportError|OSError|AttributeError|ModuleNotFoundError)\b.*torch|torch.*undefined symbol",
        OTHER_TORCH,
        OTHER_TORCH,
    ),
    (r"No module named 'torch|No module named 'accelerate|No module named 'tyro", OTHER_TORCH, OTHER_TORCH),
)

log = logging.getLogger(__name__)


def sentence(work: Work, lines: list[str], code: int, folder: Path) -> str:
    """Why a command failed that did this work. `lines`: the last ones that it printed; `code`: its exit code; `folder`:
    of the project."""
    is_training = work == "training"
    if not folder.is_dir():
        return REMOVED
    if shutil.disk_usage(folder).free < ROOM:
        return DISK_FULL if is_training else DISK_FULL_BESIDE
    text = "\n".join(lines)
    for shape, of_training, of_others in KNOWN:
        if re.search(shape, text):
            return of_training if is_training else of_others
    if code == KILLED:
        return NO_MEMORY if is_training else NO_MEMORY_BESIDE
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return without_paths(errors[-1], folder)
    return SILENT[work]


def words_of(problem: Exception) -> str:
    """What is told about an exception of work in the background. What is neither a mistake nor the disk's is a fault of
    ours: the log has the rest."""
    if isinstance(problem, UserError):
        return str(problem)
    if isinstance(problem, OSError):
        return f"{problem.strerror or problem}."
    log.error("Work for a project failed", exc_info=problem)
    return UNEXPECTED


@contextmanager
def told_without_paths(folder: Path) -> Iterator[None]:
    """While inside, no UserError says where on this machine the project in `folder` lies."""
    try:
        yield
    except UserError as problem:
        raise type(problem)(without_paths(str(problem), folder)) from problem


def without_paths(words: str, folder: Path) -> str:
    """A sentence that does not say where on this machine the project lies."""
    return words.replace(f"{folder}/", "").replace(str(folder), "the project")
