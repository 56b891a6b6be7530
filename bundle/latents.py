"""Latent arithmetic in plain numpy: seeds and their classes, truncation, and the mixture prior of a VAE.

Nothing here knows a model. Latents are float32 rows; seeds are whole numbers in [0, 2**32). Paths between latents:
bundle/paths.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np

from bundle.errors import InputError
from bundle.schema import Prior

Projection = Literal["pca", "lda"]


class MapPoint(NamedTuple):
    """A place of the latent map of a VAE (bundle/latent_map.py)."""

    projection: Projection
    x: float
    y: float


SeedKey = int | tuple[float, float]  # a seed, or a point (x, y) of the seed plane
Key = SeedKey | MapPoint  # a stop of a morph
SEEDS = 2**32
PLANE_STRIDE = 100  # how many seeds the seed plane moves on per unit of y
NOT_OF_A_GAN = "A place of the latent map is a picture of the VAE: choose the VAE, or other keyframes."
CUT = 2.0  # where the truncated normal prior ends


# --- seeds and classes ---------------------------------------------------------------------------


def seed_latent(seed: int, dim: int) -> np.ndarray:
    """The standard normal latent [dim] of a seed, taken modulo 2**32; the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(int(seed) % SEEDS))
    return generator.standard_normal(dim).astype(np.float32)


def seed_latents(seeds: Sequence[int], dim: int) -> np.ndarray:
    """The standard normal latents [N, dim] of seeds, one a row."""
    return np.stack([seed_latent(seed, dim) for seed in seeds])


def from_normal(normal: np.ndarray, prior: Prior) -> np.ndarray:
    """Standard normal latents of any shape -> the generator's noise, by quantiles: the last step, after all blending.

    normal: the same array; uniform: U(-1, 1); truncated: the standard normal cut off at ±CUT.
    """
    if prior == "normal":
        return normal
    flat = (normal.astype(np.float64) / math.sqrt(2)).ravel()
    spread = np.fromiter(map(math.erf, flat), np.float64, len(flat))  # 2 Φ - 1
    if prior == "truncated":
        share = 0.5 + 0.5 * math.erf(CUT / math.sqrt(2)) * spread
        spread = np.fromiter(map(NormalDist().inv_cdf, share), np.float64, len(flat))
    return spread.reshape(normal.shape).astype(np.float32)


def seed_class(seed: int, classes: int) -> int:
    """The class of a seed where none was chosen: seed modulo K. This is the only place that says so."""
    return int(seed) % SEEDS % classes


def one_hot(index: int, classes: int) -> np.ndarray:
    """Class weights [classes] with all weight on one class. Raises InputError when there is no such class."""
    return class_weights({index: 1.0}, classes)


def class_weights(shares: Mapping[int, float], classes: int) -> np.ndarray:
    """Class weights [classes] that sum to 1 from shares such as {3: 0.5, 5: 0.5}.

    Raises InputError for an unknown class, a share outside [0, 1e6], or shares that are all zero.
    """
    weights = np.zeros(classes, dtype=np.float64)
    for index, share in shares.items():
        if not classes:
            raise InputError("This model has no classes.")
        if not 0 <= index < classes:
            raise InputError(f"Class {index} does not exist: choose one from 0 to {classes - 1}.")
        if not 0 <= share <= 1e6:
            raise InputError(f"The share of class {index} must be a number from 0 to 1000000.")
        weights[index] += share
    if weights.sum() == 0:
        raise InputError("The class shares must add up to more than zero.")
    return (weights / weights.sum()).astype(np.float32)


def class_rows(weights: np.ndarray | None, seeds: Sequence[int], classes: int) -> np.ndarray | None:
    """Class weights [N, K] for N pictures, from weights [K] or [N, K]; None for a model without classes.

    Without weights each seed has its own class, seed modulo K. Raises InputError for any other shape, for negative or
    infinite weights, and for rows that do not sum to 1.
    """
    if not classes:
        if weights is not None:
            raise InputError("This model has no classes.")
        return None
    if weights is None:
        return np.stack([one_hot(seed_class(seed, classes), classes) for seed in seeds])
    rows = np.asarray(weights, dtype=np.float32)
    if rows.shape not in ((classes,), (len(seeds), classes)):
        raise InputError(f"Class weights must be {classes} numbers a picture, not an array {rows.shape}.")
    if not (np.isfinite(rows).all() and (rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1, atol=1e-3)):
        raise InputError("Class weights must be zero or positive and sum to 1.")
    return np.ascontiguousarray(np.broadcast_to(rows, (len(seeds), classes)))


# --- between latents -----------------------------------------------------------------------------


def lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point at share t of the straight line from a to b."""
    return ((1 - t) * a + t * b).astype(np.float32)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point at share t of the arc from a [D] to b [D]: direction along the great circle, norm linear.

    Falls back to the straight line when the directions are parallel, opposite, or missing.
    """
    norm_a, norm_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if norm_a == 0 or norm_b == 0:
        return lerp(a, b, t)
    u, v = a.astype(np.float64) / norm_a, b.astype(np.float64) / norm_b
    angle = np.arccos(np.clip(u @ v, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return lerp(a, b, t)
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return (direction * ((1 - t) * norm_a + t * norm_b)).astype(np.float32)


def blend(keys: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean [D] of keys [M, D], stretched to the weighted mean of their norms.

    A plain mean of independent normal draws is too short, and a generator draws dull pictures from short latents. With
    all weight on one key, the result is exactly that key.
    """
    if weights.max() == 1:
        return keys[int(weights.argmax())]
    mixed = weights @ keys.astype(np.float64)
    return with_norm(mixed, float(weights @ np.linalg.norm(keys.astype(np.float64), axis=1)))


def plane_corners(x: float, y: float) -> tuple[list[int], np.ndarray]:
    """The four seeds around the point (x, y) of the seed plane, and their bilinear weights [4]."""
    left, top = int(np.floor(x)), int(np.floor(y))
    u, v = x - left, y - top
    seeds = [(left + i + PLANE_STRIDE * (top + j)) % SEEDS for j in (0, 1) for i in (0, 1)]
    return seeds, np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])


def plane_latent(x: float, y: float, dim: int) -> np.ndarray:
    """The latent [dim] at (x, y) of the endless seed plane; the whole number point (x, 0) is seed x."""
    seeds, weights = plane_corners(x, y)
    return blend(seed_latents(seeds, dim), weights)


def key_latent(key: Key, dim: int) -> np.ndarray:
    """The standard normal latent [dim] of a key. Raises InputError for a point of the map, which is a VAE's code."""
    if isinstance(key, MapPoint):
        raise InputError(NOT_OF_A_GAN)
    return plane_latent(*key, dim) if isinstance(key, tuple) else seed_latent(key, dim)


def key_corners(key: SeedKey) -> tuple[list[int], np.ndarray]:
    """The seeds that make up a key, and their weights: one for a seed, the four around a point of the plane."""
    return plane_corners(*key) if isinstance(key, tuple) else ([int(key) % SEEDS], np.ones(1))


def key_seed(key: Key) -> int:
    """The seed that chooses a key's class: its own, or the first of the four around a point; 0 on the map."""
    return 0 if isinstance(key, MapPoint) else key_corners(key)[0][0]


def key_class(key: Key, classes: int) -> int:
    """The class of a key for which none was chosen: that of its seed, or of the first of the four around a point. A
    VAE draws a point of the map without one."""
    return seed_class(key_seed(key), classes)


def key_class_rows(chosen: Sequence[Mapping[int, float] | None], keys: Sequence[Key], classes: int) -> np.ndarray:
    """Class weights [keys, K] of a path from the shares that are chosen for each key; None: the key's own class.

    Raises InputError for a model without classes, and as `class_weights` does.
    """
    if not classes:
        raise InputError("This model has no classes.")
    return np.stack(
        [
            one_hot(key_class(key, classes), classes) if shares is None else class_weights(shares, classes)
            for shares, key in zip(chosen, keys, strict=True)
        ]
    )


def with_norm(vector: np.ndarray, norm: float) -> np.ndarray:
    """The vector [D] stretched to a norm, float32; the zero vector stays."""
    length = float(np.linalg.norm(vector))
    return (vector * (norm / length) if length > 1e-9 else vector).astype(np.float32)


def truncate(w: np.ndarray, centre: np.ndarray, psi: float) -> np.ndarray:
    """w [N, L, D] moved towards centre [N, D]: psi 1 keeps it as it is, 0 gives the centre everywhere."""
    if psi == 1:
        return w
    middle = centre[:, None, :]
    return (middle + psi * (w - middle)).astype(np.float32)


# --- the fitted prior of a VAE -------------------------------------------------------------------


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture over codes: weights [M], means [M, D], cholesky [M, D, D] lower, classes [M, K].

    `classes[m, k]` is the share of class k in component m; its rows sum to 1.
    """

    weights: np.ndarray
    means: np.ndarray
    cholesky: np.ndarray
    classes: np.ndarray

    @classmethod
    def from_latents(cls, latents: Mapping[str, np.ndarray]) -> "Mixture":
        """From the arrays of a bundle's latents.npz."""
        names = ("mixture_weights", "mixture_means", "mixture_cholesky", "mixture_classes")
        return cls(*(latents[name].astype(np.float64) for name in names))

    def component_weights(self, class_weights: np.ndarray | None) -> np.ndarray:
        """The chance [M] of each component, given class weights [K] (None: of the whole mixture).

        A class that no component holds adds nothing; where that leaves nothing, the whole mixture is taken.
        """
        joint = self.weights[:, None] * self.classes
        per_class = joint / np.maximum(joint.sum(axis=0, keepdims=True), 1e-12)
        chances = self.weights if class_weights is None else per_class @ class_weights
        if chances.sum() <= 0:
            chances = self.weights
        return chances / chances.sum()

    def sample(self, seed: int, class_weights: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        """The code [D] of a seed. Weights over several classes draw one of them, not a blend.

        `temperature` scales the step away from the mean of the component drawn; 0 gives that mean.
        """
        generator = np.random.Generator(np.random.PCG64(int(seed) % SEEDS))
        noise = generator.standard_normal(self.means.shape[1])
        reach = np.cumsum(self.component_weights(class_weights))
        component = min(int(np.searchsorted(reach, generator.random(), side="right")), len(reach) - 1)
        step = self.cholesky[component] @ noise
        return (self.means[component] + temperature * step).astype(np.float32)

    def samples(self, seeds: Sequence[int], rows: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        """The codes [N, D] of seeds with class weights [N, K]; None: of the whole mixture."""
        pairs = zip(seeds, [None] * len(seeds) if rows is None else rows, strict=True)
        return np.stack([self.sample(seed, row, temperature) for seed, row in pairs])

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """The log density [N], in nats, of codes z [N, D]."""
        dim = self.means.shape[1]
        terms = []
        for weight, mean, lower in zip(self.weights, self.means, self.cholesky, strict=True):
            white = np.linalg.solve(lower, (z.astype(np.float64) - mean).T)
            log_volume = np.log(np.diagonal(lower)).sum() + 0.5 * dim * np.log(2 * np.pi)
            terms.append(np.log(max(weight, 1e-300)) - log_volume - 0.5 * (white**2).sum(axis=0))
        peak = np.max(terms, axis=0)
        return peak + np.log(np.exp(np.array(terms) - peak).sum(axis=0))
