"""The latents whose picture comes closest to a given one: what a mask-conditioned graph sees, and the search that
refines its answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bundle import images
from bundle.cross_entropy_method import Search, cross_entropy_rounds
from bundle.errors import InputError

MAX_ROUNDS = 100
SEARCH_REACH = 0.25  # a search starts with steps of this share of the spread of w


@dataclass(frozen=True)
class Inversion:
    """The GAN's closest picture, its w [1, L, D], and the mean squared error over the known pixels."""

    image: np.ndarray
    w: np.ndarray
    mse: float


def known_only(image: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of a mask-conditioned graph; what is unknown is zero, so nothing hidden can leak. Raises InputError
    for a mask of another shape."""
    known = (np.asarray(mask) > 0.5).astype(np.float32)
    if known.shape != (len(image), 1, *image.shape[2:]):
        raise InputError(f"The mask must have shape {(len(image), 1, *image.shape[2:])}, not {known.shape}.")
    return {"image": image * known, "mask": known}


def refined(
    first: np.ndarray,
    spread: np.ndarray,
    synthesise: Callable[[np.ndarray], np.ndarray],
    masked: dict[str, np.ndarray],
    seed: int,
    max_batch: int,
) -> Iterator[tuple[np.ndarray, float]]:
    """The best w [1, L, D] and its error after 0, 1, 2, … rounds of cross-entropy search, without end.

    `first`: where it begins, `spread`: the standard deviation of w, both [L, D] or [1, L, D]. `synthesise`: the
    pictures [N, C, H, W] of w [N, L, D]. `masked`: of `known_only`."""
    shape = (1, *spread.shape[-2:])

    def error(points: np.ndarray) -> np.ndarray:
        return images.mse(synthesise(points.reshape(-1, *shape[1:])), masked["image"], masked["mask"])

    crowd = Search(population=min(Search.population, max_batch + 1))  # one is known
    for best, lowest in cross_entropy_rounds(first.ravel(), SEARCH_REACH * spread.ravel(), error, seed, crowd):
        yield best.reshape(shape), lowest
