"""Generators that were exported elsewhere, seen through this project's conventions."""

import numpy as np

from demo.batching import Feed, Run
from demo.schema import Adapter


def adapted(run: Run, adapter: Adapter) -> Run:
    """A run of {"z": [N, D]} -> [image [N, C, H, W] in [0, 1]], by a run of the graph as it is."""

    def through(feed: Feed, until: float) -> list[np.ndarray]:
        z = feed["z"].reshape(-1, *adapter.z_shape)
        step = adapter.batch or len(z)
        parts = []
        for start in range(0, len(z), step):
            part = z[start : start + step]
            missing = step - len(part)
            if missing:
                part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
            (image,) = run({adapter.z: part}, until)
            parts.append(image[: step - missing])
        image = np.concatenate(parts)
        if adapter.values == "-1..1":
            image = image * np.float32(0.5) + np.float32(0.5)
        return [np.clip(image, 0, 1)]

    return through
