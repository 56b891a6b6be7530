"""int8: weights and the numbers between layers as integers, with ranges taken from the model's own inputs."""

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from bundle.feeds import feed_parts
from export import float16, parity

LAYERS = ("Conv", "Gemm", "MatMul")
BATCH = 16  # rows a run, where ranges are taken and speed is measured
TURNS = 9  # timed runs of each file, alternating


class _Rows(CalibrationDataReader):
    """Hands out rows a batch at a time, as the quantiser asks for them."""

    def __init__(self, rows: Mapping[str, np.ndarray]):
        self._batches = feed_parts(rows, BATCH)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def quantised(model: onnx.ModelProto, rows: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The graph with its convolutions and matrix products in int8, between QuantizeLinear and DequantizeLinear.

    Weights are symmetric with a scale for each channel. The last layer, which makes the picture, stays float32. The
    ranges of the numbers between the layers are those that `rows`, by input, bring about.
    """
    source = float16.folded(model)
    add_pre_process_metadata(source)  # else the quantiser warns that it was not
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


def speed(exact: bytes, other: bytes, rows: Mapping[str, np.ndarray]) -> float:
    """How many times as fast the file `other` is as `exact`: medians of runs that take turns, in this process."""
    sessions = [parity.session(data) for data in (exact, other)]
    part = next(feed_parts(rows, BATCH))
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for session, times in zip(sessions, seconds, strict=True):
            began = time.perf_counter()
            session.run(None, part)
            if turn:  # the first one warms up
                times.append(time.perf_counter() - began)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])
