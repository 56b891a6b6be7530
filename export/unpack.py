"""A bundle -> a run folder again: what somebody shared, or what is left of a run, goes on being trained.

Graphs keep the names of the weights that they were made of. Only batch normalisation is gone, folded into the
convolution before it: it comes back as one that shifts and does not scale, with which a network computes what it did
but has lost what training needs. The GAN has none, so a GAN can be trained on; the other stages can be measured,
exported, and built upon.
"""

import json
import shlex
from dataclasses import fields, replace
from pathlib import Path

import onnx
import torch
import tyro
from onnx import numpy_helper
from torch import Tensor, nn

from demo.bundle import OpenBundle, graph_bytes, read
from demo.schema import Training
from export import check, graphs
from export.forms import LEVELS
from export.graphs import Piece
from export.place import scratch
from train import runs
from train.__main__ import commands, given_flags, preset_of, stages_of
from train.config import Settings
from train.data import DataInfo
from train.errors import UserError
from train.recorder import Progress
from train.runs import Run, StageRecord
from train.stages import build_networks

TRAIN = "python -m train "
ORDER = ("classifier", "gan", "vae", "inverter", "repair")  # mask encoders after what they encode for
FORMS = ("fp32", "fp16-stored")  # arithmetic in float32: the network can be held against its graph
ROWS = 33  # in which a network is held against its graph
FOLDED, HALF = "_bias", ".fp16"  # endings that folding and storing as float16 give to names


def unpack(bundle_folder: Path, target: Path) -> list[str]:
    """Writes the run folder `target` from a bundle; returns the stages that can be trained on.

    Raises UserError, and writes nothing, when the target exists, a stage was not trained by Twofold, or a network does
    not compute what its graph does.
    """
    if target.exists():
        raise UserError(f"{target} is already there: name a new folder.")
    bundle = read(bundle_folder)
    began = graphs.UNPACK + shlex.join([str(bundle_folder), str(target)])
    stages = [stage for stage in ORDER if set(graphs.STAGE_GRAPHS[stage]) & set(bundle.info.graphs)]
    if unknown := [stage for stage in stages if stage not in bundle.info.training]:
        raise UserError(f"{bundle_folder} does not say how its {', '.join(unknown)} came about, as bundles that "
                        "Twofold exported do: it cannot become a run.")  # fmt: skip
    try:
        with scratch(target) as building:
            runs.bind_data(building, data_of(bundle))
            trainable = [stage for stage in stages if write_stage(bundle, stage, building, target, began)]
            target.parent.mkdir(parents=True, exist_ok=True)
            building.rename(target)
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
    return trainable


def data_of(bundle: OpenBundle) -> DataInfo:
    """The pictures as a run describes them; the colour under transparent ones is not part of a bundle."""
    info, first = bundle.info, next(iter(bundle.info.training))
    settings = settings_of(first, info.training[first], Path("run"))
    return DataInfo(
        source=info.dataset.source,
        title=info.title,
        licence=info.dataset.licence,
        channels=info.image.channels,
        size=info.image.size,
        classes=info.dataset.classes,
        train_images=info.dataset.train_images,
        test_images=info.dataset.test_images,
        fit=settings.fit,
    )


def settings_of(stage: str, training: Training, run: Path) -> Settings:
    """What the recorded commands of a stage set; today's defaults for the rest. Raises UserError."""
    found: Settings | None = None
    for part in training.command.split(" && "):
        if not part.startswith(TRAIN):
            continue
        try:
            words = shlex.split(part.removeprefix(TRAIN))
            given = given_flags(words)
            asked = tyro.cli(commands(preset_of(words)), args=words, console_outputs=False)
            own = dict(stages_of(asked, given))[stage]
        except (SystemExit, KeyError, ValueError) as problem:
            raise UserError(f"The bundle's {stage} was trained by a command not understood here: {part}") from problem
        tuned = {f.name: getattr(own, f.name) for f in fields(own) if f.name in given}
        found = replace(found, **tuned) if found else own
    if found is None:
        raise UserError(f"The bundle's {stage} was not trained by Twofold but by: {training.command}")
    return replace(found, run=run, resume=False)


