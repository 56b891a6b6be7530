"""The latent map of a bundle as the page draws it; its arithmetic: bundle/latent_map.py."""

from typing import Any

import numpy as np

from bundle import latents
from bundle.latent_map import bounds
from bundle.latents import Projection
from demo.serving.served_bundle import ServedBundle, kept_with_bundle

DOTS = 600  # draws of the prior, for a bundle without training codes
ACTIVE_NATS = 0.01  # that a dimension must carry to be worth a slider


@kept_with_bundle
def dots(served: ServedBundle, projection: Projection) -> dict[str, Any]:
    """The map as the page draws it: dots [x, y, class] of training pictures (without them, of the prior), its frame,
    and the dimensions of the code by the nats that they carry."""
    found, training = served.latent_map(projection), served.engine.bundle.training_codes
    if training is not None:
        codes, labels = training.codes, training.labels
    else:
        codes = served.codes(range(DOTS))
        labels = np.array(
            [latents.seed_class(seed, served.class_count) if served.class_count else 0 for seed in range(DOTS)]
        )
    places = found.places(codes)
    low, high = bounds(places)
    nats = served.engine.bundle.latents["code_kl"]
    order = np.argsort(-nats, kind="stable")
    return {
        "dots": [[round(float(x), 4), round(float(y), 4), int(k)] for (x, y), k in zip(places, labels, strict=True)],
        "low": low.tolist(),
        "high": high.tolist(),
        "from": "training" if training is not None else "prior",
        "dimensions": [
            {"i": int(i), "nats": round(float(nats[i]), 3), "active": bool(nats[i] > ACTIVE_NATS)} for i in order
        ],
    }
