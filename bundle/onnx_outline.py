"""Looks into an ONNX file before any runtime does, because nobody knows who wrote it.

Only the outline of the file is read (field numbers of onnx.proto): operators, operator sets, inputs, outputs, and where
the weights lie.
"""

import math
from dataclasses import dataclass, field

from bundle.errors import BundleError
from bundle.protobuf import Value, fields, int64, packed, text, whole_number

OPSETS = range(7, 27)  # what the pinned onnxruntime runs
LATEST_IR = 13
FLOAT, BOOL = 1, 9
TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip
FLOATS = (1, 10, 11, 16)  # float32, float16, float64, bfloat16

# What networks are made of. No loops, no branches, no random numbers, no code of anybody's own.
ALLOWED = """
    Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization
    BitShift Cast CastLike Ceil Celu CenterCropPad Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh
    CumSum DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather
    GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample
    GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul Max MaxPool Mean
    MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow QuantizeLinear RMSNormalization Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize RotaryEmbedding Round ScatterElements ScatterND Selu Shape Shrink Sigmoid
    Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
"""
OPERATORS = frozenset(ALLOWED.split())

# What an attribute of an operator may consist of: its name, its type, and one or several numbers, texts or tensors. The
# other fields hold graphs, or sparse tensors, whose weights may lie in another file.
ATTRIBUTE_FIELDS = frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 20})
MAX_RANK = 16  # dimensions of a tensor: networks need six, and the product of many is slow

ONNX_DOMAINS = ("", "ai.onnx")  # ONNX's own operators: of no domain, or of one that some exporters write out
Dimensions = tuple[int | str, ...]


