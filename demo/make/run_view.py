"""What a run folder shows while it is being filled: how far it is, pictures of what was learned, curves, snapshots.

Read by the tab Make and by `python -m demo.watch`; the folder is all that they share with the training.
"""

import json
import os
import re
import time
from pathlib import Path
from typing import Any, Literal, get_args

from bundle.curves import read_curve
from bundle.snapshot_rows import FOLDER, HELD_OUT_FILE, snapshot_rows
from bundle.training_status import OWNER, STATUS, Status, read_status

Stage = Literal["vae", "gan", "inverter", "repair", "classifier", "attributes"]
STAGES: tuple[Stage, ...] = get_args(Stage)
SHEETS = "samples"
SILENT = 180.0  # seconds without a word after which a training counts as gone: its number may be another's by then


NO_RUN: dict[str, Any] = {"status": None, "alive": False, "size": None, "stages": []}
"""What `run_view` gives where there is nothing yet."""


def run_view(run: Path) -> dict[str, Any]:
    """A run as JSON: what its training says, whether that is still at it, and the stages that have begun."""
    return view_of(run, read_status(run))


def view_of(run: Path, said: Status | None) -> dict[str, Any]:
    """As `run_view`, of what its training was just heard to say."""
    return {
        "status": status_view(said, run) if said else None,
        "alive": said is not None and is_alive(said, run),
        "size": picture_size(run),
        "stages": [stage_view(run / name) for name in STAGES if (run / name).is_dir()],
    }


def status_view(said: Status, run: Path) -> dict[str, Any]:
    """What a training says as JSON; its warnings do not tell where on this machine the run lies."""
    warnings = {kind: sentence.replace(f"{run}/", "") for kind, sentence in said.warnings.items()}
    return said.model_dump(mode="json") | {"warnings": warnings}


def picture_size(run: Path) -> list[int] | None:
    """[height, width] of the pictures in pixels; None before they were read."""
    try:
        data = json.loads((run / "run.json").read_bytes())["data"]
        return [int(data["height"]), int(data["width"])]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stage_view(folder: Path) -> dict[str, Any]:
    """A stage as JSON: its sheets [pictures seen, version], snapshots [pictures seen, seconds, version], and the
    version of its held-out row, 0 without one. A version tells a file from an earlier one at the same address."""
    return {
        "name": folder.name,
        "sheets": [[images, version_of(sheet_file(folder, images))] for images in sheets(folder)],
        "snapshots": [[row.images, row.seconds, version_of(row.path)] for row in snapshot_rows(folder)],
        "held_out": version_of(folder / FOLDER / HELD_OUT_FILE),
    }


def version_of(file: Path) -> int:
    """What tells a file from an earlier one of its name: when it was written, in milliseconds; 0 where it is gone."""
    try:
        return file.stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0


def sheet_file(folder: Path, images: int) -> Path:
    """The sample sheet of a stage's folder that was drawn after so many pictures."""
    return folder / SHEETS / f"{images:09d}.png"


def sheets(folder: Path) -> list[int]:
    """The sample sheets of a stage's folder, by how many pictures had been seen, in order."""
    return sorted(int(path.stem) for path in (folder / SHEETS).glob("*.png") if re.fullmatch(r"\d{1,15}", path.stem))


def curves(folder: Path) -> dict[str, Any]:
    """The training curves of a stage's folder: {"images": [...], "series": {...}}, both empty before there are any."""
    try:
        found = read_curve(folder / "metrics.jsonl")
    except OSError:
        found = None
    return found.model_dump(mode="json") if found else {"images": [], "series": {}}


def picture(run: Path, stage: str, kind: str, images: int) -> Path | None:
    """The file of a stage's sheet, snapshot or held-out row; None where there is none."""
    if stage not in STAGES:
        return None
    if kind == SHEETS:
        path = sheet_file(run / stage, images)
        return path if path.is_file() else None
    if kind == "held-out":
        path = run / stage / FOLDER / HELD_OUT_FILE
        return path if path.is_file() else None
    return next((row.path for row in snapshot_rows(run / stage) if row.images == images), None)


def is_alive(said: Status, run: Path) -> bool:
    """Whether the process that said this still trains: by how long ago it was heard, and by its number; not on Windows,
    where asking a process ends it."""
    if said.state not in ("training", "measuring"):
        return False
    heard = max(version_of(run / STATUS), version_of(run / OWNER)) / 1000
    return time.time() - heard < SILENT and (os.name != "posix" or is_running(said.pid))


def is_running(process: int) -> bool:
    """Whether there is a process of this number; signal 0 only asks."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
