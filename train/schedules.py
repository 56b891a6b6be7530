"""Numbers that change while training, as pure functions of progress in [0, 1] or of images seen."""

import math


def cosine(start: float, end: float, progress: float) -> float:
    """From `start` to `end` along half a cosine."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


def ramp(progress: float, length: float) -> float:
    """0 to 1 linearly over the first `length` of the run, then 1."""
    return min(progress / length, 1.0) if length > 0 else 1.0


def ema_decay(batch: int, images_seen: int, half_life: float, ramp_share: float = 0.05) -> float:
    """Weight kept by a moving average so that half of it is gone after min(half_life, share of images seen).

    The ramp keeps early averages from remembering the initialisation (Karras et al. 2020, StyleGAN2-ADA).
    """
    life = min(half_life, ramp_share * images_seen)
    return 0.5 ** (batch / life) if life > 0 else 0.0
