"""float16, as storage and as arithmetic: half the bytes, the same pictures within one grey level, refused where not."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from bundle.errors import UserError
from bundle.read import read
from bundle.sessions import choose_provider
from bundle.trial_inputs import random_rows
from demo.serving.engine import Engine
from export import parity, precision
from export.__main__ import main
from export.float16 import arithmetic, folded
from export.graphs import GraphSpec
from tests.export.test_graphs import graph_spec
from tests.support.trained import Exported

pytestmark = pytest.mark.slow  # its fixtures train and export

INDEX = "bundle.json"


@pytest.fixture(scope="module")
def half(trained_run: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("forms") / "shapes"
    assert main(["bundle", str(trained_run), str(folder), "--precision", "fp16-stored"]) == 0
    return folder


def test_a_bundle_of_half_the_bytes_is_served(half: Path, exported: Exported):
    opened = read(half)
    Engine(opened, choose_provider("cpu")).check()
    whole = read(exported.folder).info.graphs
    for name, graph in opened.info.graphs.items():
        assert graph.precision == "fp16-stored" and whole[name].precision == "fp32"
        facts = onnx.load(half / graph.file).metadata_props
        assert {p.key: p.value for p in facts}["precision"] == "fp16-stored"
    assert opened.info.graphs["generator"].bytes < 0.8 * whole["generator"].bytes
    assert "float16" in (half / "README.md").read_text()


def test_the_pictures_are_those_of_float32_within_one_level(half: Path, exported: Exported):
    z = np.random.default_rng(3).standard_normal((50, 8)).astype(np.float32)
    feed = {"z": z, "classes": np.eye(3, dtype=np.float32)[np.arange(50) % 3]}
    drawn = [ort.InferenceSession(folder / "generator.onnx").run(None, feed)[0] for folder in (half, exported.folder)]
    assert np.abs(drawn[0] - drawn[1]).max() > 0
    assert np.abs(np.rint(drawn[0] * 255) - np.rint(drawn[1] * 255)).max() <= 1


def product(weights: np.ndarray) -> onnx.ModelProto:
    """image = clip(z @ weights), as a graph."""
    rows, columns = weights.shape
    nodes = [
        helper.make_node("MatMul", ["z", "weights"], ["product"]),
        helper.make_node("Reshape", ["product", "shape"], ["pixels"]),
        helper.make_node("Clip", ["pixels", "zero", "one"], ["image"]),
    ]
    side = int(columns**0.5)
    constants = {
        "weights": weights.astype(np.float32),
        "shape": np.array([-1, 1, side, side]),
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    graph = helper.make_graph(
        nodes,
        "generator",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", rows])],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, side, side])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


class Product(nn.Module):
    """The same in PyTorch."""

    def __init__(self, weights: np.ndarray):
        super().__init__()
        self.weights = torch.from_numpy(weights.astype(np.float32))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ self.weights).reshape(-1, 1, 16, 16).clamp(0, 1)


def weights_of(model: onnx.ModelProto) -> np.ndarray:
    (found,) = [numpy_helper.to_array(t) for t in model.graph.initializer if t.name.startswith("weights")]
    return found


def test_only_large_tensors_that_fit_are_halved():
    rng = np.random.default_rng(0)
    assert weights_of(precision.converted(product(rng.random((16, 64))), "fp16-stored")).dtype == np.float16
    assert weights_of(precision.converted(product(rng.random((2, 64))), "fp16-stored")).dtype == np.float32
    assert weights_of(precision.converted(product(rng.random((16, 64)) * 1e6), "fp16-stored")).dtype == np.float32
    assert weights_of(precision.converted(product(rng.random((16, 64))), "fp32")).dtype == np.float32


@pytest.mark.parametrize("kind", ["fp16-stored", "fp16"])
def test_what_changes_the_picture_is_refused(kind: precision.Precision):
    """Large weights that cancel: float16 cannot hold their difference."""
    rng = np.random.default_rng(0)
    weights = rng.random((16, 256))
    weights[0], weights[1] = 40_000.25, -40_000
    exact = product(weights).SerializeToString()
    spec = GraphSpec("generator", "gan", Product(weights), {"z": (16,)}, {"image": (1, 16, 16)})
    z = np.ones((5, 16), np.float32) / 16
    with pytest.raises(UserError, match=r"grey levels.*--precision fp32"):
        precision.convert_one(spec, exact, kind, {"z": z}, {})


def test_styles_to_compare_on_are_the_mappings(trained_run: Path):
    specs = [graph_spec(trained_run, name) for name in ("mapping", "synthesis")]
    inputs = parity.trial_inputs(specs, None, {}, "normal")
    rows, _ = precision.trial_rows("synthesis", "fp16", inputs)
    mapped = parity.network_outputs(specs[0], random_rows(specs[0].inputs, precision.COMPARED))
    np.testing.assert_array_equal(rows["w"], mapped[0])


def test_the_card_gives_the_error_of_the_files_that_are_there(half: Path, exported: Exported):
    errors = [
        {row.split("`")[1]: float(row.split("|")[-2]) for row in (folder / "README.md").read_text().splitlines()
         if row.startswith("| `")}
        for folder in (half, exported.folder)
    ]  # fmt: skip
    assert set(errors[0]) == set(errors[1]) and len(errors[0]) == 9
    for name in ("generator.onnx", "decoder.onnx", "encoder.onnx"):
        assert errors[0][name] > 5 * errors[1][name] > 0


# ----------------------------------------------------------------------------------- float16 arithmetic


@pytest.fixture(scope="module")
def gan16(trained_run: Path, tmp_path_factory) -> Path:
    """The GAN alone, calculating in float16."""
    root = tmp_path_factory.mktemp("fp16")
    others = shutil.ignore_patterns("vae", "repair", "inverter", "classifier")
    run = shutil.copytree(trained_run, root / "run", ignore=others)
    assert main(["bundle", str(run), str(root / "shapes"), "--precision", "fp16", "--name", "shapes"]) == 0
    return root / "shapes"


def test_float16_arithmetic_behind_float32_inputs_and_outputs(gan16: Path, exported: Exported):
    opened = read(gan16)
    Engine(opened, choose_provider("cpu")).check()
    whole = read(exported.folder).info.graphs
    for name, graph in opened.info.graphs.items():
        model, before = onnx.load(gan16 / graph.file), onnx.load(exported.folder / graph.file)
        assert graph.precision == {p.key: p.value for p in model.metadata_props}["precision"] == "fp16"
        assert list(model.graph.input) == list(before.graph.input)
        assert list(model.graph.output) == list(before.graph.output)
        kinds = {tensor.data_type for tensor in model.graph.initializer}
        assert TensorProto.FLOAT16 in kinds and TensorProto.FLOAT not in kinds
        assert name == "mapping" or graph.bytes < 0.65 * whole[name].bytes  # the mapping has next to no weights
    assert "float16 arithmetic" in (gan16 / "README.md").read_text()


def test_float16_arithmetic_draws_the_same_pictures_within_one_level(gan16: Path, exported: Exported):
    z = np.random.default_rng(3).standard_normal((50, 8)).astype(np.float32)
    feed = {"z": z, "classes": np.eye(3, dtype=np.float32)[np.arange(50) % 3]}
    drawn = [
        parity.session((one / "generator.onnx").read_bytes()).run(None, feed)[0] for one in (gan16, exported.folder)
    ]
    assert drawn[0].dtype == np.float32 and np.abs(drawn[0] - drawn[1]).max() > 0
    assert np.abs(np.rint(drawn[0] * 255) - np.rint(drawn[1] * 255)).max() <= 1


def test_arithmetic_on_weights_is_done_in_float32_beforehand(exported: Exported):
    """Squares of small weights underflow in float16."""
    before = onnx.load(exported.folder / "generator.onnx")
    after = folded(before)
    assert onnx.load(exported.folder / "generator.onnx") == before
    for model, some in ((before, True), (after, False)):
        weights = {tensor.name for tensor in model.graph.initializer}
        assert any(all(name in weights for name in node.input if name) for node in model.graph.node) == some
    feed = random_rows({"z": (8,), "classes": (3,)}, range(7))
    a, b = (parity.session(model.SerializeToString()).run(None, feed)[0] for model in (before, after))
    np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("constant", [False, True])
def test_resizes_that_share_their_scales(constant: bool):
    """The converter gives their casts one name where a float16 node uses the scales too: the file would not load."""
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    nodes = [helper.make_node("Constant", [], ["scales"], value=scales)] if constant else []
    nodes += [
        helper.make_node("Mul", ["z", "scales"], ["scaled"]),
        helper.make_node("Resize", ["scaled", "", "scales"], ["twice"], mode="nearest"),
        helper.make_node("Resize", ["twice", "", "scales"], ["image"], mode="nearest"),
    ]
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1, side, side])
             for name, side in (("z", 4), ("image", 16))]  # fmt: skip
    graph = helper.make_graph(nodes, "resizes", sides[:1], sides[1:], [] if constant else [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    result = arithmetic(model)
    onnx.checker.check_model(result, full_check=True)
    z = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4) / 16
    (image,) = parity.session(result.SerializeToString()).run(None, {"z": z})
    np.testing.assert_array_equal(image, (z * [1, 1, 2, 2]).repeat(4, 2).repeat(4, 3))


def test_one_graph_alone_by_the_older_name_of_the_flag(trained_run: Path, tmp_path: Path):
    assert main(["graph", str(trained_run), "decoder", str(tmp_path / "d.onnx"), "--form", "fp16-stored"]) == 0
    assert any(node.op_type == "Cast" for node in onnx.load(tmp_path / "d.onnx").graph.node)
