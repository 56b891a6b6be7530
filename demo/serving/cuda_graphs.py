"""Runs of a few fixed sizes, from fixed buffers on the device: what a small network on a GPU needs.

Such a network takes less time than its launch. A CUDA graph replays all launches as one, but only for shapes and
addresses that stay as they were captured: so there are buckets of 1, 4, 16 and 64 pictures, each with its own buffers,
a request is padded up to the next one, and one thread at a time may run (demo.serving.batching.BatchQueue sees to
that).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from bundle.schema import Tensor

SIZES = (1, 4, 16, 64)


@dataclass(frozen=True)
class _Buffers:
    binding: ort.IOBinding
    inputs: dict[str, ort.OrtValue]
    outputs: dict[str, ort.OrtValue]


class CudaGraphSession:
    """A session with buffers on `device` ("cuda" or "cpu"). Not for several threads at once."""

    def __init__(self, session: ort.InferenceSession, inputs: Sequence[Tensor], outputs: Sequence[Tensor], device: str):
        self._session, self._inputs, self._outputs, self._device = session, inputs, outputs, device
        self._buckets: dict[int, _Buffers] = {}

    def run(self, feed: Mapping[str, np.ndarray], options: ort.RunOptions) -> list[np.ndarray]:
        """The outputs, in order, of float32 inputs with 1 to 64 rows."""
        rows = len(next(iter(feed.values())))
        size = next(size for size in SIZES if size >= rows)
        if size not in self._buckets:
            self._buckets[size] = self._allocate(size)
        buffers = self._buckets[size]
        for name, value in buffers.inputs.items():
            array = feed[name]
            if rows < size:  # a row that is there already: numbers that the network knows
                array = np.concatenate([array, np.repeat(array[-1:], size - rows, axis=0)])
            value.update_inplace(np.ascontiguousarray(array))
        # One captured graph a bucket: under another's number its shapes would be replayed without a word.
        options.add_run_config_entry("gpu_graph_id", str(SIZES.index(size) + 1))
        self._session.run_with_iobinding(buffers.binding, options)
        return [buffers.outputs[tensor.name].numpy()[:rows].copy() for tensor in self._outputs]

    def _allocate(self, size: int) -> _Buffers:
        def values(tensors: Sequence[Tensor]) -> dict[str, ort.OrtValue]:
            shapes = {tensor.name: [size, *tensor.shape[1:]] for tensor in tensors}
            return {
                name: ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self._device, 0)
                for name, shape in shapes.items()
            }

        binding, inputs, outputs = self._session.io_binding(), values(self._inputs), values(self._outputs)
        for name, value in inputs.items():
            value.update_inplace(np.zeros(value.shape(), np.float32))
            binding.bind_ortvalue_input(name, value)
        for name, value in outputs.items():
            binding.bind_ortvalue_output(name, value)
        return _Buffers(binding, inputs, outputs)
