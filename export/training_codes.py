"""Some of a bundle's training pictures, as codes of its own encoder and thumbnails: `python -m export training`.

They are what the demo shows as dots of the latent map, and as the training pictures nearest to a generated one. The
file needs the data, but no run folder, so a bundle can get it at any time.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.read import THUMBNAIL, Bundle, OpenBundle, read
from bundle.runner import BundleRunner
from bundle.write import entry, write_index
from train.data.dataset import Pictures
from train.data.load import load

FILE = "training.npz"
GREY, COLOUR = 1000, 400  # pictures, and at most …
NUMBERS = 64_000  # … so many of their codes, which hardly pack: about half a megabyte of everything
BATCH = 64
UNLICENSED = "no licence stated"  # as train.data.dataset says it of published sets: their pictures are not passed on


def add(folder: Path, source: str, codes_only: bool = False) -> Bundle:
    """Writes training.npz into the bundle in `folder` and lists it there; returns the new index.

    `codes_only`: without thumbnails, for data that may not be shown; published data without a licence never gets any.
    Raises UserError when the bundle has no encoder, or `source` holds other pictures; the demo's BundleError when the
    bundle cannot be opened.
    """
    bundle = read(folder)
    info = bundle.info
    if "encoder" not in info.graphs:
        raise UserError(f"{folder} has no encoder, so its pictures have no codes.")
    about, train_set, _ = load(source, info.image.size, True, info.dataset.fit, info.dataset.background)
    for what, wanted, found in (
        ("channels", info.image.channels, about.channels),
        ("classes", info.dataset.classes, about.classes),
        ("training pictures", info.dataset.train_images, about.train_images),
    ):
        if wanted != found:
            raise UserError(f"{source} is not what {folder} was trained on: {what} {found}, not {wanted}.")
    return write(folder, train_set, codes_only)


def write(folder: Path, train_set: Pictures, codes_only: bool = False) -> Bundle:
    """The file of these pictures, and the index that lists it. Raises UserError when the disk refuses."""
    bundle, packed = read(folder), io.BytesIO()
    np.savez_compressed(packed, **collect(bundle, train_set, codes_only))
    write_file(folder / FILE, packed.getvalue())
    files = bundle.info.files | {"training": entry(folder / FILE)}
    info = bundle.info.model_copy(update={"files": files})
    write_index(folder, info)
    return info


def collect(bundle: OpenBundle, train_set: Pictures, codes_only: bool) -> dict[str, np.ndarray]:
    """The arrays of the file: see bundle.read.TrainingCodes."""
    info = bundle.info
    labels = train_set.labels.numpy()
    count = min(GREY if info.image.channels == 1 else COLOUR, NUMBERS // info.vae.latent_dim)
    indices = spread(labels if info.dataset.classes else np.full(len(labels), -1), min(count, len(labels)))
    pictures = train_set.images.numpy()[indices]
    engine = BundleRunner(bundle)
    parts = [pictures[i : i + BATCH].astype(np.float32) / np.float32(255) for i in range(0, len(pictures), BATCH)]
    codes = np.concatenate([engine.run("encoder", {"image": part})["mean"] for part in parts])
    arrays = {
        "codes": codes.astype(np.float32),
        "labels": (labels[indices] if info.dataset.classes else np.full(len(indices), -1)).astype(np.int64),
        "indices": indices.astype(np.int64),
    }
    if codes_only or UNLICENSED in info.dataset.licence:
        return arrays
    return arrays | {"thumbnails": thumbnails(pictures.transpose(0, 2, 3, 1))}


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """`count` rows, sorted: as many of every label, the first of each; without labels evenly over all."""
    kinds = np.unique(labels)
    if len(kinds) == 1:
        return np.unique(np.linspace(0, len(labels) - 1, count).round().astype(np.int64))
    queues = [np.flatnonzero(labels == kind) for kind in kinds]
    ranked = [queue[rank] for rank in range(max(map(len, queues))) for queue in queues if rank < len(queue)]
    return np.sort(np.array(ranked[:count], np.int64))


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, H, W, C] at most THUMBNAIL pixels a side."""
    side = pictures.shape[1]
    if side <= THUMBNAIL:
        return np.ascontiguousarray(pictures)
    size, grey = (THUMBNAIL, THUMBNAIL), pictures.shape[-1] == 1
    small = [
        np.asarray(Image.fromarray(one[..., 0] if grey else one).resize(size, Image.Resampling.LANCZOS))
        for one in pictures
    ]
    return np.stack(small).reshape(len(pictures), THUMBNAIL, THUMBNAIL, -1)
