"""The latent map: codes projected onto a plane, and the code that a place of the plane stands for.

The projection is linear, so both ways are exact: a code's place is P (z - centre), and a place's code the mean of all
codes there under the fitted mixture, E[z | P (z - centre) = place] (a mixture of Gaussians conditioned on a linear map:
Bishop, Pattern Recognition and Machine Learning, 2006, section 2.3). It projects to the place that was asked for.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bundle.latents import Mixture, Projection

PROJECTIONS: tuple[Projection, ...] = ("pca", "lda")
RIDGE = 1e-6  # keeps flat directions invertible, in units of the codes' variance


@dataclass(frozen=True)
class Moments:
    """The mean [D] of a mixture, its covariance [D, D] within the classes, and that between their means [D, D]."""

    mean: np.ndarray
    within: np.ndarray
    between: np.ndarray


def moments(mixture: Mixture) -> Moments:
    """The exact moments of the mixture's density."""
    covariances = mixture.cholesky @ mixture.cholesky.transpose(0, 2, 1)
    mean = mixture.weights @ mixture.means
    shares = (mixture.weights[:, None] * mixture.classes).sum(axis=0)  # [K]
    apart = class_centres(mixture) - mean
    between = (shares[:, None] * apart).T @ apart
    own = mixture.means - mean
    whole = np.einsum("m,mij->ij", mixture.weights, covariances) + (mixture.weights[:, None] * own).T @ own
    return Moments(mean, whole - between, between)


def class_centres(mixture: Mixture) -> np.ndarray:
    """The mean code [K, D] of each class under the mixture; of a class that no component holds, the mean of all."""
    joint = mixture.weights[:, None] * mixture.classes
    shares = joint.sum(axis=0)
    mean = mixture.weights @ mixture.means
    return np.where(shares[:, None] > 1e-9, joint.T @ mixture.means / np.maximum(shares, 1e-9)[:, None], mean)


def axes(found: Moments, projection: Projection) -> np.ndarray:
    """The plane's directions P [2, D]. pca: the two of largest variance. lda: the two that separate the classes best
    (Fisher 1936), in units of the standard deviation within classes. The largest entry of each is positive. Codes of
    one number have one direction; the other is 0."""
    if projection == "pca":
        directions = np.linalg.eigh(found.within + found.between)[1][:, ::-1].T[:2]
    else:
        dim = len(found.mean)
        ridge = RIDGE * np.trace(found.within) / dim
        values, vectors = np.linalg.eigh(found.within + ridge * np.eye(dim))
        whiten = vectors / np.sqrt(values)  # [D, D], columns
        best = np.linalg.eigh(whiten.T @ found.between @ whiten)[1][:, ::-1][:, :2]
        directions = (whiten @ best).T
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions = directions * np.sign(largest)
    return np.pad(directions, ((0, 2 - len(directions)), (0, 0)))


@dataclass(frozen=True)
class LatentMap:
    """The map of a mixture: its mean `centre` [D] and the directions `plane` [2, D]."""

    mixture: Mixture
    centre: np.ndarray
    plane: np.ndarray

    def places(self, codes: np.ndarray) -> np.ndarray:
        """The places [N, 2] of codes [N, D]."""
        return (codes - self.centre) @ self.plane.T

    def code(self, place: np.ndarray) -> np.ndarray:
        """The mean code [D], float32, of all codes at a place [2]."""
        means, gains, inverses, log_weights = self._conditions
        apart = place - means  # [M, 2]
        distances = np.einsum("mi,mij,mj->m", apart, inverses, apart)
        logs = log_weights - 0.5 * distances
        shares = np.exp(logs - logs.max())
        shares /= shares.sum()
        moved = self.mixture.means + np.einsum("mdi,mi->md", gains, apart)
        return (shares @ moved).astype(np.float32)

    @cached_property
    def _conditions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Each component on the plane: mean [M, 2], gain [M, D, 2], inverse covariance [M, 2, 2], log weight [M]."""
        seen = self.mixture.cholesky.transpose(0, 2, 1) @ self.plane.T  # [M, D, 2]
        covariances = seen.transpose(0, 2, 1) @ seen
        scale = np.trace(covariances, axis1=1, axis2=2).mean()
        inverses = np.linalg.inv(covariances + 1e-9 * scale * np.eye(2))
        gains = self.mixture.cholesky @ seen @ inverses
        logs = np.log(np.maximum(self.mixture.weights, 1e-300)) + 0.5 * np.linalg.slogdet(inverses)[1]
        return self.places(self.mixture.means), gains, inverses, logs


def latent_map(mixture: Mixture, projection: Projection) -> LatentMap:
    """The map of a mixture."""
    found = moments(mixture)
    return LatentMap(mixture, found.mean, axes(found, projection))


def bounds(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper corner [2] of what a map shows: nearly all of the places [N, 2], with a margin. Places on a
    line, as codes of one number have, get bounds of some height."""
    low, high = np.quantile(places, [0.005, 0.995], axis=0)
    room = np.where(high > low, 0.08 * (high - low), 1.0)
    return low - room, high + room


def projections(classes: int) -> tuple[Projection, ...]:
    """The maps that a bundle with so many classes has: two or fewer span no plane of their own."""
    return PROJECTIONS if classes > 2 else PROJECTIONS[:1]
