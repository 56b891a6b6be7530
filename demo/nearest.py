"""The training pictures nearest to a picture, as the page shows them: from the codes that a bundle may carry."""

from functools import lru_cache
from typing import Any

import numpy as np

from demo import images, neighbours, posterior
from demo.shown import picture_address
from demo.studio import Studio

COUNT = 6


def nearest_training(studio: Studio, image: np.ndarray) -> dict[str, Any]:
    """The nearest ones of an image [1, C, H, W] with distances beside the floor, or the sentence what is missing."""
    bundle, name = studio.engine.bundle, studio.info.name
    training = bundle.training
    if training is None or not studio.engine.has("encoder"):
        return {"missing": f"Bundle '{name}' carries no training codes: python -m export training adds them."}
    if not len(bundle.examples):
        return {"missing": f"Bundle '{name}' has no held-out pictures, so there is no floor."}
    (code,) = studio.engine.run("encoder", {"image": image})["mean"]
    found, apart = neighbours.nearest(code, training.codes, COUNT)
    floor = _floor(studio, bundle.version)
    where = neighbours.standing(float(apart[0]), floor)
    names = studio.info.dataset.classes
    labels = [int(training.labels[i]) for i in found]
    return {
        "pictures": [
            {
                "picture": None if training.thumbnails is None else picture_address(training.thumbnails[i]),
                "distance": float(distance),
                "class": names[label] if names and 0 <= label < len(names) else "",
                "index": int(training.indices[i]),
            }
            for i, distance, label in zip(found, apart, labels, strict=True)
        ],
        "of": len(training.codes),
        "train": studio.info.dataset.train_images,
        "held_out": len(floor),
        "nearer": where.nearer,
        "remarkable": where.remarkable,
        "low": where.low,
        "median": where.median,
        "high": where.high,
    }


@lru_cache(maxsize=16)
def _floor(studio: Studio, version: str) -> np.ndarray:
    """The floor of a bundle, measured once: distances [M] of its held-out pictures to their nearest training codes."""

    def code(part: np.ndarray) -> np.ndarray:
        return studio.engine.run("encoder", {"image": part})["mean"]

    codes = posterior.batched(images.from_uint8(studio.engine.bundle.examples), code, studio.info.max_batch)
    return neighbours.floor(codes, studio.engine.bundle.training.codes)
