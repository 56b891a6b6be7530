"""The outline of an ONNX file, read without the package onnx, against that package; what is refused."""

import random
import re
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bundle.errors import BundleError
from bundle.onnx_outline import OPERATORS, described, outline, problem, unknown
from bundle.read import read
from tests.support import tiny

RELEASED = sorted((Path(__file__).resolve().parents[2] / "artifacts").glob("*/*.onnx"))


def value(name: str, shape: list, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes: list, weights: list = (), opset: int = 18, domain: str = "", ir: int = 10, **more: list) -> bytes:
    graph = helper.make_graph(nodes, "g", [value("x", ["batch", 4])], [value("y", ["batch", 4])], list(weights))
    opsets = [helper.make_opsetid(domain, opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, **more).SerializeToString()


RELU = helper.make_node("Relu", ["x"], ["y"])


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_sees_what_the_onnx_package_sees(path: Path):
    data = path.read_bytes()
    found, proto = outline(data), onnx.load_from_string(data)
    assert found.ir_version == proto.ir_version
    assert found.opsets == {entry.domain: entry.version for entry in proto.opset_import}
    assert found.operators == {node.op_type for node in proto.graph.node}
    for ours, theirs in ((found.inputs, proto.graph.input), (found.outputs, proto.graph.output)):
        shapes = {v.name: tuple(d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim) for v in theirs}
        assert ours == {name: (TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16)
    counts = [int(np.prod(w.dims)) for w in proto.graph.initializer if w.data_type in floats]
    assert found.parameters == sum(counts)
    assert problem(found) is None


def test_every_operator_that_is_allowed_exists():
    assert {schema.name for schema in onnx.defs.get_all_schemas()} >= OPERATORS


def test_weights_that_are_listed_as_inputs_are_none():
    weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x", ["n", 4]), value("w", [4])],
        [value("y", ["n", 4])], [weight],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    assert list(outline(proto.SerializeToString()).inputs) == ["x"]


def external() -> bytes:
    weight = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="/etc/passwd")
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [weight])


def external_constant() -> bytes:
    weight = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT)
    weight.external_data.add(key="location", value="../secret")
    constant = helper.make_node("Constant", [], ["w"])
    constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(weight)
    return model([constant, helper.make_node("Add", ["x", "w"], ["y"])])


def sparse_constant() -> bytes:
    """Its values would be read from a file of the machine that runs it."""
    values = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    values.external_data.add(key="location", value="README.md")
    indices = numpy_helper.from_array(np.arange(4), "i")
    constant = helper.make_node("Constant", [], ["w"])
    kind = onnx.AttributeProto.SPARSE_TENSOR
    sparse = constant.attribute.add(name="sparse_value", type=kind).sparse_tensor
    sparse.values.CopyFrom(values)
    sparse.indices.CopyFrom(indices)
    sparse.dims.append(4)
    return model([constant, helper.make_node("Add", ["x", "w"], ["y"])])


def sparse_weights() -> bytes:
    proto = onnx.load_from_string(model([RELU]))
    proto.graph.sparse_initializer.add().values.name = "w"
    return proto.SerializeToString()


def graph_in_an_attribute() -> bytes:
    node = helper.make_node("Relu", ["x"], ["y"])
    node.attribute.add(name="body", type=onnx.AttributeProto.GRAPH).g.name = "inner"
    return model([node])


def training_instructions() -> bytes:
    proto = onnx.load_from_string(model([RELU]))
    proto.training_info.add().algorithm.name = "steps"
    return proto.SerializeToString()


def dropout(*modes: bool, constant: bool = False, opset: int = 18) -> bytes:
    """A Dropout with a mode of training, as a weight or a constant; without any, it takes the default."""
    names, ratio = ["x", "ratio", *("mode" for _ in modes)], numpy_helper.from_array(np.array(0.5, np.float32), "ratio")
    weights = [ratio, *(numpy_helper.from_array(np.array(mode), "mode") for mode in modes if not constant)]
    nodes = [helper.make_node("Constant", [], ["mode"], value=numpy_helper.from_array(np.array(mode)))
             for mode in modes if constant]  # fmt: skip
    return model([*nodes, helper.make_node("Dropout", names, ["y"])], weights, opset)


