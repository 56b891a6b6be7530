"""CUDA graphs: runs of a few fixed batch sizes from fixed buffers, which makes small networks fast on a GPU.

A small network takes less time than launching its kernels. A CUDA graph replays all launches as one, but only for the
shapes and addresses that were captured. So each batch size has its own buffers, a request is padded up to the next
size, and only one thread may run at a time (demo.serving.batching.BatchQueue makes sure of that).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from bundle.schema import Tensor

BATCH_SIZES = (1, 4, 16, 64)


@dataclass(frozen=True)
class _Buffers:
    binding: ort.IOBinding
    inputs: dict[str, ort.OrtValue]
    outputs: dict[str, ort.OrtValue]


class CudaGraphSession:
    """A session that runs batches of fixed sizes from buffers on `device` ("cuda", "cpu"). For one thread at a time."""

    def __init__(self, session: ort.InferenceSession, inputs: Sequence[Tensor], outputs: Sequence[Tensor], device: str):
        self._session, self._inputs, self._outputs, self._device = session, inputs, outputs, device
        self._buffers: dict[int, _Buffers] = {}

    def run(self, feed: Mapping[str, np.ndarray], options: ort.RunOptions) -> list[np.ndarray]:
        """The outputs [N, …], in order, for float32 inputs [N, …] with N from 1 to 64."""
        rows = len(next(iter(feed.values())))
        size = next(size for size in BATCH_SIZES if size >= rows)
        if size not in self._buffers:
            self._buffers[size] = self._allocate(size)
        buffers = self._buffers[size]
        for name, value in buffers.inputs.items():
            array = feed[name]
            if rows < size:  # padded with copies of the last row: numbers that the network can handle
                array = np.concatenate([array, np.repeat(array[-1:], size - rows, axis=0)])
            value.update_inplace(np.ascontiguousarray(array))
        # One captured graph for each size: onnxruntime would replay another size's graph under its number unnoticed.
        options.add_run_config_entry("gpu_graph_id", str(BATCH_SIZES.index(size) + 1))
        self._session.run_with_iobinding(buffers.binding, options)
        return [buffers.outputs[tensor.name].numpy()[:rows].copy() for tensor in self._outputs]

    def _allocate(self, size: int) -> _Buffers:
        def values(tensors: Sequence[Tensor]) -> dict[str, ort.OrtValue]:
            shapes = {tensor.name: [size, *tensor.row_shape] for tensor in tensors}
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
