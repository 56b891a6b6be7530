"""Weights stored as float16: half the bytes, the same pictures within one grey level, refused where not."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from demo.bundle import read
from demo.runtime import Engine, choose_provider
from export import check, forms
from export.__main__ import main
from export.graphs import Piece
from tests.export.conftest import Exported
from tests.export.test_graphs import piece_of
from train.errors import UserError

INDEX = "bundle.json"


@pytest.fixture(scope="module")
def half(trained_run: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("forms") / "shapes"
    assert main(["bundle", str(trained_run), str(folder), "--form", "fp16-stored"]) == 0
    return folder


def test_a_bundle_of_half_the_bytes_is_served(half: Path, exported: Exported):
    opened = read(half)
    Engine(opened, choose_provider("cpu")).check()
    whole = read(exported.folder).info.graphs
    for name, graph in opened.info.graphs.items():
        assert graph.form == "fp16-stored" and whole[name].form == "fp32"
        facts = onnx.load(half / graph.file).metadata_props
        assert {p.key: p.value for p in facts}["form"] == "fp16-stored"
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
    assert weights_of(forms.stored(product(rng.random((16, 64))), "fp16-stored")).dtype == np.float16
    assert weights_of(forms.stored(product(rng.random((2, 64))), "fp16-stored")).dtype == np.float32
    assert weights_of(forms.stored(product(rng.random((16, 64)) * 1e6), "fp16-stored")).dtype == np.float32
    assert weights_of(forms.stored(product(rng.random((16, 64))), "fp32")).dtype == np.float32


def test_what_changes_the_picture_is_refused():
    """Large weights that cancel: float16 cannot hold their difference."""
    rng = np.random.default_rng(0)
    weights = rng.random((16, 256))
    weights[0], weights[1] = 40_000.25, -40_000
    exact = product(weights).SerializeToString()
    piece = Piece("generator", "gan", Product(weights), {"z": (16,)}, {"image": (1, 16, 16)})
    z = np.ones((5, 16), np.float32) / 16
    with pytest.raises(UserError, match=r"grey levels.*--form fp32"):
        forms.convert(piece, exact, "fp16-stored", {"z": z})


def test_styles_to_compare_on_are_the_mappings(trained_run: Path):
    cut = [piece_of(trained_run, name) for name in ("mapping", "synthesis")]
    rows = forms.rows_of(cut[1], cut, None)["w"]
    assert rows.shape == (sum(check.BATCHES), *cut[1].inputs["w"])
    assert not np.array_equal(rows, check.trial_inputs(cut[1], None, sum(check.BATCHES), seed=1)["w"])


def test_the_card_gives_the_error_of_the_files_that_are_there(half: Path, exported: Exported):
    errors = [
        {row.split("`")[1]: float(row.split("|")[-2]) for row in (folder / "README.md").read_text().splitlines()
         if row.startswith("| `")}
        for folder in (half, exported.folder)
    ]  # fmt: skip
    assert set(errors[0]) == set(errors[1]) and len(errors[0]) == 9
    for name in ("generator.onnx", "decoder.onnx", "encoder.onnx"):
        assert errors[0][name] > 5 * errors[1][name] > 0


def test_one_graph_alone(trained_run: Path, tmp_path: Path):
    assert main(["graph", str(trained_run), "decoder", str(tmp_path / "d.onnx"), "--form", "fp16-stored"]) == 0
    assert any(node.op_type == "Cast" for node in onnx.load(tmp_path / "d.onnx").graph.node)
