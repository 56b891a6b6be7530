"""Directions of attributes in the latents of both models: `python -m export attributes BUNDLE`.

The graph `attributes` tells what generated pictures show, and one ridge regression predicts the latents from all
attributes and classes together. Its coefficients of one attribute say how the latents move with that attribute while
the others stay; so a move along them leaves the others alone, which a boundary for each attribute by itself does not
(conditional manipulation: Shen et al. 2020, InterFaceGAN, arXiv 1907.10786, section 3.3). What a move really does is
measured on other pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bundle.errors import UserError
from bundle.latents import seed_class
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Attribute, AttributeEffect, Model
from bundle.trial_inputs import TrialInputs
from bundle.write import card_of, file_entry, npz_bytes, update_bundle
from export.attribute_section import with_section

FILE = "latents.npz"
PICTURES = 4000  # generated ones, from which directions are found
AT_ONCE = 250  # of them
MEASURED = 256  # others, on which moves are measured
RIDGE = 0.01  # share of the variance of the factors that is added to it
LEAST_SPREAD = 1e-6  # an attribute that varies less in generated pictures has no direction
# Below these a direction is not offered: a slider that does not do what it says is worse than none.
LEAST_MOVED = 0.15  # standard deviations of its attribute by which it moves it, and more than it moves the others
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
    arrays, attributes = directions(inputs, bundle.info.attributes, len(bundle.info.dataset.classes))
    data = npz_bytes(bundle.latents | arrays)
    files = bundle.info.files | {"latents": file_entry(FILE, data)}
    info = bundle.info.model_copy(update={"attributes": attributes, "files": files})
    card = card_of(folder)
    update_bundle(bundle, info, {FILE: data}, card and with_section(card, attributes))
    return attributes


def directions(
    inputs: TrialInputs, attributes: Sequence[Attribute], classes: int
) -> tuple[dict[str, np.ndarray], tuple[Attribute, ...]]:
    """The arrays that latents.npz keeps of the directions (`attribute_w` [A, w_dim], `attribute_code` [A, D]), and the
    attributes with what their directions do."""
    arrays: dict[str, np.ndarray] = {}
    known = tuple(attributes)
    if not known:
        return arrays, known
    for space in latent_spaces(inputs):
        seeds = range(PICTURES)
        latents = space.latents(inputs, seeds)
        parts = np.array_split(latents, PICTURES // AT_ONCE)  # all pictures at once would fill the memory
        values = np.concatenate([read_attributes(inputs, space.draw(inputs, part)) for part in parts])
        labels = np.array([seed_class(seed, classes) for seed in seeds]) if classes > 1 else None
        moves = conditional_moves(latents, values, labels)
        measured = measure(inputs, space, moves, values.std(axis=0))
        effects = [effect if works(one, effect) else None for one, effect in zip(known, measured, strict=True)]
        if lost := [one.name for one, effect in zip(known, effects, strict=True) if effect is None]:
            print(f"The {space.model} has no direction that moves {', '.join(lost)}: no sliders for them.")
        moves[[effect is None for effect in effects]] = 0
        arrays["attribute_w" if space.model == "gan" else "attribute_code"] = moves
        known = tuple(one.model_copy(update={space.model: effect}) for one, effect in zip(known, effects, strict=True))
    return arrays, known


def works(attribute: Attribute, effect: AttributeEffect | None) -> bool:
    """Whether a direction moves its attribute, and more than the others, and the attribute is recognised at all."""
    if effect is None or attribute.accuracy < LEAST_ACCURACY[attribute.kind]:
        return False
    return effect.moved >= LEAST_MOVED and effect.moved > effect.others


def read_attributes(inputs: TrialInputs, images: np.ndarray) -> np.ndarray:
    """What the graph `attributes` says of images [N, C, H, W], float64 [N, A]."""
    return inputs.run("attributes", {"image": images})["attributes"].astype(np.float64)


def conditional_moves(latents: np.ndarray, values: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Directions float32 [A, D]: how latents [N, D] move with each attribute of values [N, A] while the other
    attributes, and the classes labels int64 [N], stay. Each is as long as one standard deviation of the latents along
    it; zero for an attribute that does not vary."""
    spread = values.std(axis=0)
    factors = (values - values.mean(axis=0)) / np.maximum(spread, LEAST_SPREAD)
    count = factors.shape[1]
    if labels is not None:
        classes = np.eye(int(labels.max()) + 1)[labels][:, 1:]  # the first follows from the others
        factors = np.concatenate([factors, classes - classes.mean(axis=0)], axis=1)
    centred = latents.astype(np.float64) - latents.mean(axis=0)
    gram = factors.T @ factors / len(factors)
    slopes = np.linalg.solve(gram + RIDGE * np.eye(len(gram)), factors.T @ centred / len(factors))[:count]
    moves = np.zeros_like(slopes)
    for i in np.flatnonzero(spread > LEAST_SPREAD):
        length = np.linalg.norm(slopes[i])
        if length > 0:
            unit = slopes[i] / length
            moves[i] = unit * (centred @ unit).std()
    return moves.astype(np.float32)


def measure(
    inputs: TrialInputs, space: LatentSpace, moves: np.ndarray, spread: np.ndarray
) -> list[AttributeEffect | None]:
    """What one step along each of moves [A, D] does to pictures that no direction was found from: half of them step up,
    half down. spread: standard deviations [A] of the attributes. None where there is no direction."""
    latents = space.latents(inputs, range(PICTURES, PICTURES + MEASURED))
    sign = np.where(np.arange(MEASURED) % 2, -1.0, 1.0)[:, None]
    before = space.draw(inputs, latents)
    values, features = read_attributes(inputs, before), features_of(inputs, before)
    unit = np.maximum(spread, LEAST_SPREAD)
    found: list[AttributeEffect | None] = []
    for i, move in enumerate(moves):
        if not move.any():
            found.append(None)
            continue
        after = space.draw(inputs, latents + sign * move)
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
