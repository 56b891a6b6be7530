"""A bundle: a folder of ONNX graphs with one index, `bundle.json` (bundle/schema/). Read and verify it.

A bundle is data: nothing in it is executed, no file outside its folder is read, and every file must have the size and
the SHA-256 that the index gives for it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from bundle.array_files import (
    SHEET_COLUMNS,
    TrainingCodes,
    read_examples,
    read_latents,
    read_sheet,
    read_training,
)
from bundle.errors import BundleError
from bundle.figures import over_floor
from bundle.migrate import migrate
from bundle.printable import printable
from bundle.schema import SCHEMA_VERSION, BundleIndex, File
from bundle.snapshots import check_snapshots
from bundle.verified_files import check_outline, verified_bytes

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts"  # where bundles are unless a command says otherwise
INDEX = "bundle.json"
MAX_INDEX_BYTES = 1_000_000
ORDER = "order.txt"  # in a folder of bundles: names, one a line, of those that come first
MAX_ORDER_BYTES = 10_000
GOLDEN = 2  # pictures of the sheet that a bundle's graphs must draw again before it is served


@dataclass(frozen=True)
class OpenBundle:
    """A bundle whose files have all been verified.

    `latents`: the float32 arrays of latents.npz. `examples`: uint8 [N, H, W, C] held-out pictures;
    `example_labels`: int64 [N], -1 (in older bundles also 0) without classes. `tiles`: how many pictures the sample
    sheet shows; `golden`: the first ones, uint8 [GOLDEN, H, W, C], as seeds 0, 1, … were drawn when it was made.
    `index_file`: bundle.json as it was read, whose size and checksum no other file gives.
    """

    folder: Path
    info: BundleIndex
    latents: dict[str, np.ndarray]
    examples: np.ndarray
    example_labels: np.ndarray
    tiles: int
    golden: np.ndarray
    index_file: File
    training_codes: TrainingCodes | None = None

    @property
    def files(self) -> dict[str, File]:
        """Every file of the bundle by its name: what the index lists, and the index itself."""
        entries = (self.index_file, *self.info.graphs.values(), *self.info.files.values())
        return {entry.file: entry for entry in entries}

    @property
    def sha256(self) -> str:
        """What tells this bundle from any other, and changes with any of its files: see `fingerprint`."""
        return fingerprint(self.info)

    @property
    def version(self) -> str:
        """The first eight hexadecimal digits of `sha256`: they stand in addresses of what may be cached."""
        return self.sha256[:8]


def fingerprint(info: BundleIndex) -> str:
    """SHA-256 over the SHA-256 of each graph and file, as text, in the index's order. Figures that are measured later
    do not change it: it is about what draws."""
    entries = (*info.graphs.values(), *info.files.values())
    return hashlib.sha256("".join(entry.sha256 for entry in entries).encode()).hexdigest()


@dataclass(frozen=True)
class Unavailable:
    """A bundle that cannot be served; `reason`: a sentence that says why."""

    name: str
    reason: str


def read(folder: Path) -> OpenBundle:
    """Opens the bundle in a folder and verifies every file it lists. Raises BundleError when one is wrong."""
    folder = Path(folder)
    written = _index_bytes(folder)
    info = _parsed(folder, written)
    for name, graph in info.graphs.items():
        check_outline(folder, name, graph, verified_bytes(folder, graph))
    sheet, latents = read_sheet(folder, info), read_latents(folder, info)
    examples, labels = read_examples(folder, info)
    check_snapshots(folder, info)
    height, width = info.image.height, info.image.width
    golden = np.stack([sheet[:height, start : start + width] for start in range(0, GOLDEN * width, width)])
    tiles = SHEET_COLUMNS * sheet.shape[0] // height
    codes = read_training(folder, info)
    return OpenBundle(folder, info, latents, examples, labels, tiles, golden, _index_entry(written), codes)


def _index_entry(written: bytes) -> File:
    return File(file=INDEX, bytes=len(written), sha256=hashlib.sha256(written).hexdigest())


def graph_bytes(bundle: OpenBundle, name: str) -> bytes:
    """The bytes of a graph, verified again as they are read. Raises BundleError when it is absent or was changed."""
    return verified_bytes(bundle.folder, bundle.info.require_graph(name))


def order(root: Path) -> list[str]:
    """The names in `order.txt` of a folder of bundles; none where there is no such file, or it cannot be read."""
    path = root / ORDER
    try:
        if path.stat().st_size > MAX_ORDER_BYTES:
            return []
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return []
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def discover(root: Path) -> tuple[list[OpenBundle], list[Unavailable]]:
    """All bundles in a folder, or the one bundle that the folder is, and those that cannot be served.

    They come in the order in which visitors see them: first those that `order.txt` in the folder names, then the bundle
    whose GAN comes nearest to its pictures, then the others by the same figure; bundles without figures come last, the
    oldest first.
    """
    root = Path(root)
    if not root.is_dir():
        return [], [Unavailable(root.name, f"There is no folder '{root}'.")]
    if (root / INDEX).exists():
        folders = [root]
    else:
        try:
            folders = [folder for folder in root.iterdir() if _may_be_bundle(folder)]
        except OSError:
            return [], [Unavailable(root.name, f"Folder '{root}' cannot be read.")]
    found: dict[str, OpenBundle] = {}
    unavailable = []
    for folder in sorted(folders):
        try:
            bundle = read(folder)
        except BundleError as error:
            unavailable.append(Unavailable(folder.name, str(error)))
            continue
        except OSError:
            unavailable.append(Unavailable(folder.name, f"Folder '{folder.name}' cannot be read."))
            continue
        if bundle.info.name in found:
            other = found[bundle.info.name].folder.name
            reason = f"Folders '{other}' and '{folder.name}' hold bundles of the same name; '{other}' is used."
            unavailable.append(Unavailable(folder.name, reason))
        else:
            found[bundle.info.name] = bundle

    chosen = {name: place for place, name in enumerate(order(root))}

    def rank(bundle: OpenBundle) -> tuple[int, float, datetime, str]:
        place = chosen.get(bundle.info.name, len(chosen))
        return place, over_floor(bundle.info.quality), bundle.info.created, bundle.info.name

    return sorted(found.values(), key=rank), unavailable


def _may_be_bundle(folder: Path) -> bool:
    """A folder with graphs but no index is a broken copy, which is reported; other folders are ignored."""
    try:
        return (folder / INDEX).exists() or (folder.is_dir() and any(folder.glob("*.onnx")))
    except OSError:
        return True  # `read` reports that it cannot be read


def read_index(folder: Path) -> BundleIndex:
    """The index of a bundle, brought to this version; its files are not read. Raises BundleError when it is invalid."""
    return _parsed(folder, _index_bytes(folder))


def _index_bytes(folder: Path) -> bytes:
    """bundle.json as it is. Raises BundleError when it is missing or too large."""
    if not folder.is_dir():
        raise BundleError(f"There is no folder '{folder}'.")
    path = folder / INDEX
    if not path.is_file():
        raise BundleError(f"Folder '{folder.name}' has no {INDEX}.")
    if path.stat().st_size > MAX_INDEX_BYTES:
        raise BundleError(f"{INDEX} of '{folder.name}' is too large to be an index.")
    return path.read_bytes()


def _parsed(folder: Path, written: bytes) -> BundleIndex:
    """The index that bundle.json holds, brought to this version. Raises BundleError when it is invalid."""
    try:
        raw = _printable(json.loads(written.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{INDEX} of '{folder.name}' is not valid JSON.") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise BundleError(f"Bundle '{folder.name}' has format {version} and needs a newer Twofold.")
    try:
        return BundleIndex.model_validate(migrate(raw))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise BundleError(f"{INDEX} of '{folder.name}' is wrong{f' at {place}' if place else ''}: {what}.") from error


def _printable(value: Any) -> Any:
    """What JSON holds, with every text in it `printable`: whoever made the bundle may be a stranger, and much of what
    it says is printed."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(one) for one in value]
    if isinstance(value, dict):
        return {printable(key): _printable(one) for key, one in value.items()}
    return value
