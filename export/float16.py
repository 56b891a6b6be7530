"""float16: as storage behind a Cast, or as arithmetic."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from onnxscript import optimizer

# Numbers that a tensor has at least to be stored as float16: smaller ones, biases above all, save nothing. Where
# pictures change too much, more of the small ones, styles and last layers above all, stay float32: few bytes, much use.
LEAST_ELEMENTS = (256, 20_000, 100_000)


def stored(model: onnx.ModelProto, least: int = LEAST_ELEMENTS[0]) -> onnx.ModelProto:
    """Weights as float16 behind a Cast: half the file, float32 arithmetic; onnxruntime folds the Cast when it loads.

    Tensors of fewer numbers than `least`, and those that float16 cannot hold, stay float32."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for tensor in result.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < least:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.isfinite(half).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], f"{name}.fp32", to=TensorProto.FLOAT))
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def narrowed(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """latents.npz with the factors of its mixture, most of it, at numbers that float16 holds, still as float32: the
    zeros at their ends pack away, which halves the file."""
    key = "mixture_cholesky"
    if key not in arrays or np.abs(arrays[key]).max() > np.finfo(np.float16).max:
        return dict(arrays)
    return {**arrays, key: arrays[key].astype(np.float16).astype(np.float32)}


def arithmetic(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and arithmetic as float16; inputs and outputs stay float32, so that callers need not know."""
    result = folded(model)
    _own_scales(result)
    result = convert_float_to_float16(result, keep_io_types=True)
    OnnxModel.graph_topological_sort(result.graph)  # it appends its casts
    del result.graph.value_info[:]
    return result


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with all arithmetic on constants done, whatever their size, in float32.

    The sums of squared weights in the synthesis would lose digits in float16, and would keep a second, float32 copy
    of weights that are stored as int8.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    limit = model.ByteSize() * 4
    result = optimizer.optimize(result, input_size_limit=limit, output_size_limit=limit)
    del result.graph.value_info[:], result.graph.metadata_props[:]
    for node in result.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return result


def _own_scales(model: onnx.ModelProto) -> None:
    """Gives each Resize scales of its own: those stay float32, and the converter names its casts after them."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Resize" and len(node.input) > 2 and node.input[2] in constants:
            own = onnx.TensorProto()
            own.CopyFrom(constants[node.input[2]])
            own.name = f"{node.output[0]}.scales"
            node.input[2] = own.name
            model.graph.initializer.append(own)
