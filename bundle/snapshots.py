"""Snapshots of a training in a bundle: one sheet a model, WebP or PNG, with a row for each moment of the training.

The sheet of a VAE begins with one row more: the held-out pictures that the others reconstruct. Pictures may be smaller
than the bundle's, where whole ones would take too many bytes. In a run they are files: bundle/snapshot_rows.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bundle.errors import BundleError
from bundle.schema import SNAPSHOT_FILES, BundleIndex, Model
from bundle.verified_files import verified_pixels

MAX_BYTES = 1_000_000  # of a sheet; export keeps to far less
FORMATS = {"WEBP": "WebP", "PNG": "PNG"}


@dataclass(frozen=True)
class SnapshotPictures:
    """What a model drew as it learned. `pictures`: uint8 [T, N, H, W, C], the same N at T moments of its training.
    `held_out`: uint8 [N, H, W, C], what they reconstruct; N = 0 for a GAN."""

    pictures: np.ndarray
    held_out: np.ndarray


def held_out_rows(model: Model) -> int:
    """How many rows of a sheet come before its moments."""
    return 1 if model == "vae" else 0


def check_snapshots(folder: Path, info: BundleIndex) -> None:
    """Raises BundleError when a sheet of snapshots is missing, damaged, too large, or of another number of pictures."""
    for model in SNAPSHOT_FILES:
        if SNAPSHOT_FILES[model] in info.files:
            _pixels(folder, info, model)


def read_snapshots(folder: Path, info: BundleIndex, model: Model) -> SnapshotPictures:
    """The snapshots of a model, verified as they are read. Raises BundleError when there are none, or as
    `check_snapshots`."""
    if SNAPSHOT_FILES[model] not in info.files:
        raise BundleError(f"Bundle '{info.name}' has no snapshots of its {model.upper()}.")
    pixels, snapshots = _pixels(folder, info, model), info.training[model].snapshots
    assert snapshots
    rows, columns = len(snapshots.taken) + held_out_rows(model), snapshots.pictures
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    pictures = pixels.reshape(rows, height, columns, width, -1).transpose(0, 2, 1, 3, 4)
    first = held_out_rows(model)
    return SnapshotPictures(pictures[first:], pictures[0] if first else pictures[0, :0])


def _pixels(folder: Path, info: BundleIndex, model: Model) -> np.ndarray:
    """The pixels of a sheet, uint8 [H, W, C]. Raises BundleError."""
    entry, snapshots, image = info.files[SNAPSHOT_FILES[model]], info.training[model].snapshots, info.image
    assert snapshots  # the index says so of every sheet
    if entry.bytes > MAX_BYTES:
        where = f"File '{entry.file}' of bundle '{folder.name}'"
        raise BundleError(f"{where} is too large for snapshots: {MAX_BYTES / 1e6:g} MB are allowed.")
    rows, columns = len(snapshots.taken) + held_out_rows(model), snapshots.pictures

    def size_fault(height: int, width: int) -> str:
        even = not (height % rows or width % columns)
        if even and height <= rows * image.height and width <= columns * image.width:
            return ""
        return f"which is no sheet of {columns} x {rows} pictures of at most {image.width} x {image.height}"

    return verified_pixels(folder, entry, image.channels, FORMATS, size_fault)


def page_facts(info: BundleIndex, address: str) -> dict[str, Any]:
    """What the page reads of the snapshots, by model; `address`: of the bundle's files, with {file} in it."""
    found: dict[str, Any] = {}
    for model, key in SNAPSHOT_FILES.items():
        if key in info.files and (snapshots := info.training[model].snapshots):
            found[model] = {
                "url": address.format(file=info.files[key].file),
                "held_out": held_out_rows(model),
                **snapshots.model_dump(mode="json"),
            }
    return found
