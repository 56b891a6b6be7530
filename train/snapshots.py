"""Snapshots: what the same few latents or held-out pictures looked like at moments of the training.

A stage that draws keeps one row of pictures a moment, in its folder of the run (files: bundle/snapshot_rows.py).

Moments lie evenly on a logarithmic axis of pictures seen, because that is how training goes: as much happens between
1 000 and 2 000 pictures as between 100 000 and 200 000. When a run ends is not known while it lasts, and a later
command may add to it. So the next row is due when the pictures seen have grown by a 24th of the doublings so far, and
no earlier than by a quarter of a doubling. Then 24 evenly spaced rows can be picked at any time, and 17 doublings leave
48 of them.
"""

import io
import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bundle import images
from bundle.atomic_files import write_file
from bundle.marks import TRAINED, Mark, formats
from bundle.snapshot_rows import FOLDER, HELD_OUT_FILE, SnapshotRow, row_name, snapshot_rows
from train.data.splits import spread_rows
from train.stages.stage import Stage

KEPT = 24  # that a bundle shows
MOST = 2 * KEPT  # in a run folder; then every second one goes
SHORTEST = 0.25  # doublings of the pictures seen from one moment to the next, at least


def is_due(counts: Sequence[int], now: int) -> bool:
    """Whether a snapshot is to be taken after `now` pictures; counts: pictures seen at those taken before."""
    if not counts:
        return True
    doublings = math.log2(counts[-1] / counts[0])
    return math.log2(now / counts[-1]) >= max(SHORTEST, doublings / KEPT) - 1e-9


def even(counts: Sequence[int], most: int = KEPT) -> list[int]:
    """At most `most` of the growing numbers of pictures seen, as evenly on a logarithmic axis as they allow. The first
    and the last are among them."""
    if len(counts) <= most:
        return list(counts)
    places = np.log2(np.asarray(counts, np.float64))
    chosen, after = [], 0
    for i, place in enumerate(np.linspace(places[0], places[-1], most)):
        last = len(counts) - (most - 1 - i)  # so many must be left for the moments to come
        nearest = after + int(np.abs(places[after:last] - place).argmin())
        chosen.append(counts[nearest])
        after = nearest + 1
    return chosen


class SnapshotTaker:
    """The snapshots of one stage while it trains. They draw nothing at random: training goes on as without them."""

    def __init__(self, stage: Stage, folder: Path, seen: int):
        """folder: the stage's, in the run. seen: pictures at the checkpoint that the training goes on from; what was
        drawn after it belongs to steps that are repeated, and is removed."""
        self.stage, self.folder = stage, folder / FOLDER
        self.taken: list[SnapshotRow] = []
        for moment in snapshot_rows(folder):
            if moment.images <= seen and seen:
                self.taken.append(moment)
            else:
                remove_if_possible(moment.path)

    def is_due(self, seen: int) -> bool:
        """Whether the next one is due after so many pictures."""
        return is_due([moment.images for moment in self.taken], seen)

    @torch.no_grad()
    def take(self, averages: nn.Module, seen: int, seconds: float) -> None:
        """Keeps what the averaged networks draw now, where the stage draws. Raises UserError when the disk refuses."""
        if not seen or (self.taken and self.taken[-1].images == seen):
            return
        drawn = self.stage.snapshot(averages, self.held_out())
        if drawn is None:
            return
        path = write_row(self.folder, row_name(seen, seconds), to_pictures(drawn))
        self.taken.append(SnapshotRow(seen, seconds, path))
        if len(self.taken) > MOST:
            kept = set(even([moment.images for moment in self.taken]))
            for moment in self.taken:
                if moment.images not in kept:
                    remove_if_possible(moment.path)
            self.taken = [moment for moment in self.taken if moment.images in kept]

    def held_out(self) -> Tensor:
        """The held-out pictures [N, C, H, W] that are reconstructed each time: those kept by the first command."""
        rows = spread_rows(len(self.stage.held_out), self.stage.snapshot_held_out)
        asked = self.stage.held_out[rows.to(self.stage.held_out.device)]
        if not len(asked):
            return asked
        kept = read_row(self.folder / HELD_OUT_FILE, tuple(asked.shape[2:]), asked.shape[1])
        if kept is None:
            write_row(self.folder, HELD_OUT_FILE, to_pictures(asked))
            return asked
        return torch.from_numpy(images.from_uint8(kept)).to(asked.device)


def remove_if_possible(path: Path) -> None:
    """Removes a file of pictures, where that is possible: one that stays, as Windows keeps those that a page has open,
    is worth no training."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def to_pictures(drawn: Tensor) -> np.ndarray:
    """Images [N, C, H, W] in [0, 1] -> pictures uint8 [N, H, W, C]."""
    return images.to_uint8(drawn.float().cpu().numpy())


def read_row(path: Path, sides: tuple[int, ...], channels: int) -> np.ndarray | None:
    """The pictures uint8 [N, H, W, C] of a row with these (height, width) and channels; None where the file is missing,
    damaged, or of another size."""
    height, width = sides
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=["PNG"]) as picture:
            if picture.height != height or picture.width % width or picture.mode != {1: "L", 3: "RGB"}[channels]:
                return None
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return pixels.reshape(height, -1, width, channels).transpose(1, 0, 2, 3)


def write_row(folder: Path, name: str, pictures: np.ndarray) -> Path:
    """Writes pictures uint8 [N, H, W, C] side by side into a folder of snapshots, with the mark of what a model drew
    unless they are held out; returns the file. Raises UserError when the disk refuses."""
    row = images.sheet(pictures, len(pictures))
    path = folder / name
    write_file(path, images.png(row) if name == HELD_OUT_FILE else formats.png(row, Mark(source=TRAINED)))
    return path
