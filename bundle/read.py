"""A bundle: a folder of ONNX graphs with one index, `bundle.json` (bundle/schema.py). Read and verify it.

A bundle is data: nothing in it is executed, no file outside its folder is read, and every file must have the size and
the SHA-256 that the index gives for it.
"""

import hashlib
import io
import json
import math
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from bundle.errors import BundleError
from bundle.figures import over_floor
from bundle.migrate import migrate
from bundle.onnx_outline import FLOAT, Dimensions, outline, problem, unknown
from bundle.schema import MAX_FILE_BYTES, SCHEMA_VERSION, Bundle, File, Graph, direction_shapes, latent_shapes

INDEX = "bundle.json"
MAX_INDEX_BYTES = 1_000_000
SHEET_COLUMNS, MAX_TILES = 8, 64
GOLDEN = 2  # pictures of the sheet that a bundle's graphs must draw again before it is served
THUMBNAIL, MAX_TRAINING = 32, 10_000  # pixels of the longer side, and pictures, of the training codes


@dataclass(frozen=True)
class TrainingCodes:
    """Some of the training pictures.

    `codes`: float32 [N, D], the encoder's means. `labels`: int64 [N], -1 without classes. `indices`: int64 [N], their
    rows in the training set. `thumbnails`: uint8 [N, H, W, C] of `thumbnail_size`, None where the data may
    not be shown.
    """

    codes: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    thumbnails: np.ndarray | None


