"""Directions in latent space, and what a move along them does to a style or a code.

A GAN's styles w are float32 [1, L, D], a VAE's codes float32 [1, D].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bundle import latents
from bundle.errors import BundleError
from bundle.feeds import in_batches
from bundle.latent_map import class_centres
from bundle.schema import Model
from demo.serving.served_bundle import ServedBundle, kept_with_bundle

STRONGEST = 8  # global directions that are offered
SEEDS_SEEN = 256  # seeds whose latents they are computed from
SEEDS_OF_CLASS = 8  # at least: the mean of fewer takes too much of each of them away


@dataclass(frozen=True)
class Directions:
    """Global directions, the one with the largest variance first: unit vectors `axes` [N, D], the latents' standard
    deviations [N] along them, and their shares [N] of the total variance."""

    axes: np.ndarray
    deviations: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Moves:
    """How far a latent moves, by the number of a direction.

    `dimensions`: of a VAE's code, in units of the codes' standard deviation. `towards`: classes, 1 = by the difference
    between the means of that class and of its own. `across`: the boundaries of classes, and `along`: the global
    directions, both in units of the latents' standard deviation there.
    """

    dimensions: Mapping[int, float] = field(default_factory=dict)
    towards: Mapping[int, float] = field(default_factory=dict)
    across: Mapping[int, float] = field(default_factory=dict)
    along: Mapping[int, float] = field(default_factory=dict)


def principal_directions(rows: np.ndarray) -> Directions:
    """The STRONGEST principal components of latents [N, D], as GANSpace takes them (Härkönen et al. 2020,
    arXiv 2004.02546)."""
    apart = rows - rows.mean(axis=0)
    _, sizes, axes = np.linalg.svd(apart, full_matrices=False)
    variances = sizes**2 / len(rows)
    shares = variances[:STRONGEST] / max(variances.sum(), 1e-12)
    return Directions(axes[:STRONGEST], np.sqrt(variances[:STRONGEST]), shares)


def seen_classes(count: int, classes: int) -> np.ndarray:
    """The class [N] of each of the first `count` seeds: its own, or where so many classes would have fewer than
    SEEDS_OF_CLASS each, one of some that stand for all."""
    few = min(classes, max(1, count // SEEDS_OF_CLASS))
    return np.array([latents.seed_class(seed, few) * classes // few for seed in range(count)])


def without_class_means(rows: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Latents [N, D] of the classes `labels` [N], less the mean of their class: differences between classes are taken
    out. As they are for a bundle without classes."""
    if labels is None:
        return rows
    _, numbers = np.unique(labels, return_inverse=True)
    return rows - np.stack([rows[numbers == k].mean(axis=0) for k in range(numbers.max() + 1)])[numbers]


# --- with a bundle -------------------------------------------------------------------------------


@kept_with_bundle
def global_directions(served: ServedBundle, model: Model) -> Directions:
    """The strongest directions of w, flat [L * D], or of the codes [D]; differences between classes are taken out."""
    rows, labels = seen_latents(served, model, SEEDS_SEEN)
    return principal_directions(without_class_means(rows.reshape(len(rows), -1), labels).astype(np.float64))


def seen_latents(served: ServedBundle, model: Model, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The w [N, L, D] or codes [N, D] of the first `count` seeds, and their classes [N]; None without classes."""
    seeds = range(count)
    labels: np.ndarray | None = None
    weights: np.ndarray | None = None
    if served.class_count:
        labels = seen_classes(count, served.class_count)
        weights = np.stack([latents.one_hot(int(label), served.class_count) for label in labels])
    if model == "vae":
        return served.codes(seeds, weights), labels

    def styles(part: Sequence[int]) -> np.ndarray:
        return served.styles(part, None if weights is None else weights[part[0] : part[-1] + 1])

    return in_batches(seeds, styles, served.info.max_batch), labels


def boundary_accuracies(served: ServedBundle, model: Model) -> list[float]:
    """How often the boundary of each class is right; empty for a bundle without boundaries."""
    name = "svm_w_accuracy" if model == "gan" else "svm_code_accuracy"
    return [float(share) for share in served.engine.bundle.latents.get(name, ())]


def moved_style(served: ServedBundle, w: np.ndarray, label: int, moves: Moves) -> np.ndarray:
    """A style of class `label`, moved; `moves.dimensions` is for codes only. Raises BundleError for a boundary that the
    bundle lacks."""
    means = served.engine.bundle.latents["w_mean"]
    for k, share in moves.towards.items():
        w = w + np.float32(share) * (means[k] - means[label])
    if moves.along:
        w = w + _along(served, "gan", moves.along).reshape(1, *w.shape[1:])
    w = w + _across(served, "svm_w", moves.across)
    return w.astype(np.float32)


def moved_code(served: ServedBundle, code: np.ndarray, label: int, moves: Moves) -> np.ndarray:
    """A code of class `label`, moved. Raises BundleError for a boundary that the bundle lacks."""
    code, deviations = code.copy(), served.engine.bundle.latents["code_std"]
    for i, move in moves.dimensions.items():
        code[:, i] += np.float32(move) * deviations[i]
    if moves.along:
        code += _along(served, "vae", moves.along)
    code += _across(served, "svm_code", moves.across)
    if moves.towards:
        centres = class_centres(served.mixture)
        for k, share in moves.towards.items():
            code += (share * (centres[k] - centres[label])).astype(np.float32)
    return code


def _along(served: ServedBundle, model: Model, moves: Mapping[int, float]) -> np.ndarray:
    """The sum of moves along global directions, flat."""
    found = global_directions(served, model)
    steps = [move * found.deviations[i] * found.axes[i] for i, move in moves.items()]
    return np.sum(steps, axis=0).astype(np.float32)


def _across(served: ServedBundle, name: str, moves: Mapping[int, float]) -> np.ndarray:
    """The sum of moves across the boundaries of classes, [D]; of a style, the same at each stage."""
    arrays = served.engine.bundle.latents
    if not moves:
        return np.zeros(1, np.float32)
    if name not in arrays:
        raise BundleError(
            f"Bundle '{served.info.name}' has no boundaries of classes: python -m export class-directions."
        )
    return np.asarray(np.sum([move * arrays[name][k] for k, move in moves.items()], axis=0, dtype=np.float32))
