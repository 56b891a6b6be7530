"""The networks of a run as ONNX graphs: opset 18, default domain, dynamic batch, one self-contained file each.

bundle.schema.GRAPHS says what each graph holds and what its inputs and outputs are called.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import onnx
import torch
from torch import nn

from bundle.errors import UserError
from bundle.public_command import public_command
from bundle.schema import GRAPHS, SCHEMA_VERSION, STYLE_GRAPHS, Attribute, Curve, Model, Prior
from bundle.shell_line import shell_line
from export.snapshots import SnapshotSheet
from train.data.dataset import DataInfo
from train.models.linear_posterior import LinearPosterior
from train.run_folder import Run, StageRecord
from train.stages import BUILDS_ON, load_networks

OPSET = 18
MAX_BATCH = 256
# Stage of a run -> the graphs made of its networks.
STAGE_GRAPHS: dict[str, tuple[str, ...]] = {
    "gan": ("generator", "mapping", "synthesis", "critic"),
    "inverter": ("inverter",),
    "vae": ("encoder", "decoder"),
    "repair": ("repair",),
    "classifier": ("classifier",),
    "attributes": ("attributes",),
}
# What a single file says about its noise; the truncated normal is N(0, 1) cut off at its bounds.
PRIORS: dict[Prior, dict[str, object]] = {
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"low": -1.0, "high": 1.0},
    "truncated": {"mean": 0.0, "std": 1.0, "low": -2.0, "high": 2.0},
}


@dataclass(frozen=True)
class GraphSpec:
    """One network and the graph that it becomes: names and shapes of inputs and outputs, without the batch."""

    name: str
    stage: str
    net: nn.Module
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned: its parameters, and buffers that were fitted."""
        fitted = (b for m in self.net.modules() if isinstance(m, LinearPosterior) for b in m.buffers())
        return sum(p.numel() for p in (*self.net.parameters(), *fitted))


@dataclass(frozen=True)
class Origin:
    """Where the graphs of a bundle come from: what they and the index say of it. `curves`: of the stages, by name.
    `snapshots`: of the models that kept some. `attributes`: those that the graph of that name gives."""

    bundle: str
    data: DataInfo
    records: Mapping[str, StageRecord]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    snapshots: Mapping[Model, SnapshotSheet] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()

    @property
    def prior(self) -> Prior:
        """What the generator's noise is drawn from; runs older than this setting drew from N(0, 1)."""
        return self.records["gan"].config.get("prior", "normal") if "gan" in self.records else "normal"


def stage_of(graph: str) -> str:
    """The stage of a run whose networks a graph holds."""
    return next(stage for stage, graphs in STAGE_GRAPHS.items() if graph in graphs)


def exportable_record(run: Run, stage: str, unfinished: bool) -> StageRecord:
    """The record of a stage that may be exported.

    Raises UserError when it was never trained, or, unless `unfinished`, when it is not finished or was made for a GAN
    or VAE that has been trained further since.
    """
    record = run.record(stage)
    if record.images == 0:
        raise UserError(f"Stage '{stage}' of {run.folder} has not seen a single picture: its weights are still random.")
    if not (record.finished or unfinished):
        raise UserError(
            f"Stage '{stage}' of {run.folder} is not finished ({record.images} pictures so far): go on with --resume, "
            "or export it as it is with --unfinished."
        )
    target = run.record(BUILDS_ON[stage]) if record.target_images is not None else None
    if target and target.images != record.target_images and not unfinished:
        words = ["python", "-m", "train", "inverse", str(run.folder), "--target", BUILDS_ON[stage], "--resume"]
        raise UserError(
            f"The {stage} of {run.folder} was made for a {BUILDS_ON[stage]} of {record.target_images} pictures, which "
            f"has seen {target.images} by now: go on with {shell_line(words)} and more --minutes, or export it as it "
            "is with --unfinished."
        )
    return record


def networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a stage. Raises UserError when damaged, or when a weight is not a finite number."""
    try:
        found = load_networks(run, stage)
    except RuntimeError as problem:
        needs = f" It may be older than the {BUILDS_ON[stage]} beside it: train it again." if stage in BUILDS_ON else ""
        raise UserError(f"The weights of {run.folder / stage} do not fit its settings.{needs}") from problem
    for name, net in found.items():
        for key, value in net.state_dict().items():
            if not torch.isfinite(value).all():
                raise UserError(f"The weights of the {name} in {run.folder / stage} are not all finite ({key}).")
    return found


def graph_specs(stage: str, nets: Mapping[str, nn.Module], data: DataInfo) -> list[GraphSpec]:
    """The graphs of those networks of a stage; a generator becomes three: whole, mapping and synthesis."""
    nets = dict(nets)
    if stage == "gan":
        nets |= {half: nets["generator"].get_submodule(half) for half in STYLE_GRAPHS}
    return [_spec(name, stage, nets[name], data) for name in STAGE_GRAPHS[stage] if name in nets]


def _spec(name: str, stage: str, net: nn.Module, data: DataInfo) -> GraphSpec:
    shapes: dict[str, tuple[int, ...]] = {
        "image": (data.channels, *data.sides),
        "mask": (1, *data.sides),
        "classes": (len(data.classes),),
    }
    if "z" in GRAPHS[name].inputs:
        mapping = net.get_submodule("mapping") if name == "generator" else net
        shapes["z"] = (_size(mapping, "latent_dim"),)
    if "w" in GRAPHS[name].inputs:
        shapes["w"] = (_size(net, "stages"), _size(net, "w_dim"))
    inputs = {n: shapes[n] for n in GRAPHS[name].inputs if n != "classes" or data.classes}
    with torch.no_grad():
        values = net(*(torch.zeros(2, *shape) for shape in inputs.values()))
    values = values if isinstance(values, tuple) else (values,)
    outputs = {n: tuple(v.shape[1:]) for n, v in zip(GRAPHS[name].outputs, values, strict=True)}
    return GraphSpec(name, stage, net.eval(), inputs, outputs)


def _size(net: nn.Module, name: str) -> int:
    """A size that a network keeps as an attribute."""
    value = getattr(net, name)
    assert isinstance(value, int)
    return value


# --------------------------------------------------------------------------------------------- export


def to_onnx(spec: GraphSpec, origin: Origin) -> onnx.ModelProto:
    """The graph of a network: named, documented, without traces of the exporter. Raises what torch.onnx.export raises,
    and UserError when that gives nothing."""
    example = tuple(torch.rand(2, *shape) for shape in spec.inputs.values())
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            spec.net,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            dynamic_shapes={name: {0: "batch"} for name in spec.inputs},
            external_data=False,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise UserError(f"PyTorch could not export the {spec.name}.")
    for node in program.model.graph:
        for value in node.outputs:
            # The exporter names values after their operations, which may be an output's name.
            if value.name in spec.outputs and not value.is_graph_output():
                value.name += "_within"
    model = program.model_proto
    _clean(model)
    for values, shapes in ((model.graph.input, spec.inputs), (model.graph.output, spec.outputs)):
        for value, (name, shape) in zip(values, shapes.items(), strict=True):
            value.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape]))
    onnx.helper.set_model_props(model, metadata(spec, origin))
    model.graph.name = spec.name
    model.graph.doc_string = f"{spec.name} of {origin.data.title}: {signature(spec)}"
    model.producer_name, model.producer_version = "twofold", ""
    model.model_version = 1
    return model


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Lets a logger report errors only: the exporter warns of libraries that are not needed."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _clean(model: onnx.ModelProto) -> None:
    """Drops stack traces, which hold local paths and source lines, and shapes, which every runtime infers itself."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""


def signature(spec: GraphSpec) -> str:
    """Inputs and outputs in words, e.g. "z [N, 64], classes [N, 10] -> image [N, 1, 32, 32]"."""
    sides = [
        ", ".join(f"{name} [{', '.join(['N', *map(str, shape)])}]" for name, shape in shapes.items())
        for shapes in (spec.inputs, spec.outputs)
    ]
    return " -> ".join(sides)


def metadata(spec: GraphSpec, origin: Origin) -> dict[str, str]:
    """What the file says of itself, so that it explains itself without its bundle. Lists and objects are JSON."""
    record, data = origin.records[spec.stage], origin.data
    training = {
        "command": public_command(record.command),
        "seconds": record.seconds,
        "images": record.images,
        "hardware": record.hardware,
        "finished": record.finished,
    }
    latent: dict[str, object] | None = None
    if spec.name == "decoder":
        latent = {"input": "z", "dim": spec.inputs["z"][0], "prior": "mixture of Gaussians, see latents.npz"}
    elif "z" in spec.inputs:
        latent = {"input": "z", "dim": spec.inputs["z"][0], "prior": origin.prior} | PRIORS[origin.prior]
    elif "w" in spec.inputs:
        latent = {"input": "w", "stages": spec.inputs["w"][0], "dim": spec.inputs["w"][1], "prior": "mapping.onnx"}
    return {
        "format": "twofold-bundle",
        "schema_version": str(SCHEMA_VERSION),
        "graph": spec.name,
        "precision": "fp32",  # export.precision.converted replaces it
        "bundle": origin.bundle,
        "title": data.title,
        "dataset": data.source,
        "license": data.licence,
        "classes": json.dumps(data.classes, ensure_ascii=False),
        "value_range": "[0, 1]",
        "layout": "NCHW",
        "mask": "1 = known, 0 = to be filled in",
        "channels": {1: "L", 3: "RGB"}[data.channels],
        "max_batch": str(MAX_BATCH),
        "latent": json.dumps(latent),
        "parameters": str(spec.parameters),
        "training": json.dumps(training, ensure_ascii=False),
    }
