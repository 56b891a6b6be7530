"""float16 for the weights of a graph: stored behind a Cast, or in its arithmetic too."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from onnxscript import optimizer

# Smallest tensors that are stored as float16; those below, such as biases, would save nothing. Where pictures change
# too much, the next size is tried: styles and last layers then stay float32, which costs few bytes and helps most.
LEAST_ELEMENTS = (256, 20_000, 100_000)


def stored(model: onnx.ModelProto, least: int = LEAST_ELEMENTS[0]) -> onnx.ModelProto:
    """A copy with its weights as float16 behind a Cast: half the bytes, float32 arithmetic. onnxruntime folds the Cast
    when it loads the file. Tensors of fewer numbers than `least`, or beyond the range of float16, stay float32."""
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
    """The arrays of latents.npz with the Cholesky factors, which are most of it, rounded to float16 but stored as
    float32: their trailing zeros compress, which halves the file."""
    key = "mixture_cholesky"
    if key not in arrays or np.abs(arrays[key]).max() > np.finfo(np.float16).max:
        return dict(arrays)
    return {**arrays, key: arrays[key].astype(np.float16).astype(np.float32)}


def arithmetic(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with weights and arithmetic in float16. Inputs and outputs stay float32, so callers need no change."""
    result = folded(model)
    _own_scales(result)
    result = convert_float_to_float16(result, keep_io_types=True)
    OnnxModel.graph_topological_sort(result.graph)  # it appends its casts
    del result.graph.value_info[:]
    return result


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with all arithmetic on constants done beforehand, in float32, whatever their size.

    Else the sums of squared weights in the synthesis would lose digits in float16, and would keep a second, float32
    copy of weights that are stored as int8.
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
    """Gives each Resize its own scales, which stay float32: the converter names its casts after them."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Resize" and len(node.input) > 2 and node.input[2] in constants:
            own = onnx.TensorProto()
            own.CopyFrom(constants[node.input[2]])
            own.name = f"{node.output[0]}.scales"
            node.input[2] = own.name
            model.graph.initializer.append(own)
