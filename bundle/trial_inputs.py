"""Inputs to try graphs on: random rows for any tensor, and rows like those that the demo sends.

Every row depends on its seed alone, so rows 0 to 4 are the first five of rows 0 to 40.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bundle.feeds import Rows, RunGraph, run_in_parts
from bundle.images import from_uint8
from bundle.latents import Mixture, class_rows, from_normal, seed_latents
from bundle.read import OpenBundle
from bundle.schema import Prior

Shape = tuple[int, ...]  # of one row: without the batch

SPREAD = (0.5, 1.0, 2.0)  # standard deviations of random latents; each row gets one of them


def random_rows(
    inputs: Mapping[str, Shape],
    seeds: Sequence[int],
    pictures: np.ndarray | None = None,
    spread: Sequence[float] = SPREAD,
) -> Rows:
    """One random row for each seed, float32 [N, …] by input; `inputs`: name -> shape of a row.

    Images are uniform noise in [0, 1]; where `pictures` (uint8 [N, H, W, C]) are given, even seeds get one of them.
    Masks come from `random_mask`. Class weights are a mixture for odd seeds and one class for even ones.
    Everything else is normal, with a standard deviation drawn from `spread`.
    """
    return {
        name: _stacked([_random_row(name, shape, (seed, place), pictures, spread) for seed in seeds])
        for place, (name, shape) in enumerate(inputs.items())
    }


def _random_row(
    name: str, shape: Shape, stream: tuple[int, int], pictures: np.ndarray | None, spread: Sequence[float]
) -> np.ndarray:
    """One row of one input; `stream`: its seed and the place of the input, which has random numbers of its own."""
    seed, rng = stream[0], np.random.default_rng(stream)
    if name == "mask":
        return random_mask(shape[1], shape[2], seed)
    if name == "image":
        if pictures is not None and len(pictures) and seed % 2 == 0:
            return _picture(pictures, seed)
        return rng.random(shape)
    if name == "classes":
        return rng.dirichlet(np.ones(shape[0])) if seed % 2 else np.eye(shape[0])[rng.integers(shape[0])]
    return rng.standard_normal(shape) * rng.choice(np.asarray(spread))


def random_mask(height: int, width: int, seed: int) -> np.ndarray:
    """A mask float32 [1, height, width], 1 = known, of a kind that training draws too (train.stages.inverse).

    Four kinds are equally likely: nothing is missing; a box of 0.2 to 0.6 of each side is; a strip along one edge, 0.25
    to 0.6 of the picture; single pixels, up to 0.85 of them.
    """
    rng = np.random.default_rng((seed, height))
    rows, columns = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None, :] + 0.5) / width
    kind = rng.integers(4)
    if kind == 0:
        missing = np.zeros((height, width), bool)
    elif kind == 1:
        tall, wide = rng.uniform(0.2, 0.6, 2)
        top, left = rng.uniform(0, 1 - tall), rng.uniform(0, 1 - wide)
        missing = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    elif kind == 2:
        distance = (rows, 1 - rows, columns, 1 - columns)[rng.integers(4)]
        missing = np.broadcast_to(distance < rng.uniform(0.25, 0.6), (height, width))
    else:
        missing = rng.random((height, width)) < rng.uniform(0, 0.85)
    return (~missing)[None].astype(np.float32)


def class_blends(seeds: Sequence[int], classes: int) -> np.ndarray:
    """Class weights float32 [N, classes]: each seed's own class; for odd seeds, half of that and half of the next."""
    weights = class_rows(None, seeds, classes)
    assert weights is not None  # there are classes
    odd = np.array([seed % 2 == 1 for seed in seeds])
    weights[odd] = (weights[odd] + np.roll(weights[odd], 1, axis=1)) / 2
    return weights


