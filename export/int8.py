"""int8: weights and the numbers between layers as integers, with ranges taken from the model's own inputs."""

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from bundle.latents import Mixture, from_normal, seed_latent
from bundle.schema import Prior
from export import float16, parity
from export.graphs import Piece

LAYERS = ("Conv", "Gemm", "MatMul")
BATCH = 16  # rows a run, where ranges are taken and speed is measured
TURNS = 9  # runs of each file, in turn


class _Rows(CalibrationDataReader):
    """Rows by input, a batch at a time, as the quantiser asks for them."""

    def __init__(self, rows: Mapping[str, np.ndarray]):
        self._batches = batches(rows)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def batches(rows: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """The same rows, `BATCH` at a time."""
    for start in range(0, len(next(iter(rows.values()))), BATCH):
        yield {name: values[start : start + BATCH] for name, values in rows.items()}


def quantised(model: onnx.ModelProto, rows: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The graph with its convolutions and products in int8, between QuantizeLinear and DequantizeLinear.

    Weights are symmetric, a scale for each channel. The last layer, which makes the picture, stays float32. `rows`: by
    input, what the ranges of the numbers between the layers are taken from.
    """
    source = float16.folded(model)
    add_pre_process_metadata(source)  # else the quantiser says in so many words that it was not folded
    layers = [node.name for node in source.graph.node if node.op_type in LAYERS]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_static(
            source,
            path,
            _Rows(rows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(LAYERS),
            per_channel=True,
            # 7 bits: sums of two products of 8 bits overflow on processors without VNNI, and pictures would differ.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=layers[-1:],
        )
        result = onnx.load(path)
    _write_out_biases(result)
    del result.graph.value_info[:], result.metadata_props[:]
    result.metadata_props.extend(model.metadata_props)
    result.producer_name, result.producer_version = model.producer_name, model.producer_version
    result.model_version = model.model_version
    return result


def _write_out_biases(model: onnx.ModelProto) -> None:
    """Biases as float32 instead of integers times a scale: the same numbers, but OpenCV 5 reads no Gemm with those.

    Runtimes that add integers find the same integers again, so that all of them still round alike.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type == "DequantizeLinear" and (bias := constants.get(node.input[0])) is not None:
            if bias.data_type != onnx.TensorProto.INT32:
                continue
            values = numpy_helper.to_array(bias) * numpy_helper.to_array(constants[node.input[1]])
            model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), node.output[0]))
            model.graph.node.remove(node)
            for name in node.input:
                model.graph.initializer.remove(constants[name])


@dataclass(frozen=True)
class Inputs:
    """What rows such as the demo sends are made of: the graphs beside, held-out pictures (uint8 [N, C, S, S], None:
    not at hand), the arrays of latents.npz, and what z is drawn from."""

    pieces: Sequence[Piece]
    pictures: np.ndarray | None
    arrays: Mapping[str, np.ndarray]
    prior: Prior

    def rows(self, piece: Piece, seeds: Sequence[int]) -> dict[str, np.ndarray]:
        """One row a seed, by input: noise of the prior, styles of the mapping, codes of the mixture, pictures under
        random masks, single classes and blends. What is not at hand is random, as in export.check."""
        rows = parity.trial_inputs(piece, self.pictures, len(seeds), seed=seeds[0])
        mapping = next((p for p in self.pieces if p.name == "mapping"), None)
        if "image" in rows and self.pictures is not None:
            chosen = np.random.default_rng(seeds[0]).integers(len(self.pictures), size=len(seeds))
            rows["image"] = self.pictures[chosen].astype(np.float32) / 255
        if piece.name == "decoder" and "mixture_weights" in self.arrays:
            mixture = Mixture.from_latents(self.arrays)
            rows["z"] = np.stack([mixture.sample(seed, None) for seed in seeds])
        elif "z" in rows:
            rows |= self._noise(piece, seeds)
        elif piece.name == "synthesis" and mapping:
            with torch.no_grad():
                rows["w"] = mapping.net(*map(torch.from_numpy, self._noise(mapping, seeds).values())).numpy()
        return rows

    def _noise(self, piece: Piece, seeds: Sequence[int]) -> dict[str, np.ndarray]:
        """z, and classes where the model knows any: single ones and, every other row, a blend of two."""
        normal = np.stack([seed_latent(seed, piece.inputs["z"][0]) for seed in seeds])
        rows = {"z": from_normal(normal, self.prior)}
        if "classes" in piece.inputs:
            rows["classes"] = parity.class_blends(seeds, piece.inputs["classes"][0])
        return rows


def speed(exact: bytes, other: bytes, rows: Mapping[str, np.ndarray]) -> float:
    """How many times as many pictures a second `other` gives as `exact`: medians of runs in turn, in this process."""
    sessions = [parity.session(data) for data in (exact, other)]
    part = next(batches(rows))
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for session, times in zip(sessions, seconds, strict=True):
            began = time.perf_counter()
            session.run(None, part)
            if turn:  # the first one warms up
                times.append(time.perf_counter() - began)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])
