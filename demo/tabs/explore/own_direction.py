"""A direction that a visitor means, found from pictures that have it and pictures that do not.

Pictures around the present one are latents with a step. In coordinates in which the model's latents have the same
spread everywhere, a ridge regression on the annotations gives the gradient of what is meant; the direction is how
latents move with it, as in export/attribute_directions.py, and as long as one standard deviation of the latents along
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bundle.errors import InputError
from bundle.own_directions import decoded, encoded, latent_size, space_key
from bundle.schema import Model
from demo.serving.served_bundle import ServedBundle, kept_with_bundle
from demo.tabs.explore.directions import seen_latents, without_class_means

SHOWN = 12  # pictures of a round
ALONG = (1.5, -1.5, 2.5, -2.5)  # steps of a later round along the estimate, in shares of REACH; the others are anywhere
LEAST_ANNOTATIONS = 3  # of each kind
MOST_ANNOTATIONS = 240
MOST_ROUNDS = 1000
LEAST_AGREEMENT = 0.6  # of the annotations that are told right when they are left out; by chance it is one half
REACH = 0.75  # of the spread of the latents, for a step
SEEDS_SEEN = 512  # whose latents the spread is measured on
VARIANCE_SEEN = 0.97  # share of it that the coordinates hold, but …
MOST_COORDINATES = 24  # … no more of them than a few dozen annotations can tell apart
RIDGE = 1.0  # per annotation


@dataclass(frozen=True)
class Spread:
    """How latents spread: unit vectors `axes` [K, D] and the standard deviations [K] along them, largest first."""

    axes: np.ndarray
    deviations: np.ndarray

    def steps(self, coordinates: np.ndarray) -> np.ndarray:
        """Steps [N, D] in the latents of coordinates [N, K]."""
        return (coordinates * self.deviations) @ self.axes

    def coordinates(self, steps: np.ndarray) -> np.ndarray:
        """The coordinates [N, K] of steps [N, D]."""
        return steps @ self.axes.T / self.deviations


@dataclass(frozen=True)
class Estimate:
    """What annotations say of a direction. `vector`: float64 [D], one standard deviation long, or zero where they say
    nothing; `gradient`: unit vector [K] of coordinates, and the `threshold` along it between having it and having it
    not. `agreement`: the share of annotations that the others tell right, each left out in turn."""

    vector: np.ndarray
    gradient: np.ndarray
    threshold: float
    agreement: float


def spread_of(rows: np.ndarray) -> Spread:
    """The spread of latents [N, D] about their mean."""
    apart = rows.astype(np.float64) - rows.mean(axis=0)
    _, sizes, axes = np.linalg.svd(apart, full_matrices=False)
    held = np.cumsum(sizes**2) / max(float((sizes**2).sum()), 1e-12)
    count = min(int(np.searchsorted(held, VARIANCE_SEEN)) + 1, MOST_COORDINATES)
    return Spread(axes[:count], np.maximum(sizes[:count] / np.sqrt(len(rows)), 1e-6))


def estimate(spread: Spread, steps: np.ndarray, has: np.ndarray) -> Estimate:
    """The direction of annotated steps [N, D], whose pictures have it where `has` bool [N] says so. Raises InputError
    for fewer than LEAST_ANNOTATIONS of either kind."""
    yes, no = int(has.sum()), int((~has).sum())
    if min(yes, no) < LEAST_ANNOTATIONS:
        raise InputError(
            f"Mark at least {LEAST_ANNOTATIONS} pictures that have it and {LEAST_ANNOTATIONS} that do not; "
            f"so far it is {yes} and {no}."
        )
    points = spread.coordinates(steps)
    gradient, threshold = _boundary(points, has)
    told = []
    for i in range(len(points)):
        others = np.arange(len(points)) != i
        normal, edge = _boundary(points[others], has[others])
        told.append((points[i] @ normal > edge) == has[i])
    step = spread.steps(gradient[None])[0]
    unit = step / max(float(np.linalg.norm(step)), 1e-12)
    deviation = np.linalg.norm(spread.deviations * (spread.axes @ unit))
    return Estimate(unit * deviation, gradient, threshold, float(np.mean(told)))


def _boundary(points: np.ndarray, has: np.ndarray) -> tuple[np.ndarray, float]:
    """The unit normal [K] of the boundary between points [N, K] that have it and others, and how far along it that is.
    Both kinds weigh the same, however many there are."""
    weights = np.where(has, 0.5 / has.sum(), 0.5 / (~has).sum())
    middle = weights @ points
    roots = np.sqrt(weights)
    rows, targets = (points - middle) * roots[:, None], np.where(has, 1.0, -1.0) * roots
    if len(rows) < rows.shape[1]:  # the same slope, by as many equations as there are points
        slope = rows.T @ np.linalg.solve(rows @ rows.T + RIDGE * np.eye(len(rows)), targets)
    else:
        slope = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ targets)
    normal = slope / max(float(np.linalg.norm(slope)), 1e-12)
    return normal, float(middle @ normal)


def variations(spread: Spread, found: Estimate | None, generator: np.random.Generator) -> np.ndarray:
    """Steps [SHOWN, D] to pictures of the next round: in all directions, and once there is an estimate, some of them
    far along it, on both sides of its threshold, where one sees what it misses and what else it changes."""
    points = REACH * generator.standard_normal((SHOWN, len(spread.deviations)))
    if found is not None:
        far = found.threshold + REACH * np.array(ALONG)
        along = points[: len(ALONG)]
        along += np.outer(far - along @ found.gradient, found.gradient)
        points = points[generator.permutation(SHOWN)]
    return spread.steps(points)


# --- with a bundle -------------------------------------------------------------------------------


@kept_with_bundle
def latent_spread(served: ServedBundle, model: Model) -> Spread:
    """The spread of a model's latents; differences between classes are taken out. Noise of a GAN without styles has the
    same everywhere."""
    if model == "gan" and not served.info.has_styles:
        size = latent_size(served.info, model)
        return Spread(np.eye(size), np.ones(size))
    rows, labels = seen_latents(served, model, SEEDS_SEEN)
    return spread_of(without_class_means(rows if model == "vae" else rows.mean(axis=1), labels))


def next_round(
    served: ServedBundle, model: Model, annotations: Sequence[tuple[str, bool]], seed: int, number: int
) -> dict:
    """What the page shows after `annotations`, texts of steps and whether their pictures have it: the texts of the next
    round's steps, {"variations": […], "found": …, "problem": …}. `found`: {"vector", "agreement",
    "annotation_count"}, or None with the sentence `problem`. The same arguments give the same answer. Raises
    InputError."""
    key, spread = space_key(served.engine.bundle, model), latent_spread(served, model)
    steps, has = _read(served, model, annotations, key), np.array([one for _, one in annotations], bool)
    found, problem = None, ""
    try:
        found = estimate(spread, steps, has)
        if found.agreement < LEAST_AGREEMENT:
            problem = (
                f"These choices do not agree on one direction: of each that is left out, the others tell "
                f"{round(100 * found.agreement)} % right, and by chance it is 50 %. Mark more, or change some."
            )
    except InputError as error:
        problem = str(error)
    shown = variations(spread, found, np.random.default_rng([seed, number]))
    answer = None
    if found and not problem:
        answer = {
            "vector": encoded(found.vector, key),
            "agreement": round(found.agreement, 4),
            "annotation_count": len(has),
        }
    return {"variations": [encoded(step, key) for step in shown], "found": answer, "problem": problem}


def _read(served: ServedBundle, model: Model, annotations: Sequence[tuple[str, bool]], key: bytes) -> np.ndarray:
    """The steps [N, D] of annotations."""
    size = latent_size(served.info, model)
    rows = np.zeros((len(annotations), size))
    for row, (text, _) in zip(rows, annotations, strict=True):
        known, step = decoded(text, "variation")
        if known != key or len(step) != size:
            raise InputError("These pictures are of another model or bundle: start over.")
        row[:] = step
    return rows