@dataclass(frozen=True)
class TrialInputs:
    """Makes rows for the graphs of a bundle, or of a run that is becoming one.

    `graphs`: name of a graph -> its inputs and their shapes, without the batch. `pictures`: held-out ones, uint8
    [N, H, W, C], None where there are none. `latents`: the arrays of latents.npz. `prior`: what z is drawn from. `run`:
    runs a graph on any number of rows; the styles for a synthesis are those that the mapping gives.
    """

    graphs: Mapping[str, Mapping[str, Shape]]
    pictures: np.ndarray | None
    latents: Mapping[str, np.ndarray]
    prior: Prior
    run: RunGraph

    @classmethod
    def of_bundle(cls, bundle: OpenBundle, run: RunGraph) -> "TrialInputs":
        """Rows for the graphs of an opened bundle, which `run` runs."""
        info = bundle.info
        graphs = {
            name: {tensor.name: tensor.row_shape for tensor in graph.inputs} for name, graph in info.graphs.items()
        }
        prior = info.gan.prior if info.gan else "normal"
        return cls(graphs, bundle.examples, bundle.latents, prior, run_in_parts(run, info.max_batch))

    def rows(self, graph: str, seeds: Sequence[int]) -> Rows:
        """Rows like those that the demo sends, one for each seed: noise of the prior, styles from the mapping, codes of
        the mixture, held-out pictures under random masks (unknown pixels are zero), single classes and blends. Where
        there are no pictures or statistics, random rows take their place."""
        inputs = self.graphs[graph]
        rows = random_rows(inputs, seeds) | self.seed_rows(graph, seeds)
        if "image" in rows and self.pictures is not None and len(self.pictures):
            rows["image"] = _stacked([_picture(self.pictures, seed) for seed in seeds])
        if "mask" in rows:
            rows["image"] = rows["image"] * rows["mask"]
        if "classes" in rows:
            rows["classes"] = class_blends(seeds, inputs["classes"][0])
        return self._styled(rows, lambda: self.rows("mapping", seeds))

    def wide_rows(self, graph: str, seeds: Sequence[int]) -> Rows:
        """Rows that reach further than those of `rows`: those of `random_rows`, and the styles that they give."""
        rows = random_rows(self.graphs[graph], seeds, self.pictures)
        return self._styled(rows, lambda: self.wide_rows("mapping", seeds))

    def seed_rows(self, graph: str, seeds: Sequence[int]) -> Rows:
        """The demo's own inputs for these seeds, for a graph that draws from z: noise or codes, and the class, which is
        seed modulo the number of classes. Empty for other graphs."""
        inputs = self.graphs[graph]
        if "z" not in inputs:
            return {}
        dim = math.prod(inputs["z"])
        if graph != "decoder":
            rows = {"z": from_normal(seed_latents(seeds, dim), self.prior)}
        elif "mixture_weights" in self.latents:
            rows = {"z": self._codes(seeds)}
        else:
            rows = {"z": seed_latents(seeds, dim)}
        if "classes" in inputs and (weights := class_rows(None, seeds, inputs["classes"][0])) is not None:
            rows["classes"] = weights
        return rows

    def _codes(self, seeds: Sequence[int]) -> np.ndarray:
        """Codes [N, D] of the fitted mixture."""
        mixture = Mixture.from_latents(self.latents)
        classes = mixture.classes.shape[1]  # 1 without classes
        return mixture.samples(seeds, class_rows(None, seeds, classes if classes > 1 else 0))

    def _styled(self, rows: Rows, mapped: Callable[[], Rows]) -> Rows:
        """`rows`, but styles come from the mapping, run on the rows that `mapped` gives."""
        if "w" not in rows or "mapping" not in self.graphs:
            return rows
        return rows | {"w": self.run("mapping", mapped())["w"]}


def _picture(pictures: np.ndarray, seed: int) -> np.ndarray:
    """One of the pictures [N, H, W, C], chosen by the seed, as [C, H, W] in [0, 1]."""
    chosen = np.random.default_rng(seed).integers(len(pictures))
    return from_uint8(pictures[[chosen]])[0]


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(rows).astype(np.float32)
