"""Directions of attributes in the latents of both models: `python -m export attribute-directions BUNDLE`.

Pairs of pictures are drawn from latents a random step apart, and the graphs `attributes` and `classifier` tell what
changed. A linear regression of the changes on the steps says how each attribute and each class responds to a step. Of
all steps that change one attribute, the shortest that leaves the others and the class alone is its direction
(conditional manipulation: Shen et al. 2020, InterFaceGAN, arXiv 1907.10786, section 3.3, for responses instead of
boundaries). What a move really does is measured on other pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bundle.array_files import ATTRIBUTE_ARRAYS, LATENTS
from bundle.errors import UserError
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Attribute, AttributeEffect, Model
from bundle.trial_inputs import TrialInputs
from bundle.write import card_of, file_entry, npz_bytes, update_bundle
from export.attribute_section import with_section

PAIRS = 3000  # of generated pictures, from which directions are found
TYPICAL = 1000  # pictures that say how far attributes vary
AT_ONCE = 250  # of them
MEASURED = 256  # other pictures, on which what directions do is measured
SHRINKAGE = 0.02  # share of the steps' variance that is added to it, so that a few pairs are not taken at their word
RIDGE = 0.2  # share of a response's own strength that is added to it: 0 leaves the others alone at any price
WEAKEST = 1e-3  # of the strongest response: below it none is told from noise
LEAST_SPREAD = 1e-6  # an attribute that varies less in generated pictures has no direction
# Below these a direction is not offered: a slider that does not do what it says is worse than none. A direction moves
# its attribute by at least so many of that attribute's standard deviations, and further than the others on average.
LEAST_MOVED = 0.15
LEAST_ACCURACY = {"binary": 0.6, "number": 0.3}  # of the graph `attributes`, whose opinion the direction was found by


@dataclass(frozen=True)
class LatentSpace:
    """The latents of one model. `graph` draws pictures from its input `name`; `stages`: how many times a style is
    repeated, None for codes."""

    model: Model
    graph: str
    name: str
    stages: int | None

    def latents(self, inputs: TrialInputs, seeds: Sequence[int]) -> np.ndarray:
        """Of these seeds, float32 [N, D]."""
        if self.stages is None:
            return inputs.seed_rows("decoder", seeds)["z"]
        return np.asarray(inputs.run("mapping", inputs.seed_rows("mapping", seeds))["w"][:, 0])

    def draw(self, inputs: TrialInputs, latents: np.ndarray) -> np.ndarray:
        """Their pictures, float32 [N, C, H, W]."""
        rows = latents if self.stages is None else np.repeat(latents[:, None], self.stages, axis=1)
        return inputs.run(self.graph, {self.name: rows.astype(np.float32)})["image"]


def latent_spaces(inputs: TrialInputs) -> list[LatentSpace]:
    """Those that the graphs of `inputs` have."""
    found = (
        [LatentSpace("gan", "synthesis", "w", inputs.graphs["synthesis"]["w"][0])] if "mapping" in inputs.graphs else []
    )
    return found + ([LatentSpace("vae", "decoder", "z", None)] if "decoder" in inputs.graphs else [])


def add(folder: Path) -> tuple[Attribute, ...]:
    """Writes directions and what they do into the bundle in `folder`; returns its attributes.

    Raises UserError when the bundle has no graph of attributes or cannot be written, BundleError when it cannot be
    opened.
    """
    bundle = read(folder)
    if "attributes" not in bundle.info.graphs:
        raise UserError(f"{folder} has no graph of attributes: train it with python -m train attributes RUN "
                        "--attributes all, and export the run anew.")  # fmt: skip
    inputs = TrialInputs.of_bundle(bundle, BundleRunner(bundle).run)
    arrays, attributes = directions(inputs, bundle.info.attributes)
    data = npz_bytes(bundle.latents | arrays)
    files = bundle.info.files | {"latents": file_entry(LATENTS, data)}
    info = bundle.info.model_copy(update={"attributes": attributes, "files": files})
    card = card_of(folder)
    update_bundle(bundle, info, {LATENTS: data}, card and with_section(card, attributes))
    return attributes


def directions(
    inputs: TrialInputs, attributes: Sequence[Attribute]
) -> tuple[dict[str, np.ndarray], tuple[Attribute, ...]]:
    """The arrays that latents.npz keeps of the directions (`attribute_w` [A, w_dim], `attribute_code` [A, D]), and the
    attributes with what their directions do."""
    arrays: dict[str, np.ndarray] = {}
    known = tuple(attributes)
    if not known:
        return arrays, known
    for space in latent_spaces(inputs):
        found, spread = found_directions(inputs, space, len(known))
        measured = measure(inputs, space, found, spread)
        effects = [effect if works(one, effect) else None for one, effect in zip(known, measured, strict=True)]
        if lost := [one.name for one, effect in zip(known, effects, strict=True) if effect is None]:
            print(f"The {space.model} has no direction that moves {', '.join(lost)}: no sliders for them.")
        found[[effect is None for effect in effects]] = 0
        arrays[ATTRIBUTE_ARRAYS[space.model]] = found
        known = tuple(one.model_copy(update={space.model: effect}) for one, effect in zip(known, effects, strict=True))
    return arrays, known


def works(attribute: Attribute, effect: AttributeEffect | None) -> bool:
    """Whether a direction moves its attribute, and more than the others, and the attribute is recognised at all."""
    if effect is None or attribute.accuracy < LEAST_ACCURACY[attribute.kind]:
        return False
    return effect.moved >= LEAST_MOVED and effect.moved > effect.others


def found_directions(inputs: TrialInputs, space: LatentSpace, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(the directions of all `count` attributes float32 [A, D], the standard deviation of each attribute [A])."""
    latents = space.latents(inputs, range(PAIRS))
    root = covariance_root(latents)
    noise = np.random.default_rng(0).standard_normal(latents.shape)
    half = (noise @ root.T / 2).astype(np.float32)
    typical = responses_of(inputs, space, latents[:TYPICAL])
    changes = responses_of(inputs, space, latents + half) - responses_of(inputs, space, latents - half)
    spread = typical.std(axis=0)
    found = separated_directions(root, noise, changes / np.maximum(spread, LEAST_SPREAD))[:count]
    found[spread[:count] <= LEAST_SPREAD] = 0
    return found, spread[:count]