def write_stage(bundle: OpenBundle, stage: str, folder: Path, target: Path, began: str) -> bool:
    """Writes one stage into the run `folder`, which will be `target`; returns whether it can be trained on."""
    training, data = bundle.info.training[stage], runs.data_of(folder)
    settings = settings_of(stage, training, target)
    try:
        networks = build_networks(stage, settings, data, Run(folder, data))
    except ValueError as problem:
        raise UserError(f"The {stage} of {bundle.folder} cannot be built: {problem}.") from problem
    for name, net in networks.items():
        names = ("mapping", "synthesis") if name == "generator" else (name,)
        weights: dict[str, Tensor] = {}
        for graph in names:
            prefix = f"{graph}." if name == "generator" else ""
            weights |= {prefix + key: value for key, value in weights_of(bundle, graph).items()}
        put_back(net, weights, f"{name} of {bundle.folder}")
    for piece in graphs.pieces(stage, networks.eval(), data):
        compare(piece, bundle)
    whole = not any(isinstance(module, nn.BatchNorm2d) for module in networks.modules())
    progress = Progress(training.images // (settings.batch * settings.accumulate), training.images, training.images,
                        training.seconds, finished=True)  # fmt: skip
    own = folder / stage
    tensors = runs.module_tensors("averages", networks)
    if whole:
        tensors |= {key: value.clone() for key, value in runs.module_tensors("networks", networks).items()}
    runs.save_tensors(own / "state.safetensors", tensors, vars(progress))
    if latents := latents_of(bundle, stage):
        runs.save_tensors(own / "latents.safetensors", latents, {})
    needs = graphs.NEEDS.get(stage)
    record = StageRecord(
        command=f"{training.command} && {began}" if whole else training.command,
        seconds=training.seconds,
        images=training.images,
        finished=True,
        hardware=training.hardware,
        config=runs.settings_json(settings),
        target_images=bundle.info.training[needs].images if needs else None,
    )
    runs.write_json(own / "config.json", runs.settings_json(settings))
    runs.write_json(own / "record.json", vars(record))
    if curve := training.curve:
        series = curve.series.items()
        lines = [
            {"images": images} | {name: values[i] for name, values in series if values[i] is not None}
            for i, images in enumerate(curve.images)
        ]
        runs.write_atomic(own / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    return whole


def weights_of(bundle: OpenBundle, graph: str) -> dict[str, Tensor]:
    """The weights that a graph holds, float32, by the names that they had in PyTorch. Raises UserError."""
    form = bundle.info.graphs[graph].form
    if form not in FORMS:
        raise UserError(f"The {graph} of {bundle.folder} is stored as {form}, which has lost what training needs: "
                        f"only {' and '.join(FORMS)} can become a run.")  # fmt: skip
    model = onnx.load_from_string(graph_bytes(bundle, graph)).graph
    found = {
        tensor.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in model.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    # The exporter stores biases that are alike once, and leaves out those that are zero, such as that of a critic whose
    # loss knows differences only.
    for node in model.node:
        weight, bias = (*node.input[1:], "", "")[:2]
        if node.op_type in ("Conv", "Gemm") and weight in found:
            shift = found.get(bias) if bias else torch.zeros(len(found[weight]))
            if shift is not None:
                found.setdefault(f"{weight.removesuffix('weight')}bias", shift)
    return found


def put_back(net: nn.Module, weights: dict[str, Tensor], what: str) -> None:
    """Loads weights into a network, batch normalisations as shifts. Raises UserError when some are missing."""
    state, before = net.state_dict(), ""
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            before = name
        elif isinstance(module, nn.BatchNorm2d):
            shift = weights.get(f"{before}.weight{FOLDED}")
            if shift is not None:
                weights |= {
                    f"{name}.weight": torch.ones_like(shift),
                    f"{name}.bias": shift,
                    f"{name}.running_mean": torch.zeros_like(shift),
                    f"{name}.running_var": torch.full_like(shift, 1 - module.eps),
                    f"{name}.num_batches_tracked": state[f"{name}.num_batches_tracked"],
                }
    missing = [key for key, value in state.items() if key not in weights or weights[key].shape != value.shape]
    if missing:
        raise UserError(f"The {what} cannot become a run: its graph lacks {', '.join(missing[:3])}.")
    net.load_state_dict({key: weights[key] for key in state})


def compare(piece: Piece, bundle: OpenBundle) -> None:
    """Raises UserError when a network does not compute what its graph does, to a grey level where weights are rounded:
    there the graph may hold sums of the weights before they were."""
    exact = bundle.info.graphs[piece.name].form == "fp32"
    rows = check.trial_inputs(piece, None, ROWS)
    got = check.session(graph_bytes(bundle, piece.name)).run(list(piece.outputs), rows)
    error, most = check.from_pytorch(piece, rows, got), check.BOUND if exact else LEVELS / 255
    if error > most:
        raise UserError(f"The {piece.name} of {bundle.folder} cannot become a run: the network differs from its graph "
                        f"by {error:.1e}; {most:.0e} is allowed.")  # fmt: skip


def latents_of(bundle: OpenBundle, stage: str) -> dict[str, Tensor]:
    """What a finished stage knows about its latent space."""
    if stage not in ("gan", "vae"):
        return {}
    mine = {
        key: torch.from_numpy(value.copy())
        for key, value in bundle.latents.items()
        if not key.startswith("svm_") and (key == "w_mean") == (stage == "gan")
    }
    return mine | ({"sigma": torch.tensor(bundle.info.vae.sigma)} if stage == "vae" else {})
