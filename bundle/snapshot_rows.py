"""What a run shows of a stage as it learns: rows of pictures, each with how much had been seen and how long it took.

snapshots/000025600-41.3s.png    drawn after 25 600 pictures and 41.3 seconds, side by side
         /held-out.png           VAE: the pictures that the others reconstruct
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER, HELD_OUT_FILE = "snapshots", "held-out.png"
NAME = re.compile(r"(\d{9,15})-(\d{1,9}\.\d)s\.png")


@dataclass(frozen=True)
class SnapshotRow:
    """A row of pictures in a run folder: drawn after so many pictures seen and seconds."""

    images: int
    seconds: float
    path: Path


def snapshot_rows(stage_folder: Path) -> list[SnapshotRow]:
    """The rows in a stage's folder of a run, the first one first. Empty where it has none."""
    found = []
    for path in (stage_folder / FOLDER).glob("*.png"):
        if name := NAME.fullmatch(path.name):
            found.append(SnapshotRow(int(name[1]), float(name[2]), path))
    return sorted(found, key=lambda row: (row.images, row.seconds))


def row_name(seen: int, seconds: float) -> str:
    """The file name of a row drawn after so many pictures and seconds."""
    return f"{seen:09d}-{seconds:.1f}s.png"
