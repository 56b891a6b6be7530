"""The cross-entropy method (Rubinstein 1999): a search that needs no gradients, so any graph can be searched."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bundle.latents import SEEDS


@dataclass(frozen=True)
class Search:
    """Each round has `population` points, the best so far among them; the `elites` best pull the next round's mean and
    spread towards their own, `smoothing` of the way."""

    population: int = 64
    elites: int = 8
    smoothing: float = 0.7


def cross_entropy_rounds(
    start: np.ndarray,
    spread: np.ndarray,
    error: Callable[[np.ndarray], np.ndarray],
    seed: int,
    search: Search = Search(),
) -> Iterator[tuple[np.ndarray, float]]:
    """The best point [D] so far and its error: those of `start` [D] first, then after each round, without end.

    `error` takes points [P, D] and returns their errors [P]. The first round draws with standard deviation `spread`
    [D]. The best point so far takes part in every round, so the error never rises.
    """
    generator = np.random.Generator(np.random.PCG64(int(seed) % SEEDS))
    best, best_error = start.astype(np.float32), float(error(start[None].astype(np.float32))[0])
    mean, std = start.astype(np.float64), spread.astype(np.float64)
    while True:
        yield best, best_error
        noise = generator.standard_normal((search.population - 1, len(start)))
        points = np.concatenate([best[None], (mean + std * noise).astype(np.float32)])
        errors = np.concatenate([[best_error], error(points[1:])])
        elites = points[np.argsort(errors, kind="stable")[: search.elites]].astype(np.float64)
        mean = search.smoothing * elites.mean(axis=0) + (1 - search.smoothing) * mean
        std = search.smoothing * elites.std(axis=0) + (1 - search.smoothing) * std
        if errors.min() < best_error:
            best, best_error = points[errors.argmin()], float(errors.min())
