"""The likelihood of pictures under a VAE: the evidence lower bound, the importance-weighted bound, active units.

Log-likelihoods are natural logarithms, summed over the pixels of a picture. Everything is plain numpy around two
functions, so that networks and exported graphs are measured by the same code.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from train.evaluate.batches import as_unit
from train.progress_bar import with_bar

Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Images float32 [N, C, H, W] -> mean and log-variance [N, D]."""
Decode = Callable[[np.ndarray], np.ndarray]
"""z float32 [N, D] -> images [N, C, H, W]."""
LogLikelihood = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Images [..., C, H, W], decoded images -> log p of each, [...]."""
DECODES = 1000  # a batch
# float32 comes no nearer to 1 than this; a decoder whose probabilities stop there is still a Bernoulli model.
LEAST_PROBABILITY = 2.0**-24


def binarize(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Pictures uint8 [N, C, H, W] -> uint8 of 0 and 255: each pixel white with its grey as probability (dynamic
    binarization, Salakhutdinov & Murray 2008), the same for the same seed."""
    uniform = np.random.default_rng(seed).random(images.shape, dtype=np.float32)
    return np.where(uniform * 255 < images, 255, 0).astype(np.uint8)


def bernoulli_log_likelihood(image: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """log p of binary pictures [..., C, H, W] whose pixels are independently 1 with probability `decoded`: [...]."""
    probability = np.clip(decoded.astype(np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(np.where(image > 0.5, probability, 1 - probability)).sum(axis=(-3, -2, -1))


def gaussian_log_likelihood(sigma: float) -> LogLikelihood:
    """log N(image; decoded, sigma^2 I) of pictures [..., C, H, W] in [0, 1]: log-densities in nats, [...]."""
    constant = math.log(sigma) + 0.5 * math.log(2 * math.pi)

    def log_likelihood(image: np.ndarray, decoded: np.ndarray) -> np.ndarray:
        squared = np.square(image.astype(np.float64) - decoded).sum(axis=(-3, -2, -1))
        return -0.5 * squared / sigma**2 - np.prod(image.shape[-3:]) * constant

    return log_likelihood


def kl_to_normal(mean: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of each unit, nats, [N, D] (Kingma & Welling 2014, arXiv 1312.6114, B)."""
    mean, logvar = mean.astype(np.float64), logvar.astype(np.float64)
    return 0.5 * (np.square(mean) + np.exp(logvar) - 1 - logvar)


def elbo(images: np.ndarray, encode: Encode, decode: Decode, log_likelihood: LogLikelihood, seed: int = 0,
         ) -> np.ndarray:  # fmt: skip
    """log p(x | z) for one draw of z, minus the KL divergence in closed form: float64 [N], on average a lower bound of
    log p(x). `images`: uint8, or float in [0, 1]."""
    rng, found = np.random.default_rng(seed), []
    for x in batches(images, DECODES, "ELBO"):
        mean, logvar = encode(x)
        z = mean + np.exp(0.5 * logvar) * rng.standard_normal(mean.shape, dtype=np.float32)
        found.append(log_likelihood(x, decode(z)) - kl_to_normal(mean, logvar).sum(axis=1))
    return np.concatenate(found)


def importance_weighted(images: np.ndarray, encode: Encode, decode: Decode, log_likelihood: LogLikelihood,
                        samples: int = 100, seed: int = 0) -> np.ndarray:  # fmt: skip
    """log 1/K sum_k p(x, z_k) / q(z_k | x), z_k ~ q(z | x), K = `samples`: float64 [N] (Burda et al. 2016, arXiv
    1509.00519). On average it lies between the ELBO (K = 1) and log p(x), and never falls as K grows."""
    rng, found = np.random.default_rng(seed), []
    for x in batches(images, max(DECODES // samples, 1), f"importance-weighted bound, K = {samples}"):
        mean, logvar = encode(x)
        noise = rng.standard_normal((len(x), samples, mean.shape[1]), dtype=np.float32)
        z = mean[:, None] + np.exp(0.5 * logvar)[:, None] * noise
        flat = z.reshape(-1, mean.shape[1])
        decoded = np.concatenate([decode(flat[i : i + DECODES]) for i in range(0, len(flat), DECODES)])
        decoded = decoded.reshape(len(x), samples, *decoded.shape[1:])
        # log p(z) - log q(z | x): the constants of the two Gaussians cancel.
        wide = z.astype(np.float64)
        ratio = 0.5 * (np.square(noise, dtype=np.float64) + logvar[:, None] - np.square(wide)).sum(axis=2)
        weights = log_likelihood(x[:, None], decoded) + ratio
        peak = weights.max(axis=1, keepdims=True)
        found.append(peak[:, 0] + np.log(np.exp(weights - peak).mean(axis=1)))
    return np.concatenate(found)


@dataclass(frozen=True)
class Bounds:
    """Negative bounds in nats a picture, each with its standard error over pictures."""

    negative_elbo: float
    elbo_error: float
    weighted_bound: float
    weighted_error: float


def bounds(elbos: np.ndarray, weighted: np.ndarray) -> Bounds:
    """Both bounds over N pictures, from the ELBO of each [N] and the weighted bound of the first M <= N.

    The weighted bound is -ELBO of all pictures less its mean gain on the M. The gain varies far less among pictures
    than log p(x) does, so a few hundred of them are enough; with M = N it is the plain mean.
    """
    gain = weighted - elbos[: len(weighted)]
    n, m = len(elbos), len(weighted)
    error = elbos.std() / math.sqrt(n)
    both = weighted.std() / math.sqrt(n) if m == n else math.hypot(error, gain.std() / math.sqrt(m))
    return Bounds(float(-elbos.mean()), float(error), float(-elbos.mean() - gain.mean()), float(both))


def active_units(means: np.ndarray, least: float = 0.01) -> int:
    """Units whose posterior mean [N, D] varies by more than `least` over pictures (Burda et al. 2016, section 5)."""
    return int((means.astype(np.float64).var(axis=0) > least).sum())


def batches(images: np.ndarray, size: int, title: str) -> Iterator[np.ndarray]:
    """Pictures uint8 or float as float32 in [0, 1], `size` at a time, with a progress bar."""
    for start in with_bar(range(0, len(images), size), title):
        yield as_unit(images[start : start + size])
