"""Gives a bundle attributes that its own pictures have, "bright" and "slanted", without labels or training: for tests
of what shows and moves attributes, on a tiny bundle or a copy of a released one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Model
from tests.support import tiny
from tests.support.tiny_graphs import OPSET

SEEDS = 256  # whose pictures are measured
RIDGE = 0.1  # of the regression, in shares of a latent's variance


def bright(images: np.ndarray) -> np.ndarray:
    """The mean [N] of images [N, C, H, W]: strokes are thick, or garments light."""
    return images.mean(axis=(1, 2, 3))


def slanted(images: np.ndarray) -> np.ndarray:
    """How far [N] the ink of images [N, C, H, W] leans to the right, in columns a row."""
    ink = images.mean(axis=1)
    ink = ink / (ink.sum(axis=(1, 2), keepdims=True) + 1e-6)
    rows, columns = np.mgrid[: ink.shape[1], : ink.shape[2]].astype(np.float64)
    y = rows - (ink * rows).sum(axis=(1, 2))[:, None, None]
    x = columns - (ink * columns).sum(axis=(1, 2))[:, None, None]
    return -(ink * x * y).sum(axis=(1, 2)) / ((ink * y * y).sum(axis=(1, 2)) + 1e-6)


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"bright": bright, "slanted": slanted}


def add(folder: Path, names: tuple[str, ...] = tuple(MEASURES)) -> Path:
    """Adds attributes to the bundle in `folder`, named `names`, which are measured as MEASURES are in turn; returns the
    folder."""
    model = BundleModel(BundleRunner(read(folder)))
    measures = list(MEASURES.values())
    chosen = [measures[i % len(measures)] for i in range(len(names))]
    with np.load(folder / model.info.files["latents"].file) as stored:
        arrays = dict(stored)
    drawn: dict[Model, np.ndarray] = {}
    if "gan" in model.models:
        drawn["gan"] = model.styles(range(SEEDS))[:, 0]
        arrays["attribute_w"] = np.stack([_direction(drawn["gan"], one(model.sample(range(SEEDS)))) for one in chosen])
    if "vae" in model.models:
        drawn["vae"] = model.codes(range(SEEDS))
        pictures = model.decode(drawn["vae"])
        arrays["attribute_code"] = np.stack([_direction(drawn["vae"], one(pictures)) for one in chosen])
    index = tiny.load_index(folder)
    graph, parameters = _reader(model.info.image.shape, [_weights(one, model.info.image.shape) for one in chosen])
    index["graphs"]["attributes"] = {
        **tiny.write(folder / "attributes.onnx", graph),
        "opset": OPSET,
        "precision": "fp32",
        "parameters": parameters,
        "inputs": [{"name": "image", "shape": ["batch", *model.info.image.shape]}],
        "outputs": [{"name": "attributes", "shape": ["batch", len(names)]}],
    }
    values = [one(model.sample(range(SEEDS), model=model.models[0])) for one in chosen]
    index["attributes"] = [
        {
            "name": name,
            "kind": "number",
            "low": float(np.percentile(value, 2)),
            "high": float(np.percentile(value, 98)),
            "accuracy": 0.9,
            "gan": {"moved": 1.4, "others": 0.1, "kept": 0.93} if "gan" in drawn else None,
            "vae": {"moved": 0.9, "others": 0.3, "kept": 0.95} if "vae" in drawn else None,
        }
        for name, value in zip(names, values, strict=True)
    ]
    index["files"]["latents"] |= tiny.write(folder / index["files"]["latents"]["file"], tiny.npz(**arrays))
    tiny.save_index(folder, index)
    return folder


def _weights(measure: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """The weights [C H W] of the linear measure that comes closest to `measure`, on pictures of random strokes."""
    rng = np.random.default_rng(0)
    noise = rng.random((SEEDS, *shape), dtype=np.float32)
    values = measure(noise)
    apart = (noise - noise.mean(axis=0)).reshape(SEEDS, -1).astype(np.float64)
    inner = apart @ apart.T + SEEDS * np.eye(SEEDS)
    return (apart.T @ np.linalg.solve(inner, values - values.mean())).astype(np.float32)


def _reader(shape: tuple[int, int, int], weights: list[np.ndarray]) -> tuple[bytes, int]:
    """The graph `attributes`, one row of weights for each attribute, and how many numbers these are."""
    matrix = np.stack(weights, axis=1)
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["attributes"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *shape])
    answer = helper.make_tensor_value_info("attributes", TensorProto.FLOAT, ["batch", len(weights)])
    graph = helper.make_graph(nodes, "attributes", [image], [answer], [numpy_helper.from_array(matrix, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return model.SerializeToString(), int(matrix.size)


def _direction(latents: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The direction [D] along which `values` [N] rise, by ridge regression; as long as one standard deviation of
    latents [N, D] along it."""
    apart, rise = latents - latents.mean(axis=0), values - values.mean()
    spread = apart.T @ apart / len(apart)
    ridge = RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
    unit = np.linalg.solve(spread + ridge, apart.T @ rise / len(apart))
    unit = unit / np.linalg.norm(unit)
    return (unit * (apart @ unit).std()).astype(np.float32)
