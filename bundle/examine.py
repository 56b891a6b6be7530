"""What a bundle must pass on a processor before anybody sees its pictures."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from bundle.errors import BundleError, UserError
from bundle.images import from_uint8, to_uint8
from bundle.latents import Mixture, from_normal, one_hot, seed_latent
from bundle.read import GOLDEN, OpenBundle
from bundle.sessions import first_line

NEIGHBOUR = 1e-3  # by which a row may depend on the others in its run, as a share: a quarter of a grey level
DRIFT = 2.0  # grey levels, root of the mean square, by which seeds may differ from the sheet's

# The name of a graph and its inputs -> its outputs by name.
Run = Callable[[str, Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def examine(bundle: OpenBundle, run: Run) -> None:
    """Run every graph on one and on two seeded inputs. BundleError with a sentence if one misbehaves.

    Outputs must be finite, have the declared shape and not depend on their neighbours in a run, images must lie in
    [0, 1], and the first seeds must be the pictures of the sample sheet.
    """
    for name, graph in bundle.info.graphs.items():
        found = []
        for batch in (1, 2):
            feed = {t.name: _trial_input(bundle, t.name, (batch, *t.shape[1:])) for t in graph.inputs}
            try:
                found.append(run(name, feed))
            except UserError:
                raise
            except Exception as error:  # onnxruntime's errors share no base class
                raise faulty(bundle, name, f"does not run ({first_line(error)})") from error
            for tensor in graph.outputs:
                _check_output(bundle, name, tensor.name, found[-1][tensor.name], (batch, *tensor.shape[1:]))
        for tensor in graph.outputs:
            alone, together = (outputs[tensor.name][0] for outputs in found)
            if np.abs(alone - together).max() > NEIGHBOUR * max(1.0, np.abs(alone).max()):
                raise faulty(bundle, name, f"gives another '{tensor.name}' when somebody else's is in the same run")
    _check_golden(bundle, run)


def _check_golden(bundle: OpenBundle, run: Run) -> None:
    """Seeds 0, 1, … against the sample sheet: a network that runs well may still be another one."""
    info, seeds, count = bundle.info, range(GOLDEN), len(bundle.info.dataset.classes)
    weights = np.stack([one_hot(seed % count, count) for seed in seeds]) if count else None
    drawn: dict[str, np.ndarray] = {}
    if info.gan:
        normal = np.stack([seed_latent(seed, info.gan.latent_dim) for seed in seeds])
        feed = {"z": from_normal(normal, info.gan.prior)} | ({} if weights is None else {"classes": weights})
        drawn["generator"] = run("generator", feed)["image"]
        if info.gan.w_dim:
            drawn["synthesis"] = run("synthesis", run("mapping", feed))["image"]
    else:
        mixture = Mixture.from_latents(bundle.latents)
        rows = [None] * GOLDEN if weights is None else weights
        codes = np.stack([mixture.sample(seed, row) for seed, row in zip(seeds, rows, strict=True)])
        drawn["decoder"] = run("decoder", {"z": codes})["image"]
    for graph, image in drawn.items():
        drift = np.sqrt(np.mean((to_uint8(image).astype(np.float64) - bundle.golden) ** 2, axis=(1, 2, 3)))
        if drift.max() > DRIFT:
            raise faulty(bundle, graph, f"does not draw the pictures of its sample sheet (seed {drift.argmax()})")


def _trial_input(bundle: OpenBundle, tensor: str, shape: tuple[int, ...]) -> np.ndarray:
    rows = range(shape[0])
    if tensor == "classes":
        return np.stack([one_hot(row % shape[1], shape[1]) for row in rows])
    if tensor == "image":
        return from_uint8(bundle.examples[[row % len(bundle.examples) for row in rows]])
    if tensor == "mask":
        mask = np.ones(shape, np.float32)
        mask[1:, :, : shape[2] // 2] = 0
        return mask
    return np.stack([seed_latent(row, math.prod(shape[1:])) for row in rows]).reshape(shape)


def _check_output(bundle: OpenBundle, graph: str, tensor: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape or values.dtype != np.float32:
        found = f"{values.dtype} {values.shape}"
        raise faulty(bundle, graph, f"gives '{tensor}' as {found} instead of float32 {shape}")
    if not np.isfinite(values).all():
        raise faulty(bundle, graph, f"gives values in '{tensor}' that are not finite numbers")
    if tensor == "image" and (values.min() < 0 or values.max() > 1):
        raise faulty(bundle, graph, "gives pictures outside the range from 0 to 1")


def faulty(bundle: OpenBundle, graph: str, what: str) -> BundleError:
    return BundleError(f"Graph '{graph}' of bundle '{bundle.info.name}' {what}.")