@pytest.mark.parametrize("constant", [False, True])
def test_a_dropout_draws_no_random_numbers_unless_it_is_training(constant: bool):
    assert problem(outline(dropout())) is None
    assert problem(outline(dropout(False, constant=constant))) is None
    assert "Dropout in training mode" in problem(outline(dropout(True, constant=constant)))
    computed = helper.make_node("IsNaN", ["ratio"], ["mode"])
    ratio = numpy_helper.from_array(np.array(0.5, np.float32), "ratio")
    hidden = model([computed, helper.make_node("Dropout", ["x", "ratio", "mode"], ["y"])], [ratio])
    assert "Dropout in training mode" in problem(outline(hidden))
    packed_bool = helper.make_tensor("mode", TensorProto.BOOL, [], [False])  # not as raw bytes
    node = helper.make_node("Dropout", ["x", "ratio", "mode"], ["y"])
    assert problem(outline(model([node], [ratio, packed_bool]))) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (sparse_constant(), "sparse weights"),
        (sparse_weights(), "sparse weights"),
        (graph_in_an_attribute(), "an attribute that is no number"),
        (training_instructions(), "instructions for a training"),
        (
            model([helper.make_node("RandomNormalLike", ["x"], ["y"])]),
            r"operators that are not run here \(RandomNormal",
        ),
        (model([helper.make_node("Loop", ["x"], ["y"])]), r"\(Loop\)"),
        (model([helper.make_node("If", ["x"], ["y"])]), r"\(If\)"),
        (model([helper.make_node("Inverse", ["x"], ["y"], domain="com.microsoft")]), r"\(com.microsoft.Inverse\)"),
        (model([RELU], opset=6), "of ONNX's operators"),
        (model([RELU], opset=27), "of ONNX's operators"),
        (model([RELU], domain="com.evil", opset=1), "of ONNX's operators"),
        (model([RELU], ir=99), "newer ONNX format"),
        (external(), "weights in another file"),
        (external_constant(), "weights in another file"),
        (
            model([RELU], functions=[helper.make_function("", "Relu", ["x"], ["y"], [RELU], [])]),
            "functions of its own",
        ),
    ],
)
def test_what_is_not_run_here(data: bytes, words: str):
    assert re.search(words, problem(outline(data)) or "nothing"), problem(outline(data))


def test_a_tensor_of_very_many_dimensions_is_refused_at_once():
    weight = TensorProto(name="w", dims=[2**40] * 500_000, data_type=TensorProto.FLOAT)
    began = time.monotonic()
    with pytest.raises(BundleError, match="not an ONNX file"):
        outline(model([RELU], [weight]))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("data", [b"", b"x", b"\x80" * 100, b"not a graph", b"\x08\x0a", bytes(range(256)) * 40])
def test_what_is_no_onnx_file(data: bytes):
    with pytest.raises(BundleError, match="not an ONNX file"):
        outline(data)


def test_damaged_files_are_refused_or_read_but_never_crash(tiny_bundle: Path):
    data, rng = (tiny_bundle / "generator.onnx").read_bytes(), random.Random(5)
    refused = 0
    for _ in range(300):
        broken = bytearray(data[: rng.randrange(1, len(data))] if rng.random() < 0.5 else data)
        for _ in range(3):
            broken[rng.randrange(min(len(broken), 400))] = rng.randrange(256)
        try:
            outline(bytes(broken))
        except BundleError:
            refused += 1
    assert refused > 100


def test_a_bundle_whose_file_is_not_what_its_index_says(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    data = (broken_bundle / "critic.onnx").read_bytes()
    index["graphs"]["decoder"] |= tiny.write(broken_bundle / "decoder.onnx", data)
    tiny.save_index(broken_bundle, index)
    with pytest.raises(BundleError, match=r"'decoder' .* takes image .* not what the index says"):
        read(broken_bundle)


def test_a_bundle_with_a_graph_of_fixed_batch(broken_bundle: Path):
    proto = onnx.load(broken_bundle / "decoder.onnx")
    for one in (*proto.graph.input, *proto.graph.output):
        one.type.tensor_type.shape.dim[0].ClearField("dim_param")
        one.type.tensor_type.shape.dim[0].dim_value = 1
    index = tiny.load_index(broken_bundle)
    index["graphs"]["decoder"] |= tiny.write(broken_bundle / "decoder.onnx", proto.SerializeToString())
    tiny.save_index(broken_bundle, index)
    with pytest.raises(BundleError, match="not what the index says"):
        read(broken_bundle)


def test_a_size_of_minus_one_is_a_free_one():
    free, known = value("x", [-1, 4]), value("x", ["", 4])
    for given in (free, known):
        graph = helper.make_graph([RELU], "g", [given], [value("y", [-1, 4])])
        found = outline(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString())
        assert found.inputs == {"x": (TensorProto.FLOAT, ("", 4))} == {"x": found.outputs["y"]}
        assert unknown(found.inputs["x"][1][0]) and described("x", *found.inputs["x"]) == "'x' (float32 [?, 4])"


def test_weights_have_no_negative_size():
    weight = TensorProto(name="w", dims=[-2, -2], data_type=TensorProto.FLOAT)
    with pytest.raises(BundleError, match="not an ONNX file"):
        outline(model([helper.make_node("Add", ["x", "w"], ["y"])], [weight]))
