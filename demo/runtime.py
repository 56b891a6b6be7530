"""Running a bundle's graphs through onnxruntime: sessions, validated inputs, bounded load, timings.

The demo package sets onnxruntime's environment before this import. Which processor: demo/providers.py.
"""

import math
import threading
import time
from collections.abc import Mapping

import numpy as np
import onnxruntime as ort

from demo.bundle import OpenBundle, graph_bytes
from demo.errors import BundleError, InputError, RuntimeUnavailable, UserError
from demo.images import from_uint8
from demo.latents import one_hot, seed_latent
from demo.providers import Provider, choose_provider, core_count, first_line, open_session

__all__ = ["Engine", "InputError", "Provider", "RuntimeUnavailable", "choose_provider"]

CHUNK = 16  # pictures in one Run: more is slower on a CPU, and onnxruntime keeps the peak of its memory


class Engine:
    """One bundle on one processor. Safe to use from many threads; at most one run a core at a time.

    `last_ms` is the model time, in milliseconds, of the last run in any thread; `spent_ms` adds up those
    of the calling thread, so the difference of two readings times a piece of work among other users.
    """

    def __init__(self, bundle: OpenBundle, provider: Provider):
        self.bundle = bundle
        self.provider = provider
        self.last_ms = 0.0
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._loading = threading.Lock()
        self._slots = threading.BoundedSemaphore(core_count())
        self._thread = threading.local()

    @property
    def active(self) -> str:
        """The onnxruntime name of the provider that really runs the bundle's first graph."""
        return self._session(next(iter(self.bundle.info.graphs))).get_providers()[0]

    @property
    def reason(self) -> str:
        """One sentence: why this processor."""
        if self.active == self.provider.name:
            return self.provider.reason
        return f"{self.active}: onnxruntime could not use {self.provider.name} for this bundle."

    @property
    def spent_ms(self) -> float:
        return getattr(self._thread, "spent_ms", 0.0)

    def has(self, graph: str) -> bool:
        return graph in self.bundle.info.graphs

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a graph on float32 inputs of one batch size and return its outputs by name.

        InputError for wrong names, types, shapes, values that are not finite, an empty batch, or one
        larger than the bundle's `max_batch`. BundleError when the bundle has no such graph.
        """
        session = self._session(graph)
        batch = self._check_inputs(graph, inputs)
        names = [tensor.name for tensor in self.bundle.info.graphs[graph].outputs]
        parts: list[list[np.ndarray]] = []
        seconds = 0.0
        for start in range(0, batch, CHUNK):
            feed = {name: np.ascontiguousarray(array[start : start + CHUNK]) for name, array in inputs.items()}
            with self._slots:  # taken per chunk: a large batch lets other people's single pictures through
                began = time.perf_counter()
                parts.append(session.run(names, feed))
                seconds += time.perf_counter() - began
        self.last_ms = seconds * 1000
        self._thread.spent_ms = self.spent_ms + self.last_ms
        return {name: np.concatenate(chunks) for name, chunks in zip(names, zip(*parts, strict=True), strict=True)}

    def check(self) -> None:
        """Run every graph on one and on two seeded inputs. BundleError with a sentence if one misbehaves.

        Outputs must be finite and have the declared shape, and images must lie in [0, 1].
        """
        for name, graph in self.bundle.info.graphs.items():
            for batch in (1, 2):
                feed = {t.name: self._trial_input(t.name, (batch, *t.shape[1:])) for t in graph.inputs}
                try:
                    outputs = self.run(name, feed)
                except UserError:
                    raise
                except Exception as error:  # onnxruntime's errors share no base class
                    raise self._faulty(name, f"does not run ({first_line(error)})") from error
                for tensor in graph.outputs:
                    self._check_output(name, tensor.name, outputs[tensor.name], (batch, *tensor.shape[1:]))

    def _trial_input(self, tensor: str, shape: tuple[int, ...]) -> np.ndarray:
        rows = range(shape[0])
        if tensor == "classes":
            return np.stack([one_hot(row % shape[1], shape[1]) for row in rows])
        if tensor == "image":
            return from_uint8(self.bundle.examples[[row % len(self.bundle.examples) for row in rows]])
        if tensor == "mask":
            mask = np.ones(shape, np.float32)
            mask[1:, :, : shape[2] // 2] = 0
            return mask
        return np.stack([seed_latent(row, math.prod(shape[1:])) for row in rows]).reshape(shape)

    def _check_output(self, graph: str, tensor: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
        if values.shape != shape or values.dtype != np.float32:
            found = f"{values.dtype} {values.shape}"
            raise self._faulty(graph, f"gives '{tensor}' as {found} instead of float32 {shape}")
        if not np.isfinite(values).all():
            raise self._faulty(graph, f"gives values in '{tensor}' that are not finite numbers")
        if tensor == "image" and (values.min() < 0 or values.max() > 1):
            raise self._faulty(graph, "gives pictures outside the range from 0 to 1")

    def _faulty(self, graph: str, what: str) -> BundleError:
        return BundleError(f"Graph '{graph}' of bundle '{self.bundle.info.name}' {what}.")

    def _session(self, graph: str) -> ort.InferenceSession:
        with self._loading:
            if graph not in self._sessions:
                data = graph_bytes(self.bundle, graph)
                try:
                    self._sessions[graph] = open_session(data, self.provider)
                except RuntimeUnavailable:
                    raise
                except Exception as error:  # onnxruntime's errors share no base class
                    raise self._faulty(graph, f"cannot be loaded ({first_line(error)})") from error
            return self._sessions[graph]

    def _check_inputs(self, graph: str, inputs: Mapping[str, np.ndarray]) -> int:
        """The common batch size of valid inputs; InputError otherwise."""
        tensors = self.bundle.info.graphs[graph].inputs
        if set(inputs) != {tensor.name for tensor in tensors}:
            wanted = ", ".join(tensor.name for tensor in tensors)
            raise InputError(f"Graph '{graph}' takes exactly these inputs: {wanted}.")
        batch = len(next(iter(inputs.values())))
        if not 1 <= batch <= self.bundle.info.max_batch:
            raise InputError(f"From 1 to {self.bundle.info.max_batch} pictures at once are possible, not {batch}.")
        for tensor in tensors:
            array, shape = inputs[tensor.name], (batch, *tensor.shape[1:])
            if array.dtype != np.float32 or array.shape != shape:
                raise InputError(
                    f"Input '{tensor.name}' of graph '{graph}' must be float32 {shape}, "
                    f"not {array.dtype} {array.shape}."
                )
            if not np.isfinite(array).all():
                raise InputError(f"Input '{tensor.name}' of graph '{graph}' holds values that are not finite.")
        return batch