@dataclass(frozen=True)
class OpenBundle:
    """A bundle whose files have all been verified.

    `latents`: the float32 arrays of latents.npz. `examples`: uint8 [N, H, W, C] held-out pictures;
    `example_labels`: int64 [N], -1 without classes. `tiles`: how many pictures the sample sheet shows;
    `golden`: the first ones, uint8 [GOLDEN, H, W, C], as seeds 0, 1, … were drawn when the bundle was made.
    """

    folder: Path
    info: Bundle
    latents: dict[str, np.ndarray]
    examples: np.ndarray
    example_labels: np.ndarray
    tiles: int
    golden: np.ndarray
    training: TrainingCodes | None = None

    @property
    def version(self) -> str:
        """Eight hexadecimal digits that change with any of its files: they stand in addresses of what may be cached."""
        entries = (*self.info.graphs.values(), *self.info.files.values())
        return hashlib.sha256("".join(entry.sha256 for entry in entries).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Unavailable:
    """A bundle that cannot be served; `reason`: a sentence that says why."""

    name: str
    reason: str


def read(folder: Path) -> OpenBundle:
    """Opens the bundle in a folder and verifies every file it lists. Raises BundleError when one is wrong."""
    folder = Path(folder)
    info = read_index(folder)
    for name, graph in info.graphs.items():
        _check_outline(folder, name, graph, _verified_bytes(folder, graph))
    sheet = _read_sheet(folder, info)
    latents = _read_arrays(folder, info.files["latents"]) if "latents" in info.files else {}
    further = {key: shape for key, shape in direction_shapes(info).items() if key in latents}
    _check_arrays(latents, latent_shapes(info) | further, folder.name)
    images, labels = _read_examples(folder, info)
    height, width = info.image.height, info.image.width
    golden = np.stack([sheet[:height, start : start + width] for start in range(0, GOLDEN * width, width)])
    tiles = SHEET_COLUMNS * sheet.shape[0] // height
    return OpenBundle(folder, info, latents, images, labels, tiles, golden, _read_training(folder, info))


def graph_bytes(bundle: OpenBundle, name: str) -> bytes:
    """The bytes of a graph, verified again as they are read. Raises BundleError when it is absent or was changed."""
    if name not in bundle.info.graphs:
        raise BundleError(f"Bundle '{bundle.info.name}' has no graph '{name}'.")
    return _verified_bytes(bundle.folder, bundle.info.graphs[name])


def discover(root: Path) -> tuple[list[OpenBundle], list[Unavailable]]:
    """All bundles in a folder, or the one bundle that the folder is, and those that cannot be served.

    They come in the order in which visitors see them: first the bundle whose GAN comes nearest to its pictures, then
    the others by the same figure; bundles without figures come last, the oldest first.
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

    def rank(bundle: OpenBundle) -> tuple[float, datetime, str]:
        return over_floor(bundle.info.quality), bundle.info.created, bundle.info.name

    return sorted(found.values(), key=rank), unavailable


def _may_be_bundle(folder: Path) -> bool:
    """A folder with graphs but no index is a broken copy, which is reported; other folders are ignored."""
    try:
        return (folder / INDEX).exists() or (folder.is_dir() and any(folder.glob("*.onnx")))
    except OSError:
        return True  # `read` reports that it cannot be read


def read_index(folder: Path) -> Bundle:
    """The index of a bundle, brought to this version; its files are not read. Raises BundleError when it is invalid."""
    if not folder.is_dir():
        raise BundleError(f"There is no folder '{folder}'.")
    path = folder / INDEX
    if not path.is_file():
        raise BundleError(f"Folder '{folder.name}' has no {INDEX}.")
    if path.stat().st_size > MAX_INDEX_BYTES:
        raise BundleError(f"{INDEX} of '{folder.name}' is too large to be an index.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{INDEX} of '{folder.name}' is not valid JSON.") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise BundleError(f"Bundle '{folder.name}' has format {version} and needs a newer Twofold.")
    try:
        return Bundle.model_validate(migrate(raw))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise BundleError(f"{INDEX} of '{folder.name}' is wrong{f' at {place}' if place else ''}: {what}.") from error


def _verified_bytes(folder: Path, entry: File) -> bytes:
    path = folder / entry.file
    try:
        if not path.is_file():
            raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' is missing.")
        # The size first: it bounds how much of a wrong file is read.
        data = path.read_bytes() if path.stat().st_size == entry.bytes else b""
    except OSError as error:
        raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' cannot be read.") from error
    if hashlib.sha256(data).hexdigest() == entry.sha256:
        return data
    raise BundleError(
        f"File '{entry.file}' of bundle '{folder.name}' is damaged or was changed: its checksum is wrong."
    )


def _check_outline(folder: Path, name: str, graph: Graph, data: bytes) -> None:
    """Raises BundleError unless a graph's file is what the index says. No runtime opens it before."""
    where = f"Graph '{name}' of bundle '{folder.name}'"
    try:
        found = outline(data)
    except BundleError as error:
        raise BundleError(f"{where} is not an ONNX file.") from error
    if fault := problem(found):
        raise BundleError(f"{where} {fault}.")
    if found.opsets.get("", found.opsets.get("ai.onnx")) != graph.opset:
        raise BundleError(f"{where} uses operator set {found.opsets}, not {graph.opset} as the index says.")
    adapter = graph.adapter
    batch: int | None = None
    inputs, outputs = (
        {tensor.name: tensor.row_shape for tensor in tensors} for tensors in (graph.inputs, graph.outputs)
    )
    if adapter:
        batch = adapter.batch
        inputs, outputs = {adapter.z: adapter.z_shape}, {adapter.image: outputs["image"]}
    for kind, wanted, there in (("takes", inputs, found.inputs), ("gives", outputs, found.outputs)):
        if not _agrees(wanted, there, batch, loose=adapter is not None):
            raise BundleError(f"{where} {kind} {_listed(there)}, not what the index says.")


def _agrees(
    wanted: dict[str, tuple[int, ...]], there: dict[str, tuple[int, Dimensions]], batch: int | None, loose: bool
) -> bool:
    """Whether the tensors that are there are float32 of the wanted names and row shapes, behind a batch of this size
    (None: a free one). `loose`: sizes may be left open, as other exporters do; running the graph then tells them."""
    if set(wanted) != set(there):
        return False
    for name, (kind, shape) in there.items():
        if kind != FLOAT or not shape or len(shape) != 1 + len(wanted[name]):
            return False
        pairs = [(batch, shape[0]), *zip(wanted[name], shape[1:], strict=True)]
        if not all(want == have or (unknown(have) and (loose or want is None)) for want, have in pairs):
            return False
    return True


def _listed(tensors: dict[str, tuple[int, Dimensions]]) -> str:
    return ", ".join(f"{name[:40]} {list(shape)}" for name, (_, shape) in list(tensors.items())[:5]) or "nothing"


def _read_arrays(folder: Path, entry: File) -> dict[str, np.ndarray]:
    data = _verified_bytes(folder, entry)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(max(member.file_size, _declared_bytes(archive, member)) for member in archive.infolist())
        if unpacked > MAX_FILE_BYTES:
            raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' unpacks to too much data.")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except BundleError:
        raise
    except Exception as error:  # parsers raise all kinds: zlib.error, MemoryError, NotImplementedError, …
        raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' is not a plain .npz file.") from error


def _declared_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """The bytes that the array in a member of the archive declares."""
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):  # what NumPy writes for arrays of plain numbers
            raise ValueError(f"{member.filename} is not in version 1.0 of NumPy's format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return math.prod(shape) * dtype.itemsize


def _read_examples(folder: Path, info: Bundle) -> tuple[np.ndarray, np.ndarray]:
    """The example pictures, uint8 [N, H, W, C], and their labels, int64 [N]; N = 0 where the bundle has none."""
    shape = (info.image.height, info.image.width, info.image.channels)
    if "examples" not in info.files:
        return np.zeros((0, *shape), np.uint8), np.zeros(0, np.int64)
    arrays = _read_arrays(folder, info.files["examples"])
    images, labels = arrays.get("images"), arrays.get("labels")
    if images is None or images.dtype != np.uint8 or images.shape[1:] != shape:
        raise BundleError(f"The example pictures of bundle '{folder.name}' have the wrong shape or type.")
    if labels is None or labels.shape != images.shape[:1] or not len(images):
        raise BundleError(f"The example labels of bundle '{folder.name}' do not match its pictures.")
    return images, labels.astype(np.int64)


def thumbnail_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the thumbnail of a picture: as it is, or made smaller until its longer side is THUMBNAIL."""
    scale = min(1.0, THUMBNAIL / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def _read_training(folder: Path, info: Bundle) -> TrainingCodes | None:
    if "training" not in info.files or not info.vae:
        return None
    arrays = _read_arrays(folder, info.files["training"])
    found = [arrays.get(name) for name in ("codes", "labels", "indices")]
    codes, labels, indices = (np.zeros(0) if array is None else array for array in found)
    classes = max(len(info.dataset.classes), 1)
    right = (
        codes.dtype == np.float32
        and codes.shape[1:] == (info.vae.latent_dim,)
        and 1 <= len(codes) <= MAX_TRAINING
        and bool(np.isfinite(codes).all())
        and all(column.dtype == np.int64 and column.shape == codes.shape[:1] for column in (labels, indices))
        and -1 <= labels.min() <= labels.max() < classes
        and indices.min() >= 0
    )
    if not right:
        raise BundleError(f"The training codes of bundle '{folder.name}' have wrong shapes, types or values.")
    thumbnails = arrays.get("thumbnails")
    shape = (len(codes), *thumbnail_size(info.image.height, info.image.width), info.image.channels)
    if thumbnails is not None and (thumbnails.dtype != np.uint8 or thumbnails.shape != shape):
        raise BundleError(f"The training thumbnails of bundle '{folder.name}' must be uint8 {shape}.")
    return TrainingCodes(codes, labels, indices, thumbnails)


def _read_sheet(folder: Path, info: Bundle) -> np.ndarray:
    """The sample sheet, uint8 [H, W, C]; it is a PNG, eight pictures wide and at most eight high."""
    entry, image = info.files["sheet"], info.image
    data = _verified_bytes(folder, entry)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as sheet:
            width, height = sheet.size
            rows, rest = divmod(height, image.height)
            right = width == SHEET_COLUMNS * image.width and not rest and 1 <= rows <= MAX_TILES // SHEET_COLUMNS
            pixels = np.asarray(sheet.convert("L" if image.channels == 1 else "RGB")) if right else None
    except Exception as error:
        raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' is not a PNG picture.") from error
    if pixels is None:
        raise BundleError(
            f"The sample sheet of bundle '{folder.name}' measures {width} x {height} pixels, "
            f"not {SHEET_COLUMNS} x 1 to {MAX_TILES // SHEET_COLUMNS} pictures of {image.width} x {image.height}."
        )
    return pixels.reshape(height, width, image.channels)


def _check_arrays(arrays: dict[str, np.ndarray], shapes: dict[str, tuple[int | None, ...]], name: str) -> None:
    components = {len(arrays[key]) for key in arrays if key.startswith("mixture_") and arrays[key].ndim}
    for key, shape in shapes.items():
        array = arrays.get(key)
        if array is None or array.dtype != np.float32 or array.ndim != len(shape):
            raise BundleError(f"The latent statistics of bundle '{name}' lack a valid float32 array '{key}'.")
        if any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
            raise BundleError(f"Array '{key}' of bundle '{name}' has shape {array.shape}, expected {shape}.")
        if not np.isfinite(array).all():
            raise BundleError(f"Array '{key}' of bundle '{name}' holds values that are not finite numbers.")
    if len(components) > 1 or 0 in components:
        raise BundleError(f"The mixture arrays of bundle '{name}' differ in their number of components.")
