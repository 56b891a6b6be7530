"""Generators that were exported elsewhere, brought to the conventions of this format, for targets without the demo's
code.

What bundle/adapter.py computes around a run becomes operators around the file's own graph: z [N, D] and classes [N, K]
in, image [N, C, H, W] in [0, 1] out, all float32. A file of fixed batch draws picture after picture, in ONNX's Scan.
The operators that are added mean the same in every operator set since OLDEST.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper, version_converter

from bundle import differences
from bundle.adapter import adapt, fixed_values
from bundle.errors import UserError, first_line
from bundle.feeds import Feed
from bundle.onnx_outline import ONNX_DOMAINS
from bundle.read import OpenBundle, graph_bytes
from bundle.schema import Adapter, FixedInput, Graph
from bundle.sessions import open_session
from bundle.trial_inputs import TrialInputs
from bundle.write import file_entry

OWN = "own/"  # before the names of the file's own tensors, so that none of ours is among them
OLDEST = 9  # operator set; a file of an older one is converted
OLDEST_IR = 8  # since 4, weights need not be inputs
COMPARED = (1, 3)  # pictures in the runs that compare both ways
BOUND = 0.025  # grey levels; runtimes may join our operators with the file's own
NUMBERS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE,
           "int64": TensorProto.INT64, "int32": TensorProto.INT32, "uint8": TensorProto.UINT8,
           "bool": TensorProto.BOOL}  # fmt: skip


@dataclass(frozen=True)
class Conventional:
    """A bundle whose graphs all follow the conventions, as its index says. `source`: the bundle as it lies on the disk,
    whose fingerprint its pictures are marked with, wherever they are drawn. `written`: the graphs that had to be
    written anew, by name."""

    source: OpenBundle
    bundle: OpenBundle
    written: Mapping[str, bytes] = field(default_factory=dict)

    def graph_bytes(self, name: str) -> bytes:
        """The bytes of a graph. Raises BundleError as bundle.read.graph_bytes does."""
        return self.written.get(name) or graph_bytes(self.bundle, name)


def conventional(bundle: OpenBundle) -> Conventional:
    """The bundle, its generator brought to the conventions where it was exported elsewhere. Raises UserError where that
    does not draw the same pictures."""
    entry = bundle.info.graphs.get("generator")
    if entry is None or entry.adapter is None:
        return Conventional(bundle, bundle)
    data = graph_bytes(bundle, "generator")
    try:
        model = wrapped(onnx.load_from_string(data), entry)
        made = model.SerializeToString(deterministic=True)
        worst = difference(bundle, data, made, entry.adapter)
    except Exception as error:  # those of onnx and onnxruntime share no base class
        raise _refused(bundle, first_line(error)) from error
    if not worst <= BOUND:
        raise _refused(bundle, f"its pictures change by {worst:.2g} grey levels")
    changes = {**file_entry(entry.file, made).model_dump(), "adapter": None, "opset": opset(model)}
    graphs = bundle.info.graphs | {"generator": entry.model_copy(update=changes)}
    info = bundle.info.model_copy(update={"graphs": graphs})
    return Conventional(bundle, replace(bundle, info=info), {"generator": made})


def _refused(bundle: OpenBundle, why: str) -> UserError:
    return UserError(
        f"The generator of '{bundle.info.name}' was made elsewhere, and cannot be brought to the names and values of "
        f"this format ({why}): only the demo and a Space can draw with it."
    )


def difference(bundle: OpenBundle, before: bytes, after: bytes, adapter: Adapter) -> float:
    """The largest difference, in grey levels, between the images of a foreign generator by its adapter and those of the
    graph made of it. Raises ValueError where the latter are not images of the same shape, or not finite."""
    theirs, ours = open_session(before), open_session(after)

    def run(feed: Feed) -> list[np.ndarray]:
        return theirs.run([adapter.image], dict(feed))

    def draw(graph: str, feed: Feed) -> dict[str, np.ndarray]:
        return {"image": adapt(run, adapter)(feed)[0]}

    inputs = TrialInputs.of_bundle(bundle, draw)
    found = []
    for count in COMPARED:
        rows = dict(inputs.rows("generator", range(count)))
        (got,) = ours.run(["image"], rows)
        wanted = draw("generator", rows)["image"]
        if fault := differences.fault(got, wanted.shape):
            raise ValueError(f"its image {fault}")
        found.append(differences.difference([got], [wanted]).largest)
    return float(np.max(found))  # NaN where one is, unlike Python's max


# --- the graph -------------------------------------------------------------------------------------


def opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model uses."""
    return next(entry.version for entry in model.opset_import if entry.domain in ONNX_DOMAINS)


def wrapped(model: onnx.ModelProto, entry: Graph) -> onnx.ModelProto:
    """A foreign generator inside a graph that follows the conventions; `entry`: what the index says of it.

    Raises what onnx raises for a file that it cannot convert or finds wrong."""
    adapter = entry.adapter
    assert adapter is not None
    if opset(model) < OLDEST:
        model = version_converter.convert_version(model, OLDEST)
    own = compose.add_prefix_graph(model.graph, OWN)
    sizes = {tensor.name: tensor.row_shape for tensor in (*entry.inputs, *entry.outputs)}
    shapes: dict[str, Sequence[int]] = {name: sizes[name] for name in ("z", "classes") if name in sizes}
    graph = _in_parts(own, adapter, shapes, sizes["image"]) if adapter.batch else _at_once(own, adapter, sizes["image"])
    graph.input.extend(_float(name, ["batch", *shape]) for name, shape in shapes.items())
    graph.output.append(_float("image", ["batch", *sizes["image"]]))
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset(model))], ir_version=max(OLDEST_IR, model.ir_version)
    )
    helper.set_model_props(made, {entry.key: entry.value for entry in model.metadata_props})
    onnx.checker.check_model(made)
    return made


