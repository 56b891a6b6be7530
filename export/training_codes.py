"""Some of a bundle's training pictures, as codes of its own encoder and as thumbnails: `python -m export
training-codes`.

The demo shows them as dots of the latent map, and as the training pictures nearest to a generated one. They need the
pictures but no run folder, so a bundle can get them at any time.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bundle.array_files import thumbnail_size
from bundle.errors import UserError
from bundle.feeds import RunGraph, run_in_parts
from bundle.images import to_pillow
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import BundleIndex
from bundle.write import add_file, npz_bytes
from train.data.cache import opened_cache
from train.data.dataset import DataInfo, Pictures
from train.data.load import load_again
from train.run_folder import check_known

FILE = "training.npz"
GREY, COLOUR = 1000, 400  # pictures at most …
NUMBERS = 64_000  # … and at most so many numbers in their codes, which hardly compress: about half a megabyte in all
BATCH = 64
UNLICENSED = "no licence stated"  # what train.data says of published sets whose pictures may not be passed on


def add(folder: Path, source: str, codes_only: bool = False, cache: Path | None = None) -> BundleIndex:
    """Writes training.npz into the bundle in `folder`; returns the new index, which lists it.

    `codes_only`: no thumbnails, for pictures that may not be shown; published ones without a licence never get any.
    `cache`: where large sets are packed, by default a temporary folder. Raises UserError when the bundle has no
    encoder, `source` holds other pictures, or the disk refuses; BundleError when the bundle cannot be opened.
    """
    bundle = read(folder)
    info, known = bundle.info, DataInfo.of_bundle(bundle.info)
    if info.vae is None:
        raise UserError(f"{folder} has no encoder, so its pictures have no codes.")
    with opened_cache(cache, None) as opened:
        loaded = load_again(source, known, opened)
        check_known(folder, source, known, loaded.info, ("channels", "classes", "train_images"))
        run = run_in_parts(BundleRunner(bundle).run, min(BATCH, info.max_batch))
        shown = not codes_only and may_be_shown(known.licence)
        data = npz_bytes(training_codes(run, info.vae.latent_dim, loaded.train, shown))
    return add_file(bundle, "training", FILE, data).info


def may_be_shown(licence: str) -> bool:
    """Whether pictures of this licence may be passed on as thumbnails."""
    return UNLICENSED not in licence


def training_codes(run: RunGraph, latent_dim: int, train_set: Pictures, shown: bool) -> dict[str, np.ndarray]:
    """The arrays of the file, see bundle.array_files.TrainingCodes; thumbnails only when the pictures are `shown`.

    `run` runs the encoder, whose codes have `latent_dim` numbers, on any number of pictures.
    """
    labels = train_set.labels.numpy().astype(np.int64)
    most = min(GREY if train_set.images.shape[1] == 1 else COLOUR, NUMBERS // latent_dim)
    indices = np.sort(classes_in_turn(labels, most))
    pictures = train_set[torch.from_numpy(indices)].pixels
    codes = run("encoder", {"image": pictures.astype(np.float32) / np.float32(255)})["mean"]
    arrays = {"codes": codes.astype(np.float32), "labels": labels[indices], "indices": indices}
    return arrays | ({"thumbnails": thumbnails(pictures.transpose(0, 2, 3, 1))} if shown else {})


def classes_in_turn(labels: np.ndarray, count: int) -> np.ndarray:
    """The indices int64 of up to `count` rows: the first ones of every class in turn, as many of each as there are.
    With fewer than two classes, rows at even distances. `labels`: int64 [N], -1 for none."""
    classes = np.unique(labels[labels >= 0])
    if len(classes) < 2:
        return np.unique(np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(np.int64))
    queues = [np.flatnonzero(labels == k)[:count] for k in classes]
    turns = [queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue)]
    return np.array(turns[:count], np.int64)


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, H, W, C], made smaller where a side is longer than bundle.array_files.THUMBNAIL."""
    count, height, width, channels = pictures.shape
    high, wide = thumbnail_size(height, width)
    if (high, wide) == (height, width):
        return np.ascontiguousarray(pictures)
    small = [np.asarray(to_pillow(one).resize((wide, high), Image.Resampling.LANCZOS)) for one in pictures]
    return np.stack(small).reshape(count, high, wide, channels)