def responses_of(inputs: TrialInputs, space: LatentSpace, latents: np.ndarray) -> np.ndarray:
    """What pictures of latents [N, D] show, float64 [N, A + K]: attributes, then the logits of the classes where
    there is a classifier."""
    found = []
    for part in np.array_split(latents, -(-len(latents) // AT_ONCE)):  # all pictures at once would fill the memory
        images = space.draw(inputs, part)
        shown = [read_attributes(inputs, images)]
        if "classifier" in inputs.graphs:
            shown.append(inputs.run("classifier", {"image": images})["logits"].astype(np.float64))
        found.append(np.concatenate(shown, axis=1))
    return np.concatenate(found)


def read_attributes(inputs: TrialInputs, images: np.ndarray) -> np.ndarray:
    """What the graph `attributes` says of images [N, C, H, W], float64 [N, A]."""
    return inputs.run("attributes", {"image": images})["attributes"].astype(np.float64)


def covariance_root(latents: np.ndarray) -> np.ndarray:
    """R float64 [D, D] with R R^T the covariance of latents [N, D]: white noise times R^T varies as they do."""
    values, vectors = np.linalg.eigh(np.cov(latents.astype(np.float64), rowvar=False).reshape(2 * latents.shape[1:]))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def separated_directions(root: np.ndarray, noise: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """Directions float32 [A, D] along each of which one response changes and the others stay as far as they can.

    root: of the covariance of the latents, [D, D]; noise: [N, D], standard normal, whose steps noise @ root.T changed
    the responses by changes [N, A]. Each direction is as long as one standard deviation of the latents along it; zero
    for a response that does not change.
    """
    identity, count = np.eye(noise.shape[1]), len(noise)
    slopes = np.linalg.solve(noise.T @ noise / count + SHRINKAGE * identity, noise.T @ changes / count).T
    overlap = slopes @ slopes.T
    strength = np.diag(overlap)
    directions = np.zeros_like(slopes)
    told = np.flatnonzero(strength > WEAKEST * strength.max(initial=0.0))
    if len(told):
        among = np.ix_(told, told)
        directions[told] = np.linalg.solve(overlap[among] + RIDGE * np.diag(strength[told]), slopes[told]) @ root.T
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    units = directions / np.maximum(lengths, np.finfo(float).tiny)
    return (units * np.linalg.norm(units @ root, axis=1, keepdims=True)).astype(np.float32)


def measure(
    inputs: TrialInputs, space: LatentSpace, directions: np.ndarray, spread: np.ndarray
) -> list[AttributeEffect | None]:
    """What one step along each of directions [A, D] does to pictures that none was found from: half of them step up,
    half down. spread: standard deviations [A] of the attributes. None where there is no direction."""
    latents = space.latents(inputs, range(PAIRS, PAIRS + MEASURED))
    sign = np.where(np.arange(MEASURED) % 2, -1.0, 1.0)[:, None]
    before = space.draw(inputs, latents)
    values, features = read_attributes(inputs, before), features_of(inputs, before)
    unit = np.maximum(spread, LEAST_SPREAD)
    found: list[AttributeEffect | None] = []
    for i, direction in enumerate(directions):
        if not direction.any():
            found.append(None)
            continue
        after = space.draw(inputs, latents + sign * direction)
        changes = ((read_attributes(inputs, after) - values) * sign / unit).mean(axis=0)
        others = np.abs(np.delete(changes, i))
        now = features_of(inputs, after)
        kept = None if features is None or now is None else cosine(features, now)
        found.append(AttributeEffect(moved=float(changes[i]), others=float(others.mean()) if len(others) else 0.0,
                                     kept=kept))  # fmt: skip
    return found


def features_of(inputs: TrialInputs, images: np.ndarray) -> np.ndarray | None:
    """The classifier's features of images, [N, F]; None without a classifier."""
    return inputs.run("classifier", {"image": images})["features"] if "classifier" in inputs.graphs else None


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The mean cosine similarity of rows [N, F]."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.clip(((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)).mean(), -1, 1))