def _at_once(own: onnx.GraphProto, adapter: Adapter, image: Sequence[int]) -> onnx.GraphProto:
    """The graph, without its inputs and outputs, around a generator that draws any number of pictures."""
    steps = _Steps()
    steps.feed(adapter, "z", "classes", batch=None)
    steps.take(own)
    steps.image(adapter, image, "image")
    return helper.make_graph(steps.nodes, own.name, [], [], steps.weights)


def _in_parts(
    own: onnx.GraphProto, adapter: Adapter, shapes: Mapping[str, Sequence[int]], image: Sequence[int]
) -> onnx.GraphProto:
    """The same around a generator of fixed batch: each run draws one picture, and copies of it where the batch is
    larger."""
    steps = _Steps()
    rows = {name: f"{name}_of_one" for name in shapes}
    steps.feed(adapter, *(steps.reshaped(row, [1, *shapes[name]]) for name, row in rows.items()), batch=adapter.batch)
    steps.take(own)
    pictures = steps.image(adapter, image)
    steps.add("Gather", [pictures, steps.constant(np.array(0, np.int64))], "image_of_one", axis=0)
    body = helper.make_graph(
        steps.nodes,
        own.name,
        [_float(row, shapes[name]) for name, row in rows.items()],
        [_float("image_of_one", image)],
        steps.weights,
    )
    scan = helper.make_node("Scan", list(shapes), ["image"], body=body, num_scan_inputs=len(shapes))
    return helper.make_graph([scan], own.name, [], [])


class _Steps:
    """Nodes and weights of a graph, in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """One more node; returns the name of its output."""
        output = output or f"step_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: np.ndarray | np.floating, name: str = "") -> str:
        """One more weight; returns its name."""
        name = name or f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def take(self, own: onnx.GraphProto) -> None:
        """The file's own nodes and weights."""
        for node in own.node:
            node.domain = ""  # which some exporters write out
        self.nodes.extend(own.node)
        self.weights.extend(own.initializer)

    def reshaped(self, name: str, sizes: Sequence[int], output: str = "") -> str:
        """A tensor in another shape; returns its name."""
        return self.add("Reshape", [name, self.constant(np.array(sizes, np.int64))], output)

    def feed(self, adapter: Adapter, z: str, classes: str = "", *, batch: int | None) -> None:
        """What the file's own inputs get of z [N, D] and classes [N, K]; N = 1 where `batch` is fixed. Compare
        bundle.adapter.own_rows and fixed_values."""
        self._row(z, adapter.z, adapter.z_type, adapter.z_shape, batch)
        if entry := adapter.classes:
            number = entry.form == "number"
            values = self.add("ArgMax", [classes], axis=1, keepdims=0) if number else classes
            self._row(values, entry.name, entry.type, entry.shape, batch)
        if adapter.fixed:
            count = self.constant(np.array([batch], np.int64)) if batch else self._count(z)
            for fixed in adapter.fixed:
                self._fixed(fixed, count)

    def _row(self, values: str, name: str, element: str, shape: Sequence[int], batch: int | None) -> None:
        rows = self.reshaped(values, [-1, *shape])
        if batch and batch > 1:
            rows = self.add("Expand", [rows, self.constant(np.array([batch, *shape], np.int64))])
        self.add("Cast", [rows], OWN + name, to=NUMBERS[element])

    def _count(self, z: str) -> str:
        """[N], of z [N, D]."""
        return self.add("Gather", [self.add("Shape", [z]), self.constant(np.zeros(1, np.int64))], axis=0)

    def _fixed(self, entry: FixedInput, count: str) -> None:
        values = fixed_values(entry, 1)
        if isinstance(entry.value, float):  # one number, stored once
            values = values.reshape(-1)[:1].reshape([1] * len(entry.shape))
        if values.shape == tuple(entry.shape):
            self.constant(values, OWN + entry.name)
            return
        sizes = [count if size == "batch" else self.constant(np.array([size], np.int64)) for size in entry.shape]
        shape = self.add("Concat", sizes, axis=0)
        self.add("Expand", [self.constant(values), shape], OWN + entry.name)

    def image(self, adapter: Adapter, shape: Sequence[int], output: str = "") -> str:
        """The file's own output as image [N, C, H, W] in [0, 1]; compare bundle.adapter.to_image."""
        image = self.add("Cast", [OWN + adapter.image], to=TensorProto.FLOAT)
        if adapter.layout == "NHWC":
            image = self.add("Transpose", [image], perm=[0, 3, 1, 2])
        elif adapter.layout == "NHW":
            image = self.reshaped(image, [-1, *shape])
        if adapter.values == "-1..1":
            half = self.constant(np.array(0.5, np.float32))
            image = self.add("Add", [self.add("Mul", [image, half]), half])
        elif adapter.values == "0..255":
            image = self.add("Div", [image, self.constant(np.array(255, np.float32))])
        positive = self.add("Max", [image, self.constant(np.array(0, np.float32))])
        return self.add("Min", [positive, self.constant(np.array(1, np.float32))], output)


def _float(name: str, shape: Sequence[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
