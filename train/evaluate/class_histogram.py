"""How the classes of one set of pictures differ from those of another."""

import numpy as np


def histogram_kl(labels: np.ndarray, reference: np.ndarray, classes: int) -> float:
    """KL(classes of `labels` || classes of `reference`) in nats, of int64 [N] and [M]; 0 = the same shares.

    A class that the reference lacks counts as half a picture there, so that the figure stays finite.
    """
    p, q = (np.bincount(x, minlength=classes).astype(np.float64) for x in (labels, reference))
    q = np.maximum(q, 0.5)
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))
