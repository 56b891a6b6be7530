"""Looks into an ONNX file before any runtime does, because nobody knows who wrote it.

Only the outline of the file is read (https://protobuf.dev/programming-guides/encoding/, field numbers of onnx.proto):
operators, operator sets, inputs, outputs, and where the weights lie. The package onnx would do the same, but weighs as
much as everything else that serving needs.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from bundle.errors import BundleError

OPSETS = range(7, 27)  # what the pinned onnxruntime runs
LATEST_IR = 13
FLOAT = 1
FLOATS = (1, 10, 11, 16)  # float32, float16, float64, bfloat16

# What networks are made of. No loops, no branches, no random numbers, no code of anybody's own.
ALLOWED = """
    Abs Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvTranspose DepthToSpace
    DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather Gelu Gemm GlobalAveragePool
    GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LayerNormalization LeakyRelu Log
    LogSoftmax MatMul Max MaxPool Min Mish Mul Neg PRelu Pad Pow QuantizeLinear Reciprocal ReduceL2 ReduceMax
    ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Slice Softmax
    Softplus SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile Transpose Unsqueeze Where
"""
OPERATORS = frozenset(ALLOWED.split())

Dimensions = tuple[int | str, ...]
Value = int | bytes  # of a field: a number, or the bytes of a text or message
Fields = Iterator[tuple[int, Value]]


@dataclass
class Outline:
    """What a file holds. Shapes: numbers, or the name of a dimension that is free; types: numbers of onnx.proto;
    `parameters`: floating-point numbers among its weights."""

    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    functions: int = 0
    parameters: int = 0
    external: bool = False
    inputs: dict[str, tuple[int, Dimensions]] = field(default_factory=dict)
    outputs: dict[str, tuple[int, Dimensions]] = field(default_factory=dict)


def outline(data: bytes) -> Outline:
    """The outline of an ONNX file. Raises BundleError for any other file."""
    found = Outline()
    try:
        for number, value in _fields(data):
            if number == 1:
                found.ir_version = _number(value)
            elif number == 7:
                _graph(found, value)
            elif number == 8:
                entry = dict(_fields(value))
                found.opsets[_text(entry.get(1, b""))] = _number(entry.get(2, 0))
            elif number == 25:
                found.functions += 1
    except (ValueError, TypeError, IndexError) as error:
        raise BundleError("This is not an ONNX file.") from error
    if not found.ir_version or not found.outputs:
        raise BundleError("This is not an ONNX file.")
    return found


def problem(found: Outline) -> str | None:
    """Why a graph is not run here, as the end of a sentence; None when it may run."""
    if found.ir_version > LATEST_IR:
        return f"is of a newer ONNX format ({found.ir_version})"
    domains = {"" if domain == "ai.onnx" else domain: version for domain, version in found.opsets.items()}
    if set(domains) != {""} or domains[""] not in OPSETS:
        return f"uses the operator sets {found.opsets}; only ONNX's own, {OPSETS[0]} to {OPSETS[-1]}, are run"
    if found.functions:
        return "brings functions of its own"
    if found.external:
        return "keeps weights in another file"
    if foreign := sorted(found.operators - OPERATORS):
        return f"uses operators that are not run here ({', '.join(foreign[:5])})"
    return None


def unknown(dimension: int | str) -> bool:
    """Whether a file leaves the size of a dimension open."""
    return isinstance(dimension, str) or dimension <= 0


def _graph(found: Outline, data: Value) -> None:
    weights: set[str] = set()
    for number, value in _fields(data):
        if number == 1:
            _node(found, value)
        elif number == 5:
            weights.add(_tensor(found, value))
        elif number in (11, 12):
            name, kind, shape = _value(value)
            (found.inputs if number == 11 else found.outputs)[name] = kind, shape
        elif number == 15:
            raise ValueError("sparse weights")
    for name in weights & set(found.inputs):  # old exporters list weights as inputs too
        del found.inputs[name]


def _node(found: Outline, data: Value) -> None:
    operator = domain = ""
    for number, value in _fields(data):
        if number == 4:
            operator = _text(value)
        elif number == 5:
            _attribute(found, value)
        elif number == 7:
            domain = _text(value)
    found.operators.add(operator if domain in ("", "ai.onnx") else f"{domain}.{operator}")


def _attribute(found: Outline, data: Value) -> None:
    for number, value in _fields(data):
        if number in (5, 10):  # a tensor, tensors
            _tensor(found, value)


def _tensor(found: Outline, data: Value) -> str:
    name, kind = "", 0
    shape: list[int] = []
    for number, value in _fields(data):
        if number == 1:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == 2:
            kind = _number(value)
        elif number == 8:
            name = _text(value)
        elif number == 13 or (number == 14 and value):
            found.external = True
    if kind in FLOATS:
        found.parameters += math.prod(shape)
    return name


def _packed(data: bytes) -> list[int]:
    """Whole numbers in a row."""
    numbers, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        numbers.append(value)
    return numbers


def _value(data: Value) -> tuple[str, int, Dimensions]:
    """Name, element type and shape of an input or output; type 0: not a tensor."""
    name, kind = "", 0
    shape: list[int | str] = []
    for number, value in _fields(data):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for _, tensor in (pair for pair in _fields(value) if pair[0] == 1):
                for part, content in _fields(tensor):
                    if part == 1:
                        kind = _number(content)
                    elif part == 2:
                        shape = [_dimension(d) for n, d in _fields(content) if n == 1]
    return name, kind, tuple(shape)


def _dimension(data: Value) -> int | str:
    for number, value in _fields(data):
        if number == 1:
            return _number(value)
        if number == 2:
            return _text(value)
    return ""


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise ValueError("a text in place of a number")
    return value


def _text(value: Value) -> str:
    if not isinstance(value, bytes):
        raise ValueError("a number in place of a text")
    return value.decode("utf-8")


def _fields(data: Value) -> Fields:
    """The fields of one message: number, and a whole number or the bytes. ValueError where the bytes are none."""
    if not isinstance(data, bytes):
        raise ValueError("a number in place of a message")
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            length, at = _varint(data, at)
        if length is None or at + length > end:
            raise ValueError("not a protobuf message")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")
