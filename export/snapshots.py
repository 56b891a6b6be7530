"""Snapshots of a run become one sheet a model that a bundle can carry: at most 24 moments, evenly on a logarithmic axis
of pictures seen, in as few bytes as shows them well.

Pictures may be lossless, then ever coarser, then half as large, until the sheet fits.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bundle import images
from bundle.curves import lines
from bundle.marks import COMPOSITE, TRAINED, Mark, formats, xmp
from bundle.schema import SNAPSHOT_FILES, Alarm, Model, Snapshot, Snapshots
from bundle.snapshot_rows import FOLDER, HELD_OUT_FILE, SnapshotRow, snapshot_rows
from bundle.snapshots import held_out_rows
from train.recorder import EARLY, LEAST_VARIETY, MOST_ROUGHNESS
from train.run_folder import Run
from train.snapshots import even, read_row

BUDGETS: dict[Model, int] = {"gan": 200_000, "vae": 100_000}  # bytes of a sheet
QUALITIES = (90, 75, 60)  # of WebP, once a lossless sheet is too large
LATEST_BEGIN = 0.5  # of the pictures that were seen: snapshots that begin later do not show how anything was learned
LEAST_SIDE = 16  # pixels below which pictures are not halved any more
LONGEST_WEBP = 16_383  # pixels a side


@dataclass(frozen=True)
class SnapshotSheet:
    """What a bundle gets of the snapshots of a model: the entry of its index, and the file."""

    entry: Snapshots
    name: str
    data: bytes


def of_run(run: Run, stages: Sequence[str]) -> dict[Model, SnapshotSheet]:
    """The snapshots of these stages, for those models that have some. A printed sentence says what is left out."""
    found: dict[Model, SnapshotSheet] = {}
    for model in SNAPSHOT_FILES:
        if model in stages and (made := _of_stage(run, model)):
            found[model] = made
    return found


def _of_stage(run: Run, model: Model) -> SnapshotSheet | None:
    folder, sides, channels = run.folder / model, run.data.sides, run.data.channels
    read = [(moment, read_row(moment.path, sides, channels)) for moment in snapshot_rows(folder)]
    rows = {moment.images: (moment, pictures) for moment, pictures in read if pictures is not None}
    most = max((len(pictures) for _, pictures in rows.values()), default=0)
    rows = {count: kept for count, kept in rows.items() if len(kept[1]) == most}
    if lost := len(read) - len(rows):
        print(
            f"{lost} of {len(read)} snapshots of the {model} are damaged or of another size: the bundle goes without."
        )
    held_out = read_row(folder / FOLDER / HELD_OUT_FILE, sides, channels) if held_out_rows(model) else None
    if held_out_rows(model) and rows and (held_out is None or len(held_out) != most):
        print(
            f"The snapshots of the {model} lack {HELD_OUT_FILE}, what they reconstruct: the bundle goes without them."
        )
        rows = {}
    if len(rows) > 1 and min(rows) > LATEST_BEGIN * max(rows):
        print(f"The snapshots of the {model} begin when most was learned: the bundle goes without them.")
        rows = {}
    if not rows:
        return None
    kept = [rows[count] for count in even(sorted(rows))]
    sheet = np.stack([*([held_out] if held_out is not None else []), *(pictures for _, pictures in kept)])
    data, suffix = encoded(sheet, BUDGETS[model], Mark(source=COMPOSITE if held_out_rows(model) else TRAINED))
    taken = with_alarms([moment for moment, _ in kept], metrics_of(folder))
    return SnapshotSheet(Snapshots(pictures=most, taken=tuple(taken)), f"{model}-snapshots.{suffix}", data)


# ----------------------------------------------------------------------------------------------- alarms


def metrics_of(folder: Path) -> list[dict[str, float]]:
    """The lines of a stage's metrics; none where the file is missing."""
    path = folder / "metrics.jsonl"
    return lines(path) if path.is_file() else []


def with_alarms(taken: Sequence[SnapshotRow], metrics: Sequence[Mapping[str, float]]) -> list[Snapshot]:
    """The index's entries of these moments, with what the training warned of at the time."""
    last = max((int(line["images"]) for line in metrics), default=0)
    found = []
    for moment in taken:
        before = [line for line in metrics if line["images"] <= moment.images]
        alarms = alarms_of(before[-1]) if before and moment.images > EARLY * last else ()
        found.append(Snapshot(images=moment.images, seconds=moment.seconds, alarms=alarms))
    return found


def alarms_of(line: Mapping[str, float]) -> tuple[Alarm, ...]:
    """What a line of metrics gives cause to warn of, by the bounds of the training (train/recorder.py)."""
    low = any(name.startswith("variety_") and value < LEAST_VARIETY for name, value in line.items())
    rough = line.get("roughness", 0.0) >= MOST_ROUGHNESS
    heard: dict[Alarm, bool] = {"collapse": low, "noise": rough}
    return tuple(alarm for alarm, here in heard.items() if here)


# ------------------------------------------------------------------------------------------------ bytes


def encoded(rows: np.ndarray, budget: int, mark: Mark) -> tuple[bytes, str]:
    """The file of a sheet of pictures uint8 [T, N, H, W, C], a row for each T, and its suffix: the first way of
    `attempts` that takes at most `budget` bytes, or the last one."""
    found = b"", ""
    for found in attempts(rows, mark):
        if len(found[0]) <= budget:
            break
    return found


def attempts(rows: np.ndarray, mark: Mark) -> Iterator[tuple[bytes, str]]:
    """Ways to store a sheet, the best one first: lossless in the smaller format, coarser, then half as large."""
    while True:
        sheet = images.sheet(rows.reshape(-1, *rows.shape[2:]), rows.shape[1])
        storable = max(sheet.shape[:2]) <= LONGEST_WEBP
        png = formats.png(sheet, mark, level=9)
        lossless = webp(sheet, mark, lossless=True) if storable else png
        yield min((lossless, "webp"), (png, "png"), key=lambda one: len(one[0])) if storable else (png, "png")
        for quality in QUALITIES if storable else ():
            yield webp(sheet, mark, quality=quality), "webp"
        if min(rows.shape[2:4]) < 2 * LEAST_SIDE:
            return
        rows = halved(rows)


def webp(sheet: np.ndarray, mark: Mark, lossless: bool = False, quality: int = 80) -> bytes:
    """A picture uint8 [H, W, C] as WebP with its mark."""
    buffer = io.BytesIO()
    how: dict[str, Any] = {"lossless": lossless, "quality": quality, "method": 6, "xmp": xmp.block(mark)}
    images.to_pillow(sheet).save(buffer, "WEBP", **how)
    return buffer.getvalue()


def halved(rows: np.ndarray) -> np.ndarray:
    """Pictures uint8 [T, N, H, W, C] with half the height and width, rounded down."""
    height, width = rows.shape[2] // 2, rows.shape[3] // 2
    pictures = rows.reshape(-1, *rows.shape[2:])
    return np.stack([resized(picture, (height, width)) for picture in pictures]).reshape(
        *rows.shape[:2], height, width, rows.shape[4]
    )


def resized(picture: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """A picture uint8 [H, W, C] with these (height, width)."""
    scaled = images.to_pillow(picture).resize((sides[1], sides[0]), Image.Resampling.BICUBIC, reducing_gap=None)
    return np.asarray(scaled).reshape(*sides, picture.shape[2])
