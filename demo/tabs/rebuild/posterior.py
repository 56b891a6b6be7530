"""Draws from the posterior over codes, and how far their pictures differ.

Codes are float32 rows [N, D]; images float32 [N, C, H, W] in [0, 1].
"""

from collections.abc import Callable

import numpy as np

from bundle.latents import SEEDS, seed_latent

BATCH = 32  # rows of one run, so that other requests do not wait long
# From dark to bright with evenly rising lightness, so that it also reads in grey.
COLOURS = ((0, 0, 4), (40, 17, 89), (114, 31, 129), (182, 54, 121), (241, 96, 93), (254, 175, 119), (252, 253, 191))


def draw(mean: np.ndarray, logvar: np.ndarray, count: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
    """`count` codes [count, D] of the Gaussian with mean [1, D] and log variance [1, D].

    The encoder answers a picture with such a Gaussian (Kingma & Welling 2014, eq. 10). Code i belongs to seed + i,
    however many are drawn. `temperature` scales the distance from the mean; at 0 every code is the mean.
    """
    noise = np.stack([seed_latent((seed + i) % SEEDS, mean.shape[1]) for i in range(count)])
    return (mean + temperature * np.exp(0.5 * logvar) * noise).astype(np.float32)


def conditioned(
    mean: np.ndarray, prior: np.ndarray, found: Callable[[np.ndarray], np.ndarray], temperature: float = 1.0
) -> np.ndarray:
    """Codes [N, D] of the posterior with this mean [1, D], from codes of the prior [N, D].

    `found`: codes [N, D] -> the posterior means [N, D] of their pictures, of which the same pixels are known. The error
    of such a mean is a draw from the posterior around its mean, correlations included; exactly so if everything is
    Gaussian and linear and the known pixels are free of noise (Matheron's rule; Journel & Huijbregts 1978).
    `temperature` scales the distance from the mean.
    """
    return (mean + temperature * (prior - found(prior))).astype(np.float32)


def pixel_deviation(images: np.ndarray) -> np.ndarray:
    """The standard deviation [H, W] of each pixel over images [N, C, H, W], in the unit of the pixels; for colours, the
    root of the mean variance of the channels."""
    return np.sqrt(images.astype(np.float64).var(axis=0).mean(axis=0))


def heat(values: np.ndarray, top: float) -> np.ndarray:
    """Values [H, W] as a picture uint8 [H, W, 3], from black at 0 to pale yellow at `top` and above."""
    shares = np.clip(values / top if top > 0 else np.zeros_like(values), 0, 1)
    stops = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(shares, stops, [colour[c] for colour in COLOURS]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
