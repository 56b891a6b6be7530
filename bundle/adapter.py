"""Makes a generator that was exported elsewhere follow the conventions of this format."""

import numpy as np

from bundle.feeds import Feed, GraphFunction
from bundle.schema import Adapter


def adapt(run: GraphFunction, adapter: Adapter) -> GraphFunction:
    """Wraps `run`, which runs the graph as it is: {"z": [N, D]} -> [image [N, C, H, W] in [0, 1]].

    A graph of fixed batch is run in parts, the last one filled up with copies of its last row.
    """

    def through(feed: Feed) -> list[np.ndarray]:
        z = feed["z"].reshape(-1, *adapter.z_shape)
        step = adapter.batch or len(z)
        parts = []
        for start in range(0, len(z), step):
            part = z[start : start + step]
            missing = step - len(part)
            if missing:
                part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
            (image,) = run({adapter.z: part})
            parts.append(image[: step - missing])
        image = np.concatenate(parts)
        if adapter.values == "-1..1":
            image = image * np.float32(0.5) + np.float32(0.5)
        return [np.clip(image, 0, 1)]

    return through
