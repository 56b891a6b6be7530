"""Why a training, an export or a measurement failed, in a sentence for whoever pressed the button.

Commands say it for a terminal: with paths of the machine and with flags. What a maker can do about it is another thing.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle.errors import UserError

ROOM = 2_000_000  # bytes; a disk with less is full
KILLED = 128 + 9  # exit code of a command that the system ended

DISK_FULL = "The disk is full. What was learned up to the last checkpoint is kept: make room, then go on."
NO_MEMORY = "The memory was too small: close other programs and go on, or begin again with smaller pictures."
OTHER_TORCH = "The installed PyTorch cannot be used. This brings the right one: pip install -r requirements.txt"
REMOVED = "The folder of this project was removed while it was in use; its training has ended."
DIVERGED = "The numbers grew beyond all bounds. Go on from the last good checkpoint, or learn more slowly."
SILENT = "The training ended without a word; training.log in the folder of the project has its last lines."

# What the last lines of a command match -> the sentence. The first that fits counts.
KNOWN: tuple[tuple[str, str], ...] = (
    (r"No space left on device|Disk quota exceeded", DISK_FULL),
    (r"not finite after \d+ pictures", DIVERGED),
    (r"memory is too small|Cannot allocate memory|MemoryError", NO_MEMORY),
    (r"(?s)(?:ImportError|OSError|AttributeError|ModuleNotFoundError)\b.*torch|torch.*undefined symbol", OTHER_TORCH),
    (r"No module named 'torch|No module named 'accelerate|No module named 'tyro", OTHER_TORCH),
)


def sentence(lines: list[str], code: int, folder: Path) -> str:
    """Why a command failed. `lines`: the last ones that it printed; `code`: its exit code; `folder`: of the project."""
    if not folder.is_dir():
        return REMOVED
    if shutil.disk_usage(folder).free < ROOM:
        return DISK_FULL
    text = "\n".join(lines)
    for shape, said in KNOWN:
        if re.search(shape, text):
            return said
    if code == KILLED:
        return NO_MEMORY
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return without_paths(errors[-1], folder)
    return SILENT


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
