"""A bundle and the runs behind it as files of a few megabytes, for a lent machine that gives back no large ones.

    cat parts/mnist.tar.* | tar x

restores them. The optimizers' moments are left out of the checkpoints, and the packed pictures out of the runs: such a
run can be measured, exported and, with optimizers that start anew, resumed. Who needs its pictures packs them again.
"""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

import safetensors.torch

from bundle.atomic_files import write_file
from train.checkpoints import load_tensors

PART_BYTES = 15 * 2**20
STATE = "state.safetensors"
PACKED = "pictures"  # folder of a run with the pictures in their final size (train.data.cache)


def write_parts(name: str, folders: Iterable[Path], target: Path) -> list[Path]:
    """Writes target/NAME.tar.000, 001, … of at most PART_BYTES each, with these folders; returns their paths.

    Parts of an earlier call are replaced. Folders that are not there are left out. Raises UserError for a damaged
    checkpoint, or when the disk refuses."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for folder in folders:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                inside = path.relative_to(folder)
                if inside.parts[0] != PACKED:
                    add(tar, path, f"{folder.parent.name}/{folder.name}/{inside.as_posix()}")
    data, most = whole.getvalue(), PART_BYTES
    parts = [target / f"{name}.tar.{number:03d}" for number in range(-(-len(data) // most))]
    for number, path in enumerate(parts):
        write_file(path, data[number * most : (number + 1) * most])
    for old in set(target.glob(f"{name}.tar.*")) - set(parts):
        old.unlink()
    return parts


def add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Adds a file under a name; of a checkpoint what `without_moments` leaves."""
    data = without_moments(path) if path.name == STATE else path.read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), int(path.stat().st_mtime)
    tar.addfile(entry, io.BytesIO(data))


def without_moments(path: Path) -> bytes:
    """A checkpoint without the optimizers' moments, which are half of it."""
    tensors, facts = load_tensors(path)
    kept = {key: value for key, value in tensors.items() if not key.startswith("optimizers/")}
    return safetensors.torch.save(kept, metadata={"facts": json.dumps(facts)})
