"""The training pictures nearest to a picture, as the page shows them: from the codes that a bundle may carry."""

from functools import lru_cache
from typing import Any

import numpy as np

from bundle import images
from demo.data_urls import picture_address
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import neighbours
from demo.tabs.rebuild import posterior

COUNT = 6


def nearest_training(served: ServedBundle, image: np.ndarray) -> dict[str, Any]:
    """The nearest ones of an image [1, C, H, W] with distances beside the floor, or the sentence what is missing."""
    bundle, name = served.engine.bundle, served.info.name
    training = bundle.training
    if training is None or not served.engine.has("encoder"):
        return {"missing": f"Bundle '{name}' carries no training codes: python -m export training adds them."}
    if not len(bundle.examples):
        return {"missing": f"Bundle '{name}' has no held-out pictures, so there is no floor."}
    (code,) = served.engine.run("encoder", {"image": image})["mean"]
    found, apart = neighbours.nearest(code, training.codes, COUNT)
    floor = _floor(served, bundle.version)
    where = neighbours.standing(float(apart[0]), floor)
    names = served.info.dataset.classes
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
        "train": served.info.dataset.train_images,
        "held_out": len(floor),
        "nearer": where.nearer,
        "remarkable": where.remarkable,
        "low": where.low,
        "median": where.median,
        "high": where.high,
    }


@lru_cache(maxsize=16)
def _floor(served: ServedBundle, version: str) -> np.ndarray:
    """The floor of a bundle, measured once: distances [M] of its held-out pictures to their nearest training codes."""

    def code(part: np.ndarray) -> np.ndarray:
        return served.engine.run("encoder", {"image": part})["mean"]

    codes = posterior.batched(images.from_uint8(served.engine.bundle.examples), code, served.info.max_batch)
    return neighbours.floor(codes, served.engine.bundle.training.codes)
