"""Networks of a run -> ONNX graphs: opset 18, default domain only, dynamic batch, one self-contained file each.

Which graph holds what, and the names of its inputs and outputs, is bundle.schema.GRAPHS.
"""

import json
import logging
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import onnx
import torch
from torch import nn

from bundle.errors import UserError
from bundle.schema import GRAPHS, SCHEMA_VERSION, Curve, Prior
from train.data.dataset import DataInfo
from train.models.linear_posterior import LinearPosterior
from train.run_folder import Run, StageRecord
from train.stages.build import load_networks

OPSET = 18
MAX_BATCH = 256
UNPACK = "python -m export unpack "
MACHINE_SETTINGS = {"run", "data", "threads", "track", "resume"}  # of a stage: mean nothing on another machine
# Stage of the run -> the graphs that are made of its networks; a stage of the second table needs the other one.
STAGE_GRAPHS: dict[str, tuple[str, ...]] = {
    "gan": ("generator", "mapping", "synthesis", "critic"),
    "inverter": ("inverter",),
    "vae": ("encoder", "decoder"),
    "repair": ("repair",),
    "classifier": ("classifier",),
}
NEEDS = {"inverter": "gan", "repair": "vae"}
# What a single file says about its noise; the truncated normal is N(0, 1) cut off at its bounds.
PRIORS: dict[Prior, dict[str, object]] = {
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"low": -1.0, "high": 1.0},
    "truncated": {"mean": 0.0, "std": 1.0, "low": -2.0, "high": 2.0},
}


@dataclass(frozen=True)
class Piece:
    """One network that becomes one graph. Shapes leave out the batch."""

    name: str
    stage: str
    net: nn.Module
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """Trained numbers and fitted ones, which are buffers."""
        fitted = (b for m in self.net.modules() if isinstance(m, LinearPosterior) for b in m.buffers())
        return sum(p.numel() for p in (*self.net.parameters(), *fitted))


@dataclass(frozen=True)
class Facts:
    """What every graph of a bundle says about itself; `curves`: how its stages trained, for the index."""

    bundle: str
    data: DataInfo
    records: Mapping[str, StageRecord]
    curves: Mapping[str, Curve] = field(default_factory=dict)

    @property
    def prior(self) -> Prior:
        """What the generator's noise is drawn from; runs older than the choice used normal numbers."""
        return self.records["gan"].config.get("prior", "normal") if "gan" in self.records else "normal"


def stage_of(graph: str) -> str:
    """The stage whose networks a graph holds."""
    return next(stage for stage, graphs in STAGE_GRAPHS.items() if graph in graphs)


def trained(run: Run, stage: str, unfinished: bool) -> StageRecord:
    """The record of a stage that may be exported.

    Raises UserError when it was never trained, or, unless `unfinished`, when it is not finished or was made for a GAN
    or VAE that has been trained further since.
    """
    record = run.record(stage)
    if record.images == 0:
        raise UserError(f"The {stage} of {run.folder} has not seen a single picture: its weights are still random.")
    if not (record.finished or unfinished):
        raise UserError(
            f"The {stage} of {run.folder} is not finished ({record.images} pictures so far): go on with --resume, "
            "or export it as it is with --unfinished."
        )
    target = run.record(NEEDS[stage]) if record.target_images is not None else None
    if target and target.images != record.target_images and not unfinished:
        raise UserError(
            f"The {stage} of {run.folder} was made for a {NEEDS[stage]} of {record.target_images} pictures, which has "
            f"seen {target.images} by now: go on with python -m train inverse --target {NEEDS[stage]} --resume and "
            "more --minutes, or export it as it is with --unfinished."
        )
    return record


def networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a stage. Raises UserError when damaged, or when a weight is not a finite number."""
    try:
        found = load_networks(run, stage)
    except RuntimeError as problem:
        needs = f" It may be older than the {NEEDS[stage]} beside it: train it again." if stage in NEEDS else ""
        raise UserError(f"The weights of {run.folder / stage} do not fit its settings.{needs}") from problem
    for name, net in found.items():
        for key, value in net.state_dict().items():
            if not torch.isfinite(value).all():
                raise UserError(f"The weights of the {name} in {run.folder / stage} are not all finite ({key}).")
    return found


def pieces(stage: str, nets: Mapping[str, nn.Module], data: DataInfo) -> list[Piece]:
    """The networks of a stage, cut into graphs."""
    nets = dict(nets)
    if stage == "gan":
        nets |= {"mapping": nets["generator"].mapping, "synthesis": nets["generator"].synthesis}
    return [_piece(name, stage, nets[name], data) for name in STAGE_GRAPHS[stage]]


def _piece(name: str, stage: str, net: nn.Module, data: DataInfo) -> Piece:
    mapping = getattr(net, "mapping", net)
    side = data.size
    shapes = {"image": (data.channels, side, side), "mask": (1, side, side), "classes": (len(data.classes),)}
    if "z" in GRAPHS[name].inputs:
        shapes["z"] = (mapping.latent_dim,)
    if "w" in GRAPHS[name].inputs:
        shapes["w"] = (net.stages, net.w_dim)
    inputs = {n: shapes[n] for n in GRAPHS[name].inputs if n != "classes" or data.classes}
    with torch.no_grad():
        values = net(*(torch.zeros(2, *shape) for shape in inputs.values()))
    values = values if isinstance(values, tuple) else (values,)
    outputs = {n: tuple(v.shape[1:]) for n, v in zip(GRAPHS[name].outputs, values, strict=True)}
    return Piece(name, stage, net.eval(), inputs, outputs)


# --------------------------------------------------------------------------------------------- export


def to_onnx(piece: Piece, facts: Facts) -> onnx.ModelProto:
    """The graph of a network, named, explained and free of the exporter's traces."""
    example = tuple(torch.rand(2, *shape) for shape in piece.inputs.values())
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            piece.net,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(piece.inputs),
            output_names=list(piece.outputs),
            dynamic_shapes={name: {0: "batch"} for name in piece.inputs},
            external_data=False,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise UserError(f"PyTorch could not export the {piece.name}.")
    for node in program.model.graph:
        for value in node.outputs:
            if value.name in piece.outputs and not value.is_graph_output():  # the exporter named it after its operation
                value.name += "_within"
    model = program.model_proto
    _clean(model)
    for values, shapes in ((model.graph.input, piece.inputs), (model.graph.output, piece.outputs)):
        for value, (name, shape) in zip(values, shapes.items(), strict=True):
            value.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape]))
    onnx.helper.set_model_props(model, metadata(piece, facts))
    model.graph.name = piece.name
    model.graph.doc_string = f"{piece.name} of {facts.data.title}: {signature(piece)}"
    model.producer_name, model.producer_version = "twofold", ""
    model.model_version = 1
    return model


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """The exporter's loggers speak of libraries that are not needed; errors still come through."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _clean(model: onnx.ModelProto) -> None:
    """Drops stack traces (they hold local paths and source lines) and shapes that every runtime infers itself."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""


def signature(piece: Piece) -> str:
    """E.g. z [N, 64], classes [N, 10] -> image [N, 1, 32, 32]."""
    sides = [
        ", ".join(f"{name} [{', '.join(['N', *map(str, shape)])}]" for name, shape in shapes.items())
        for shapes in (piece.inputs, piece.outputs)
    ]
    return " -> ".join(sides)


def metadata(piece: Piece, facts: Facts) -> dict[str, str]:
    """The facts that ride in the file, so that it explains itself outside its bundle. Lists and objects are JSON."""
    record, data = facts.records[piece.stage], facts.data
    training = {
        "command": public_command(record.command),
        "seconds": record.seconds,
        "images": record.images,
        "hardware": record.hardware,
        "finished": record.finished,
    }
    latent: dict[str, object] | None = None
    if piece.name == "decoder":
        latent = {"input": "z", "dim": piece.inputs["z"][0], "prior": "mixture of Gaussians, see latents.npz"}
    elif "z" in piece.inputs:
        latent = {"input": "z", "dim": piece.inputs["z"][0], "prior": facts.prior} | PRIORS[facts.prior]
    elif "w" in piece.inputs:
        latent = {"input": "w", "stages": piece.inputs["w"][0], "dim": piece.inputs["w"][1], "prior": "mapping.onnx"}
    return {
        "format": "twofold-bundle",
        "schema_version": str(SCHEMA_VERSION),
        "graph": piece.name,
        "bundle": facts.bundle,
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
        "parameters": str(piece.parameters),
        "training": json.dumps(training, ensure_ascii=False),
    }


def public_settings(config: Mapping[str, object]) -> dict[str, object]:
    """A stage's config.json as a bundle carries it: what only the machine that trained it knew is left out."""
    return {name: value for name, value in config.items() if name not in MACHINE_SETTINGS}


def public_command(command: str) -> str:
    """A training command with the folders of this computer left out: only the last part of absolute paths stays.

    Several commands may be joined by " && "; an `export unpack` that no training followed is left out too.
    """
    *earlier, last = command.split(" && ")
    if earlier and last.startswith(UNPACK):
        return public_command(" && ".join(earlier))
    if earlier:
        return " && ".join(public_command(part) for part in (*earlier, last))
    words = []
    for word in shlex.split(command):
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if value.startswith(("/", "~", "../", "\\")) or value[1:3] == ":\\":
            value = value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        words.append(flag + equals + value)
    return shlex.join(words)
