"""Values that change during training, as pure functions of progress in [0, 1] or of images seen."""

import math


def cosine(start: float, end: float, progress: float) -> float:
    """From `start` at progress 0 to `end` at 1, along half a cosine; constant outside."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


def ramp(progress: float, length: float) -> float:
    """Linearly from 0 to 1 over the first `length` of the run, a share of it, then 1."""
    return min(progress / length, 1.0) if length > 0 else 1.0


def ema_decay(batch: int, images_seen: int, half_life: float, ramp_share: float = 0.05) -> float:
    """The decay of a moving average per step of `batch` images: its half-life is min(half_life, ramp_share of the
    images seen), in images.

    The ramp keeps early averages from remembering the initialisation (Karras et al. 2020, arXiv 2006.06676).
    """
    life = min(half_life, ramp_share * images_seen)
    return 0.5 ** (batch / life) if life > 0 else 0.0