@dataclass
class Outline:
    """What a file holds. Shapes: numbers, or the name of a dimension that is free; types: numbers of onnx.proto;
    `parameters`: floating-point numbers among its weights; `weight_types`: their types; `external`: the file of each
    weight that lies in another; `unread`: what else it holds that is not looked into; `random`: whether it has a
    Dropout that may be in training mode."""

    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    functions: int = 0
    parameters: int = 0
    weight_types: set[int] = field(default_factory=set)
    external: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    random: bool = False
    inputs: dict[str, tuple[int, Dimensions]] = field(default_factory=dict)
    outputs: dict[str, tuple[int, Dimensions]] = field(default_factory=dict)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators that it uses; 0 where it names none."""
        return next((self.opsets[domain] for domain in ONNX_DOMAINS if domain in self.opsets), 0)


def outline(data: bytes) -> Outline:
    """The outline of an ONNX file. Raises BundleError for any other file."""
    found = Outline()
    try:
        for number, value in fields(data):
            if number == 1:
                found.ir_version = whole_number(value)
            elif number == 7:
                _graph(found, value)
            elif number == 8:
                entry = dict(fields(value))
                found.opsets[text(entry.get(1, b""))] = int64(entry.get(2, 0))
            elif number == 20:
                found.unread.append("instructions for a training")
            elif number == 25:
                found.functions += 1
    except (ValueError, TypeError) as error:
        raise BundleError("This is not an ONNX file.") from error
    if not found.ir_version or not found.outputs:
        raise BundleError("This is not an ONNX file.")
    return found


def problem(found: Outline) -> str | None:
    """Why a graph is not run here, as the end of a sentence; None when it may run."""
    if found.ir_version > LATEST_IR:
        return f"is of a newer ONNX format ({found.ir_version})"
    # Others may be declared: exporters do so in vain. An operator of theirs is not among OPERATORS.
    if found.opset not in OPSETS:
        version = found.opset or "none"
        return f"is written for version {version} of ONNX's operators; versions {OPSETS[0]} to {OPSETS[-1]} are run"
    if found.functions:
        return "brings functions of its own"
    if found.external:
        return f"keeps weights in another file, '{found.external[0][:100]}'"
    if found.unread:
        return f"holds {found.unread[0]}, which is not read here"
    if found.random:
        return "draws random numbers (Dropout in training mode): export it in eval mode"
    if foreign := sorted(found.operators - OPERATORS):
        return f"uses operators that are not run here ({', '.join(foreign[:5])})"
    return None


def described(name: str, kind: int, shape: Dimensions) -> str:
    """An input or output in words, such as "'z' (float32 [batch, 128])"."""
    sizes = ", ".join(str(size) if size else "?" for size in shape)
    return f"'{name[:60]}' ({TYPES.get(kind, 'no tensor')} [{sizes}])"


def unknown(dimension: int | str) -> bool:
    """Whether a file leaves the size of a dimension open."""
    return isinstance(dimension, str) or dimension <= 0


def _graph(found: Outline, data: Value) -> None:
    weights: set[str] = set()
    modes: set[str] = set()  # what may put a Dropout into training mode
    falsehoods: dict[str, bool] = {}  # whether a constant is False, by its name
    for number, value in fields(data):
        if number == 1:
            modes |= _node(found, value, falsehoods)
        elif number == 5:
            name, is_false = _tensor(found, value)
            weights.add(name)
            falsehoods[name] = falsehoods.get(name, True) and is_false
        elif number in (11, 12):
            name, kind, shape = _value(value)
            (found.inputs if number == 11 else found.outputs)[name] = kind, shape
        elif number == 15:
            found.unread.append("sparse weights")
    for name in weights & set(found.inputs):  # old exporters list weights as inputs too
        del found.inputs[name]
    found.random |= not all(falsehoods.get(name, False) for name in modes)


def _node(found: Outline, data: Value, falsehoods: dict[str, bool]) -> set[str]:
    """The name of the input that says whether a Dropout is in training mode, if it has one; whether a constant is False
    goes into `falsehoods`."""
    operator = domain = ""
    inputs: list[str] = []
    outputs: list[str] = []
    is_false = False
    for number, value in fields(data):
        if number in (1, 2):
            (inputs if number == 1 else outputs).append(text(value))
        elif number == 4:
            operator = text(value)
        elif number == 5:
            is_false |= _attribute(found, value)
        elif number == 7:
            domain = text(value)
    found.operators.add(operator if domain in ONNX_DOMAINS else f"{domain}.{operator}")
    if operator == "Constant":
        falsehoods |= {name: falsehoods.get(name, True) and is_false for name in outputs}
    return set(filter(None, inputs[2:3])) if operator == "Dropout" else set()


def _attribute(found: Outline, data: Value) -> bool:
    """Whether it is a tensor that is False."""
    is_false = False
    for number, value in fields(data):
        if number in (5, 10):  # a tensor, tensors
            is_false |= _tensor(found, value)[1]
        elif number not in ATTRIBUTE_FIELDS:
            sparse = number in (22, 23)
            found.unread.append("sparse weights" if sparse else "an attribute that is no number and no tensor")
    return is_false


def _tensor(found: Outline, data: Value) -> tuple[str, bool]:
    """Its name, and whether it is a boolean that is False."""
    name, kind = "", 0
    truth: set[int] = set()
    shape: list[int] = []
    external: str | None = None
    for number, value in fields(data):
        if number == 1:
            shape += [value] if isinstance(value, int) else packed(value)
        elif number == 2:
            kind = whole_number(value)
        elif number in (5, 9):
            if isinstance(value, int):
                truth.add(value)
            else:  # the numbers, where they are few enough to be one boolean
                truth |= set(value) if len(value) == 1 else {1}
        elif number == 8:
            name = text(value)
        elif number == 13:
            entry = dict(fields(value))
            if entry.get(1) == b"location":
                external = text(entry.get(2, b""))
        elif number == 14 and value:
            external = external or ""
    if external is not None:
        found.external.append(external)
    if len(shape) > MAX_RANK or any(int64(size) < 0 for size in shape):
        raise ValueError("a tensor of impossible sizes")
    if kind in FLOATS:
        found.parameters += math.prod(shape)
        found.weight_types.add(kind)
    return name, kind == BOOL and truth == {0}


def _value(data: Value) -> tuple[str, int, Dimensions]:
    """Name, element type and shape of an input or output; type 0: not a tensor."""
    name, kind = "", 0
    shape: list[int | str] = []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            for _, tensor in (pair for pair in fields(value) if pair[0] == 1):
                for part, content in fields(tensor):
                    if part == 1:
                        kind = whole_number(content)
                    elif part == 2:
                        shape = [_dimension(d) for n, d in fields(content) if n == 1]
    return name, kind, tuple(shape)


def _dimension(data: Value) -> int | str:
    for number, value in fields(data):
        if number == 1:
            size = int64(value)
            return size if size >= 0 else ""  # some exporters write -1 for a size that is free
        if number == 2:
            return text(value)
    return ""
