"""The checks that a graph must pass, each tried on a graph that is wrong."""

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from bundle.errors import UserError
from export import assemble, graphs, parity
from export.graphs import GraphSpec
from tests.export.test_graphs import graph_spec
from tests.support.trained import Exported
from train.data.dataset import DataInfo
from train.run_folder import StageRecord
from train.settings import ClassifierSettings, GanSettings, VaeSettings
from train.stages import classifier, gan, vae

HERE = {"run": Path("run")}


@pytest.mark.slow
def test_parity_sees_one_changed_weight(exported: Exported, trained_run: Path):
    spec = graph_spec(trained_run, "encoder")
    data = (exported.folder / "encoder.onnx").read_bytes()
    result = parity.check_parity(spec, data)
    assert len(result.errors) == len(parity.BATCHES) and 0 < result.worst < 1e-4
    model = onnx.load_from_string(data)
    weight = next(w for w in model.graph.initializer if w.dims == [16, 1, 4, 4])
    values = numpy_helper.to_array(weight).copy()
    values[0, 0, 2, 2] += 0.01
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    with pytest.raises(UserError, match=r"'encoder' differs from PyTorch by .* at batch 1"):
        parity.check_parity(spec, model.SerializeToString())


def test_outputs_that_are_not_finite_or_have_another_shape_are_told():
    spec = GraphSpec("critic", "gan", nn.Identity(), {"image": (1,)}, {"score": (1,)})
    rows = {"image": np.full((1, 1), 100.0, np.float32)}
    assert parity.error_against_pytorch(spec, rows, [rows["image"] * np.float32(1.001)]) == pytest.approx(
        0.001, rel=1e-2
    )
    with pytest.raises(UserError, match=r"'score' of the exported graph 'critic' holds values that are not finite"):
        parity.error_against_pytorch(spec, rows, [np.full((1, 1), np.nan, np.float32)])
    with pytest.raises(UserError, match="instead of float32"):
        parity.error_against_pytorch(spec, rows, [rows["image"][0]])
    with pytest.raises(UserError, match="'score' of the network 'critic'"):
        parity.error_against_pytorch(spec, {"image": np.full((1, 1), np.inf, np.float32)}, [rows["image"]])


def little_model(nodes: list[onnx.NodeProto], opset: int = 18, domain: str = "") -> onnx.ModelProto:
    sides = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 2]) for n in ("z", "w")]
    graph = helper.make_graph(nodes, "little", sides[:1], sides[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)], ir_version=10)


def test_rows_that_depend_on_their_neighbours_are_refused():
    mean = helper.make_node("ReduceMean", ["z"], ["mean"], keepdims=1)
    session = parity.session(little_model([mean, helper.make_node("Sub", ["z", "mean"], ["w"])]).SerializeToString())
    feed = {"z": np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)}
    with pytest.raises(UserError, match="Row 0 of a batch of 3"):
        parity.check_rows("little", session, feed, session.run(None, feed))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.graph.node[0].CopyFrom(helper.make_node("RandomNormalLike", ["z"], ["w"])), "its own noise"),
        (lambda m: setattr(m.opset_import[0], "version", 17), "operator sets"),
        (lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1)), "operator sets"),
        (lambda m: m.graph.node[0].metadata_props.add(key="stack", value="trace"), "traces"),
        (lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 4), "has"),
        (lambda m: m.graph.node[0].CopyFrom(helper.make_node("Tanh", ["nowhere"], ["w"])), "not valid ONNX"),
    ],
)
def test_structure_is_checked(change, sentence: str):
    spec = GraphSpec("little", "gan", None, {"z": (2,)}, {"w": (2,)})
    model = little_model([helper.make_node("Tanh", ["z"], ["w"])])
    parity.check_structure(model, spec)
    change(model)
    with pytest.raises(UserError, match=sentence):
        parity.check_structure(model, spec)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "channels", "classes", "body"), [(64, 3, ("a", "b"), "conv"), (96, 1, (), "conv"), (24, 3, (), "skip")]
)
def test_graphs_agree_with_pytorch_at_other_sizes(
    size: int, channels: int, classes: tuple[str, ...], body: Literal["conv", "skip"]
):
    """Bodies and sizes that no other test exports; 16, 28, 32 and 100 have bundles of their own."""
    torch.manual_seed(0)
    data = DataInfo("made up", "made up", "none", channels, size, size, classes, train_images=100, test_images=10)
    record = StageRecord("python -m train", 1.0, 1, True, "none", {})
    nets = {
        "gan": gan.build(GanSettings(**HERE, body=body, width=16, w_dim=8, latent_dim=6), data),
        "vae": vae.build(VaeSettings(**HERE, width=16, latent_dim=4), data),
    }
    if classes:
        nets["classifier"] = classifier.build(ClassifierSettings(**HERE), data)
    origin = graphs.Origin("sizes", data, dict.fromkeys(nets, record))
    specs = [
        spec
        for stage, net in nets.items()
        for spec in graphs.graph_specs(stage, dict(net.eval().named_children()), data)
    ]
    for spec in specs:
        if spec.name not in ("generator", "mapping"):  # the synthesis is the half that knows the size
            data = assemble.checked_graph(spec, origin)
            result = parity.check_parity(spec, data, np.zeros((1, size, size, channels), np.uint8))
            assert result.worst < parity.BOUND
    assert {p.name: p.outputs for p in specs}["synthesis"] == {"image": (channels, size, size)}
