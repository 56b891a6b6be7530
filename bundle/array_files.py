"""The files beside the graphs: latent statistics, examples, training codes and the sample sheet, as the index says.

Each is verified as it is read (bundle/verified_files.py). All functions raise BundleError for a file that is damaged or
holds something else.
"""

import io
import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bundle.errors import BundleError
from bundle.schema import MAX_FILE_BYTES, BundleIndex, File, Model
from bundle.verified_files import verified_bytes, verified_pixels

SHEET_COLUMNS, MAX_TILES = 8, 64
LATENTS = "latents.npz"  # as the file is called in the bundles that are written here
# Of latents.npz: the directions of the attributes, in the styles of the GAN and in the codes of the VAE.
ATTRIBUTE_ARRAYS: dict[Model, str] = {"gan": "attribute_w", "vae": "attribute_code"}
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


def latent_shapes(info: BundleIndex) -> dict[str, tuple[int | None, ...]]:
    """The arrays that latents.npz must hold and their shapes; None = any length."""
    classes = max(len(info.dataset.classes), 1)
    shapes: dict[str, tuple[int | None, ...]] = {}
    if info.gan and info.gan.w_dim:
        shapes["w_mean"] = (classes, info.gan.w_dim)
    if info.vae:
        dim = info.vae.latent_dim
        shapes |= {
            "mixture_weights": (None,),
            "mixture_means": (None, dim),
            "mixture_cholesky": (None, dim, dim),
            "mixture_classes": (None, classes),
        }
        shapes |= {name: (dim,) for name in ("code_mean", "code_std", "code_kl")}
    return shapes


def statistics_of(model: str, names: Iterable[str]) -> list[str]:
    """Those of the arrays of `latent_shapes` that are a model's: w_mean is the GAN's, every other one the VAE's."""
    return [name for name in names if (name == "w_mean") == (model == "gan")]


def direction_shapes(info: BundleIndex) -> dict[str, tuple[int | None, ...]]:
    """The arrays that latents.npz may hold beside them: directions of the classes by linear SVMs, with the accuracy of
    each, and directions of the attributes, in the order of `info.attributes`. A direction is one standard deviation of
    the latents long."""
    classes = len(info.dataset.classes)
    shapes: dict[str, tuple[int | None, ...]] = {}
    if info.gan and info.gan.w_dim:
        shapes |= {"svm_w": (classes, info.gan.w_dim), "svm_w_accuracy": (classes,)}
        shapes[ATTRIBUTE_ARRAYS["gan"]] = (len(info.attributes), info.gan.w_dim)
    if info.vae:
        shapes |= {"svm_code": (classes, info.vae.latent_dim), "svm_code_accuracy": (classes,)}
        shapes[ATTRIBUTE_ARRAYS["vae"]] = (len(info.attributes), info.vae.latent_dim)
    return shapes


def read_latents(folder: Path, info: BundleIndex) -> dict[str, np.ndarray]:
    """The float32 arrays of latents.npz: those of `latent_shapes`, and of `direction_shapes` what there is; attributes
    that say what their direction does need it. Empty where the bundle needs none and has no such file."""
    arrays = _read_arrays(folder, info.files["latents"]) if "latents" in info.files else {}
    needed = {ATTRIBUTE_ARRAYS[model] for one in info.attributes for model in ATTRIBUTE_ARRAYS if getattr(one, model)}
    further = {key: shape for key, shape in direction_shapes(info).items() if key in arrays or key in needed}
    _check_arrays(arrays, latent_shapes(info) | further, folder.name)
    return arrays


def read_examples(folder: Path, info: BundleIndex) -> tuple[np.ndarray, np.ndarray]:
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
    classes = max(len(info.dataset.classes), 1)
    if labels.dtype.kind not in "iu" or not -1 <= labels.min() <= labels.max() < classes:
        wanted = f"whole numbers from -1 to {classes - 1}"
        raise BundleError(f"The example labels of bundle '{folder.name}' must be {wanted}.")
    return images, labels.astype(np.int64)


def read_training(folder: Path, info: BundleIndex) -> TrainingCodes | None:
    """The codes of some training pictures; None where the bundle has none."""
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


def read_sheet(folder: Path, info: BundleIndex) -> np.ndarray:
    """The sample sheet, uint8 [H, W, C]; it is a PNG, eight pictures wide and at most eight high."""
    image = info.image

    def size_fault(height: int, width: int) -> str:
        rows, rest = divmod(height, image.height)
        right = width == SHEET_COLUMNS * image.width and not rest and 1 <= rows <= MAX_TILES // SHEET_COLUMNS
        most = MAX_TILES // SHEET_COLUMNS
        return "" if right else f"not {SHEET_COLUMNS} x 1 to {most} pictures of {image.width} x {image.height}"

    return verified_pixels(folder, info.files["sheet"], image.channels, {"PNG": "PNG"}, size_fault)


def thumbnail_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the thumbnail of a picture: as it is, or made smaller until its longer side is THUMBNAIL."""
    scale = min(1.0, THUMBNAIL / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def _read_arrays(folder: Path, entry: File) -> dict[str, np.ndarray]:
    data = verified_bytes(folder, entry)
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
    if "mixture_weights" in shapes:
        _check_mixture(arrays, name)


def _check_mixture(arrays: dict[str, np.ndarray], name: str) -> None:
    """Raises BundleError for numbers that no mixture of codes has, and with which its arithmetic would fail later."""
    for key in ("mixture_weights", "mixture_classes"):
        if (arrays[key] < 0).any() or not arrays[key].any():
            raise BundleError(f"Array '{key}' of bundle '{name}' must hold shares, none negative and not all 0.")
    diagonals = np.diagonal(arrays["mixture_cholesky"], axis1=1, axis2=2)
    for key, spreads in (("mixture_cholesky", diagonals), ("code_std", arrays["code_std"])):
        if (spreads <= 0).any():
            raise BundleError(f"Array '{key}' of bundle '{name}' must hold standard deviations above 0.")
