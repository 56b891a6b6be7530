"""Runs a bundle's graphs in this process: sessions open when first needed, inputs are checked before each run.

A server needs more (queues, deadlines, GPUs): demo/serving/engine.py.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from bundle.adapter import graph_function
from bundle.errors import InputError, first_line
from bundle.feeds import Feed, GraphFunction, feed_parts
from bundle.graph_checks import check_graphs, faulty
from bundle.read import OpenBundle, graph_bytes
from bundle.schema import BundleIndex
from bundle.sessions import ON_CPU, Provider, open_session

FLOAT32 = np.dtype(np.float32)


class GraphRunner(Protocol):
    """Whatever runs the graphs of one bundle: `BundleRunner` here, the demo's engine, a remote server."""

    @property
    def bundle(self) -> OpenBundle:
        """The bundle whose graphs are run."""
        ...

    def has(self, graph: str) -> bool:
        """Whether the bundle has this graph."""
        ...

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Float32 inputs of one batch size, by name -> outputs by name. InputError, BundleError."""
        ...


class BundleRunner:
    """The graphs of one verified bundle on one processor, by default the CPU. For one caller at a time.

    `threads`: of one run on a CPU; by default `default_threads()`."""

    def __init__(self, bundle: OpenBundle, provider: Provider = ON_CPU, threads: int | None = None):
        self.bundle = bundle
        self.provider = provider
        self.threads = threads
        self._runs: dict[str, GraphFunction] = {}

    def has(self, graph: str) -> bool:
        """Whether the bundle has this graph."""
        return graph in self.bundle.info.graphs

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a graph on float32 inputs of one batch size; returns its outputs by name.

        Raises InputError for wrong inputs (see `check_inputs`) and BundleError when the bundle has no such graph or the
        graph cannot be loaded.
        """
        run = self._opened(graph)
        check_inputs(self.bundle.info, graph, inputs)
        most = self.provider.max_rows(self.bundle.info.image.pixels)
        parts = [run(part) for part in feed_parts(inputs, most)]
        names = [tensor.name for tensor in self.bundle.info.graphs[graph].outputs]
        return {name: np.concatenate(chunks) for name, chunks in zip(names, zip(*parts, strict=True), strict=True)}

    def check(self) -> None:
        """Checks every graph (see bundle/graph_checks.py). Raises BundleError when one misbehaves."""
        check_graphs(self.bundle, self.run)

    def _opened(self, graph: str) -> GraphFunction:
        if graph not in self._runs:
            self._runs[graph] = self._open(graph)
        return self._runs[graph]

    def _open(self, graph: str) -> GraphFunction:
        data = graph_bytes(self.bundle, graph)
        entry = self.bundle.info.graphs[graph]
        try:
            session = open_session(data, self.provider, threads=self.threads)
        except Exception as error:  # onnxruntime's errors share no base class
            raise faulty(self.bundle, graph, f"cannot be loaded ({first_line(error)})") from error
        return graph_function(session, entry)


def check_inputs(info: BundleIndex, graph: str, inputs: Feed) -> None:
    """Checks the inputs of a graph by their names, types, shapes and values.

    Raises BundleError when the bundle has no such graph. Raises InputError for wrong names, types or shapes, for values
    that are not finite, for an empty batch, and for one larger than the bundle's `max_batch`.
    """
    tensors = info.require_graph(graph).inputs
    if inputs.keys() != {tensor.name for tensor in tensors}:
        wanted = ", ".join(tensor.name for tensor in tensors)
        raise InputError(f"Graph '{graph}' takes exactly these inputs: {wanted}.")
    batch = len(next(iter(inputs.values())))
    if not 1 <= batch <= info.max_batch:
        raise InputError(f"From 1 to {info.max_batch} pictures at once are possible, not {batch}.")
    for tensor in tensors:
        array, shape = inputs[tensor.name], (batch, *tensor.shape[1:])
        if array.dtype != FLOAT32 or array.shape != shape:
            raise InputError(
                f"Input '{tensor.name}' of graph '{graph}' must be float32 {shape}, not {array.dtype} {array.shape}."
            )
        if not all_finite(array):
            raise InputError(f"Input '{tensor.name}' of graph '{graph}' holds values that are not finite.")


def all_finite(array: np.ndarray) -> bool:
    """Whether no value is infinite or NaN."""
    # Before every run: `.all()` takes four times as long for a few numbers.
    return bool(np.logical_and.reduce(np.isfinite(array), axis=None))
