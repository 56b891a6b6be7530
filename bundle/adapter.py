"""Makes a generator that was exported elsewhere follow the conventions of this format."""

import numpy as np
import onnxruntime as ort

from bundle.feeds import Feed, GraphFunction, Rows
from bundle.schema import Adapter, ClassInput, FixedInput, Graph

NOISE_SEED = 0  # of inputs whose noise is drawn once


def graph_function(session: ort.InferenceSession, entry: Graph) -> GraphFunction:
    """What runs a graph of a bundle in a session, by the conventions of this format."""
    names = [entry.adapter.image] if entry.adapter else [tensor.name for tensor in entry.outputs]

    def run(feed: Feed) -> list[np.ndarray]:
        return session.run(names, dict(feed))

    return adapt(run, entry.adapter) if entry.adapter else run


def adapt(run: GraphFunction, adapter: Adapter) -> GraphFunction:
    """Wraps `run`, which runs the graph as it is: {"z": [N, D], "classes": [N, K]} -> [image [N, C, H, W] in [0, 1]].

    `classes` is there where the adapter has a class input; a graph that takes the class's number draws the heaviest. A
    graph of fixed batch is run in parts, the last one filled up with copies of its last row.
    """

    def through(feed: Feed) -> list[np.ndarray]:
        rows = own_rows(feed, adapter)
        count = len(rows[adapter.z])
        step = adapter.batch or min(count, adapter.rows or count)
        parts = []
        for start in range(0, count, step):
            part = {name: values[start : start + step] for name, values in rows.items()}
            here = len(part[adapter.z])
            if adapter.batch and here < step:
                part = {name: _filled(values, step) for name, values in part.items()}
            fixed = {entry.name: fixed_values(entry, len(part[adapter.z])) for entry in adapter.fixed}
            (output,) = run(part | fixed)
            parts.append(to_image(output[:here], adapter))
        return [np.concatenate(parts)]

    return through


def own_rows(feed: Feed, adapter: Adapter) -> Rows:
    """What differs from picture to picture, under the graph's own names and in its own shapes and types."""
    rows = {adapter.z: feed["z"].reshape(-1, *adapter.z_shape).astype(adapter.z_type, copy=False)}
    if adapter.classes:
        rows[adapter.classes.name] = class_values(adapter.classes, feed["classes"])
    return rows


def class_values(entry: ClassInput, weights: np.ndarray) -> np.ndarray:
    """Class weights [N, K] as the input takes them."""
    values = weights.argmax(axis=1) if entry.form == "number" else weights
    return values.reshape(-1, *entry.shape).astype(entry.type)


def fixed_values(entry: FixedInput, batch: int) -> np.ndarray:
    """What an input that never changes is given in a run of `batch` pictures; each of them gets the same."""
    sizes = [size for size in entry.shape if isinstance(size, int)]
    if entry.value == "normal":
        values = np.random.default_rng(NOISE_SEED).standard_normal(sizes)
    elif isinstance(entry.value, tuple):
        values = np.array(entry.value).reshape(sizes)
    else:
        values = np.full(sizes, entry.value)
    return np.broadcast_to(values, [batch if size == "batch" else size for size in entry.shape]).astype(entry.type)


def to_image(output: np.ndarray, adapter: Adapter) -> np.ndarray:
    """A graph's own output as image float32 [N, C, H, W] in [0, 1]; what lies outside its range is clipped."""
    image = in_order(output, adapter)
    if adapter.values == "-1..1":
        image = image * np.float32(0.5) + np.float32(0.5)
    elif adapter.values == "0..255":
        image = image / np.float32(255)
    return np.clip(image, 0, 1)


def in_order(output: np.ndarray, adapter: Adapter) -> np.ndarray:
    """A graph's own output as float32 [N, C, H, W], its numbers as they are."""
    image = output.astype(np.float32, copy=False)
    if adapter.layout == "NHWC":
        return np.ascontiguousarray(image.transpose(0, 3, 1, 2))
    return image[:, None] if adapter.layout == "NHW" else image


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), axis=0)])
