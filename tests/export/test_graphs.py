"""Every exported graph: structure, outputs, metadata."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator
from torch import nn

from bundle.schema import GRAPHS, SCHEMA_VERSION, USUAL_GRAPHS
from bundle.trial_inputs import random_rows
from export import graphs, parity
from export.graphs import GraphSpec
from tests.support.trained import Exported
from train.run_folder import Run, StageRecord


def graph_spec(run: Path, name: str) -> GraphSpec:
    opened, stage = Run.open(run), graphs.stage_of(name)
    specs = graphs.graph_specs(stage, graphs.networks(opened, stage), opened.data)
    return next(spec for spec in specs if spec.name == name)


@pytest.mark.parametrize("name", USUAL_GRAPHS)
def test_form(name: str, exported: Exported):
    data = (exported.folder / f"{name}.onnx").read_bytes()
    model = onnx.load_from_string(data)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert not model.functions and not any(node.domain for node in model.graph.node)
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {*parity.RANDOM_OPERATORS, "BatchNormalization", "Loop", "If", "Scan"}
    assert all(tensor.data_location != TensorProto.EXTERNAL for tensor in model.graph.initializer)
    tensors = [*model.graph.input, *model.graph.output]
    assert [t.name for t in tensors] == [*GRAPHS[name].inputs, *GRAPHS[name].outputs]
    for tensor in tensors:
        first, *others = tensor.type.tensor_type.shape.dim
        assert first.dim_param == "batch" and all(d.dim_value > 0 for d in others)
        assert tensor.type.tensor_type.elem_type == TensorProto.FLOAT


@pytest.mark.parametrize("name", USUAL_GRAPHS)
def test_no_trace_of_this_computer(name: str, exported: Exported, trained_run: Path):
    data = (exported.folder / f"{name}.onnx").read_bytes()
    here = [trained_run.parents[1], Path.home(), Path(parity.__file__).parents[1], Path(np.__file__).parents[1]]
    for trace in (*map(str, here), ".py", "stack_trace", "site-packages"):
        assert trace.encode() not in data, trace


@pytest.mark.parametrize("name", USUAL_GRAPHS)
@pytest.mark.parametrize("batch", [1, 3, 7])
def test_any_batch(name: str, batch: int, exported: Exported):
    session = ort.InferenceSession(exported.folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
    feed = {i.name: np.full((batch, *i.shape[1:]), 0.25, np.float32) for i in session.get_inputs()}
    for spec, values in zip(session.get_outputs(), session.run(None, feed), strict=True):
        assert values.shape == (batch, *spec.shape[1:]) and values.dtype == np.float32


def test_a_single_file_explains_itself(exported: Exported):
    session = ort.InferenceSession(
        (exported.folder / "generator.onnx").read_bytes(), providers=["CPUExecutionProvider"]
    )
    meta = session.get_modelmeta()
    facts = meta.custom_metadata_map
    assert (meta.producer_name, meta.graph_name) == ("twofold", "generator")
    assert facts["format"] == "twofold-bundle" and facts["schema_version"] == str(SCHEMA_VERSION)
    assert facts["precision"] == "fp32"
    assert (facts["graph"], facts["bundle"], facts["title"]) == ("generator", "shapes", "pictures")
    assert json.loads(facts["classes"]) == ["bar", "disc", "square"]
    assert json.loads(facts["latent"]) == {"input": "z", "dim": 8, "prior": "normal", "mean": 0.0, "std": 1.0}
    training = json.loads(facts["training"])
    assert training["images"] == 256
    assert training["command"].startswith("python -m train gan shapes --data pictures --images 256 ")
    assert (facts["value_range"], facts["layout"], facts["max_batch"]) == ("[0, 1]", "NCHW", "256")
    index = json.loads((exported.folder / "bundle.json").read_text())
    assert int(facts["parameters"]) == index["graphs"]["generator"]["parameters"]
    assert facts["license"] == "not stated" and facts["dataset"] == "pictures"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, {"prior": "normal", "mean": 0.0, "std": 1.0}),  # runs from before the choice
        ({"prior": "uniform"}, {"prior": "uniform", "low": -1.0, "high": 1.0}),
        ({"prior": "truncated"}, {"prior": "truncated", "mean": 0.0, "std": 1.0, "low": -2.0, "high": 2.0}),
    ],
)
def test_a_single_file_names_the_prior_of_its_noise(config: dict, said: dict, trained_run: Path):
    data = Run.open(trained_run).data
    origin = graphs.Origin("shapes", data, {"gan": StageRecord("python -m train gan", 1.0, 1, True, "none", config)})
    spec = GraphSpec("generator", "gan", torch.nn.Identity(), {"z": (8,)}, {"image": (1, 16, 16)})
    assert json.loads(graphs.metadata(spec, origin)["latent"]) == {"input": "z", "dim": 8} | said


def test_generator_is_mapping_then_synthesis(exported: Exported):
    rng = np.random.default_rng(3)
    z = rng.standard_normal((4, 8)).astype(np.float32)
    classes = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]
    sessions = {n: parity.session((exported.folder / f"{n}.onnx").read_bytes()) for n in list(USUAL_GRAPHS)[:3]}
    (w,) = sessions["mapping"].run(["w"], {"z": z, "classes": classes})
    (halves,) = sessions["synthesis"].run(["image"], {"w": w})
    (whole,) = sessions["generator"].run(["image"], {"z": z, "classes": classes})
    np.testing.assert_allclose(whole, halves, atol=1e-5)
    assert whole.std() > 0.001 and whole.min() >= 0 and whole.max() <= 1


@pytest.mark.parametrize("name", ["generator", "repair"])
def test_another_runtime_agrees(name: str, exported: Exported, trained_run: Path):
    """ONNX's own reference implementation: nothing leans on what onnxruntime does beyond the standard."""
    path = exported.folder / f"{name}.onnx"
    feed = random_rows(graph_spec(trained_run, name).inputs, range(2))
    ours = parity.session(path.read_bytes()).run(None, feed)
    for a, b in zip(ours, ReferenceEvaluator(str(path)).run(None, feed), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


class Averages(nn.Module):
    """The exporter names what `.mean` gives `mean`, which is also what the graph's output is called."""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        average = image.mean(dim=(2, 3))
        return average * 2, average + 1


def test_an_output_may_be_named_as_an_operation_within(trained_run: Path):
    run = Run.open(trained_run)
    spec = GraphSpec("encoder", "vae", Averages(), {"image": (1, 4, 4)}, {"mean": (1,), "logvar": (1,)})
    model = graphs.to_onnx(spec, graphs.Origin("little", run.data, {"vae": run.record("vae")}))
    parity.check_structure(model, spec)
    assert parity.check_parity(spec, model.SerializeToString()).worst < 1e-6
