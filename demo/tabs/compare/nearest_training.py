"""The training pictures nearest to a picture, by Euclidean distance between codes, and how near is remarkable.

The floor is what pictures that were never trained on reach: the distance of each held-out picture to its own nearest
training picture. A generated picture that is nearer than nearly all of them hints at a copy; one as near as they are
does not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bundle import images
from bundle.array_files import TrainingCodes
from bundle.errors import InputError
from bundle.feeds import in_batches
from demo.data_urls import picture_url
from demo.serving.served_bundle import ServedBundle, kept_with_bundle

COUNT = 6  # pictures that are shown
CHUNK = 2**24  # distances at once: 128 MiB
REMARKABLE = 0.95  # nearer than this share of the held-out pictures


@dataclass(frozen=True)
class Standing:
    """How near a picture is to training, compared with held-out ones.

    `nearer`: the share of them that lie farther away. `low`, `median`, `high`: their distances at 5, 50 and 95 %.
    `remarkable`: whether the picture is nearer than 95 % of them."""

    nearer: float
    low: float
    median: float
    high: float
    remarkable: bool


def distances(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Euclidean distances [M, N] between codes [M, D] and [N, D], in float64. Raises InputError for other shapes."""
    a, b = codes.astype(np.float64), known.astype(np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not len(b):
        raise InputError(f"Codes {a.shape} and {b.shape} cannot be compared.")
    squared = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    return np.sqrt(np.maximum(squared, 0))


def nearest(code: np.ndarray, known: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` codes nearest to a code [D] among known ones [N, D], nearest first: indices and distances [count]."""
    # By differences: the product form of `distances` loses digits when pictures are nearly equal.
    apart = np.sqrt(np.square(known.astype(np.float64) - code.astype(np.float64)).sum(axis=1))
    order = np.argsort(apart, kind="stable")[: max(1, count)]
    return order, apart[order]


def floor(held_out: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The distance [M] of each held-out code [M, D] to the nearest known one [N, D]."""
    rows = max(1, CHUNK // max(1, len(known)))
    return np.concatenate([distances(held_out[i : i + rows], known).min(1) for i in range(0, len(held_out), rows)])


def standing(distance: float, floor_distances: np.ndarray) -> Standing:
    """Where a distance stands among those of held-out pictures [M]. Raises InputError when there are none."""
    if not len(floor_distances):
        raise InputError("There are no held-out pictures to compare with.")
    nearer = float((floor_distances > distance).mean())
    low, median, high = (float(value) for value in np.quantile(floor_distances, (0.05, 0.5, 0.95)))
    return Standing(nearer, low, median, high, nearer >= REMARKABLE)


# --- with a bundle -------------------------------------------------------------------------------


def nearest_training(served: ServedBundle, image: np.ndarray) -> dict[str, Any]:
    """The nearest training pictures of an image [1, C, H, W], as the page shows them, or what is `missing` for that."""
    bundle, name = served.engine.bundle, served.info.name
    training = bundle.training_codes
    if training is None or not served.engine.has("encoder"):
        return {"missing": f"Bundle '{name}' carries no training codes: python -m export training-codes adds them."}
    if not len(bundle.examples):
        return {"missing": f"Bundle '{name}' has no held-out pictures, so there is no floor."}
    (code,) = served.engine.run("encoder", {"image": image})["mean"]
    found, apart = nearest(code, training.codes, COUNT)
    floor_distances = _floor_of(served)
    where = standing(float(apart[0]), floor_distances)
    return {
        "pictures": [
            _shown(served, training, int(i), float(distance)) for i, distance in zip(found, apart, strict=True)
        ],
        "of": len(training.codes),
        "train": served.info.dataset.train_images,
        "held_out": len(floor_distances),
        "nearer": where.nearer,
        "remarkable": where.remarkable,
        "low": where.low,
        "median": where.median,
        "high": where.high,
    }


def _shown(served: ServedBundle, training: TrainingCodes, i: int, distance: float) -> dict[str, Any]:
    names, label = served.info.dataset.classes, int(training.labels[i])
    return {
        "picture": None if training.thumbnails is None else picture_url(training.thumbnails[i], None),
        "distance": distance,
        "class": names[label] if names and 0 <= label < len(names) else "",
        "index": int(training.indices[i]),
    }


@kept_with_bundle
def _floor_of(served: ServedBundle) -> np.ndarray:
    """The floor [M] of a bundle with training codes."""
    training = served.engine.bundle.training_codes
    assert training is not None  # checked by `nearest_training`

    def code(part: np.ndarray) -> np.ndarray:
        return served.engine.run("encoder", {"image": part})["mean"]

    codes = in_batches(images.from_uint8(served.engine.bundle.examples), code, served.info.max_batch)
    return floor(codes, training.codes)
