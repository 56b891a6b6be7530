"""A bundle becomes a run folder again, so that what somebody shared, or what is left of a run, can be trained further.

Graphs keep the names of the weights that they were made of, and the index holds the settings of each stage. Only batch
normalisation is gone, folded into the convolution before it. It comes back as one that shifts and does not scale: the
network computes the same, but has lost what training needs. The GAN has none, nor have VAEs with a principal or fully
connected body, so they can be trained further; the other stages can be measured, exported, and built upon. The
optimizers start anew, and so do the augmentation of a small data set and the critic's minibatch layer.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from bundle.array_files import latent_shapes, statistics_of
from bundle.atomic_files import scratch, write_file
from bundle.errors import UserError
from bundle.pictures import background_colour, check_background
from bundle.printable import printable
from bundle.public_command import UNPACK
from bundle.read import OpenBundle, graph_bytes, read
from bundle.schema import SNAPSHOT_FILES, STYLE_GRAPHS, Curve
from bundle.shell_line import shell_line
from bundle.snapshots import read_snapshots
from bundle.trial_inputs import random_rows
from export import graphs, parity
from export.graphs import STAGE_GRAPHS, GraphSpec
from export.precision import LEVELS
from export.snapshots import resized
from train import run_folder, snapshots
from train.checkpoints import OPTIONAL_NETWORKS, module_tensors, save_tensors
from train.data.attributes import ALL
from train.data.dataset import DataInfo
from train.recorder import Progress
from train.run_folder import StageRecord
from train.settings import STAGES, Settings
from train.settings_checks import check_settings
from train.stages import BUILDS_ON, build_networks
from train.stored_settings import current_weight, from_public_dict, to_dict

STAGE_ORDER = ("classifier", "gan", "vae", "inverter", "repair")  # mask encoders after the model that they encode for
FLOAT32_PRECISIONS = (
    "fp32",
    "fp16-stored",
)  # arithmetic in float32, so that the network can be compared with its graph
ROWS = 33  # on which a network and its graph are compared
FOLDED, HALF = "_bias", ".fp16"  # suffixes that folding and storing as float16 add to names


@dataclass(frozen=True)
class UnpackedStage:
    """One stage that came back from a bundle."""

    settings: Settings
    networks: nn.Module
    record: StageRecord
    curve: Curve | None

    @property
    def trainable(self) -> bool:
        """Whether nothing that training needs is lost: no batch normalisation was folded."""
        return not any(isinstance(module, nn.BatchNorm2d) for module in self.networks.modules())


@dataclass(frozen=True)
class UnpackedSettings:
    """Gives the settings of the stages that came back, as a run folder does."""

    stages: Mapping[str, UnpackedStage]

    def settings(self, stage: str) -> Settings:
        """The settings of a stage that came back."""
        return self.stages[stage].settings


def unpack(folder: Path, target: Path) -> dict[str, UnpackedStage]:
    """Writes the run folder `target` from the bundle in `folder`; returns its stages by name. Prints a sentence for
    each stage that cannot come back.

    Raises UserError, and writes nothing, when the target exists or no stage can come back.
    """
    if target.exists():
        raise UserError(f"{target} already exists: name a new folder.")
    bundle = read(folder)
    data = data_of(bundle)
    stages: dict[str, UnpackedStage] = {}
    reasons = []
    for name in STAGE_ORDER:
        if not set(STAGE_GRAPHS[name]) & set(bundle.info.graphs):
            continue
        try:
            stages[name] = unpacked_stage(bundle, name, target, stages)
        except UserError as problem:
            reasons.append(str(problem))
    if not stages:
        raise UserError(" ".join(reasons))
    for reason in reasons:
        print(reason)
    if bundle.info.attributes:
        again = attributes_command(target, [attribute.name for attribute in bundle.info.attributes])
        print(f"Attributes stay behind: train them again with {again}")
    command = printable(shlex.join([*UNPACK, str(folder), str(target)]))
    try:
        with scratch(target) as building:
            run_folder.bind_data(building, data)
            for name, stage in stages.items():
                write_stage(building / name, name, stage, bundle, command)
            building.rename(target)
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
    return stages


def attributes_command(target: Path, names: Sequence[str]) -> str:
    """The command that trains these attributes in the run folder `target`."""
    asked = f"--attributes={asked_attributes(names)}"  # one word: a name may look like a flag
    return shell_line(["python", "-m", "train", "attributes", str(target), asked])


def asked_attributes(names: Sequence[str]) -> str:
    """What --attributes takes for these attributes: a list, where no name has a comma in it."""
    return ALL if any("," in name for name in names) else ",".join(names)


def data_of(bundle: OpenBundle) -> DataInfo:
    """The pictures as a run describes them. Raises UserError when the settings of how they were read are damaged."""
    info = DataInfo.of_bundle(bundle.info)
    return replace(info, background=background_colour("L" if info.channels == 1 else "RGB", info.background))


def settings_of(bundle: OpenBundle, name: str, target: Path) -> Settings:
    """The settings of a stage of the run folder `target`, as the index holds them. They may be a stranger's, so they
    are checked like those of a command line.

    Raises UserError when the index has none, or nothing can be trained with them.
    """
    stored = bundle.info.training[name].settings
    if stored is None:
        raise UserError(
            "its settings are not in the index, which a version before 0.2 wrote. Export its run folder again "
            "(python -m export bundle), or train anew with the command in its README.md."
        )
    settings = from_public_dict(STAGES[name], stored, target, bundle.info.dataset.source)
    check_settings(settings)
    check_background(settings.background)
    return settings


def checked_networks(
    bundle: OpenBundle,
    name: str,
    names: Sequence[str],
    what: str,
    target: Path,
    stages: Mapping[str, UnpackedStage] = {},
) -> tuple[Settings, nn.Module]:
    """The settings of a stage, and its networks with the weights of those graphs that are in `names`, compared with
    them; networks of no such graph stay without weights. `what`: how the sentence of an error begins; `target`: the run
    folder that the settings are for; `stages`: those that came back before.

    Raises UserError when the index does not describe the stage, a graph is missing or damaged, or a network computes
    something else than its graph.
    """
    info, data = bundle.info, data_of(bundle)
    if name not in info.training:
        raise UserError(f"{what}: the bundle does not say how it came about.")
    if lacking := [graph for graph in names if graph not in info.graphs]:
        raise UserError(f"{what}: the bundle has no {', '.join(lacking)}.")
    if odd := [graph for graph in names if info.graphs[graph].precision not in FLOAT32_PRECISIONS]:
        stored, able = info.graphs[odd[0]].precision, " or ".join(FLOAT32_PRECISIONS)
        raise UserError(f"{what}: its {odd[0]} is stored as {stored}, not as {able}.")
    if name in BUILDS_ON and BUILDS_ON[name] not in stages:
        raise UserError(f"{what} without its {BUILDS_ON[name]}.")
    try:
        settings = settings_of(bundle, name, target)
        with torch.device("meta"):  # shapes alone: sizes that a stranger chose take no memory
            networks = build_networks(name, settings, data, UnpackedSettings(stages))
    except UserError as problem:
        raise UserError(f"{what}: {problem}") from problem
    except Exception as problem:  # a stranger's settings may be damaged in any way
        raise UserError(f"{what}: its settings fit no network ({problem}).") from problem
    try:
        nets = {key: net for key, net in networks.eval().named_children() if key in names or key in OPTIONAL_NETWORKS}
        for key, net in nets.items():
            load_weights(net, zeros(net) if key in OPTIONAL_NETWORKS else network_weights(bundle, key), what)
        for spec in graphs.graph_specs(name, nets, data):
            compare(spec, bundle, what)
    except UserError:
        raise
    except Exception as problem:  # weights or nodes of a graph may be damaged in any way
        raise UserError(f"{what}: its graphs are damaged ({type(problem).__name__}).") from problem
    return settings, networks


def unpacked_stage(bundle: OpenBundle, name: str, target: Path, stages: Mapping[str, UnpackedStage]) -> UnpackedStage:
    """One stage, its networks compared with their graphs; `stages`: those that came back before. Raises UserError as
    `checked_networks` does."""
    what = f"The {name} of {bundle.folder} cannot become a run"
    settings, networks = checked_networks(bundle, name, STAGE_GRAPHS[name], what, target, stages)
    training, info = bundle.info.training[name], bundle.info
    finished = was_finished(bundle, STAGE_GRAPHS[name][0], what)
    record = StageRecord(
        command=training.command,
        seconds=training.seconds,
        images=training.images,
        finished=finished,
        hardware=training.hardware,
        config=to_dict(settings),
        target_images=info.training[BUILDS_ON[name]].images if name in BUILDS_ON else None,
        sessions=[session.model_dump() for session in training.sessions],
    )
    resumable = replace(settings, images=None)  # a fixed number of pictures would already be reached
    return UnpackedStage(resumable, networks, record, training.curve)


# ------------------------------------------------------------------------------------------------ from graphs


def zeros(net: nn.Module) -> dict[str, Tensor]:
    """Weights for a network that no graph holds, because only training needs it."""
    return {key: torch.zeros(value.shape) for key, value in net.state_dict().items()}


def network_weights(bundle: OpenBundle, name: str) -> dict[str, Tensor]:
    """The weights of a network, from its graph; those of a generator from its two halves."""
    if name != "generator":
        found = {current_weight(f"{name}.{key}"): value for key, value in weights_of(bundle, name).items()}
        return {key.removeprefix(f"{name}."): value for key, value in found.items()}
    halves = {half: weights_of(bundle, half) for half in STYLE_GRAPHS}
    return {f"{half}.{key}": value for half, weights in halves.items() for key, value in weights.items()}


def weights_of(bundle: OpenBundle, graph: str) -> dict[str, Tensor]:
    """The weights of a graph as float32, by their names in PyTorch."""
    model = onnx.load_from_string(graph_bytes(bundle, graph)).graph
    found = {
        tensor.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in model.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    # The exporter stores equal biases once and drops those that are zero, such as that of a critic whose loss only
    # compares.
    for node in model.node:
        weight, bias = (*node.input[1:], "", "")[:2]
        if node.op_type in ("Conv", "Gemm") and weight in found:
            shift = found.get(bias) if bias else torch.zeros(len(found[weight]))
            if shift is not None:
                found.setdefault(f"{weight.removesuffix('weight')}bias", shift)
    return found


def unfolded(net: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of batch normalisations that were folded into the convolutions before them: a shift is left."""
    found: dict[str, Tensor] = {}
    before = ""
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            before = name
        elif isinstance(module, nn.BatchNorm2d) and (shift := weights.get(f"{before}.weight{FOLDED}")) is not None:
            found |= {
                f"{name}.weight": torch.ones_like(shift),
                f"{name}.bias": shift,
                f"{name}.running_mean": torch.zeros_like(shift),
                f"{name}.running_var": torch.full_like(shift, 1 - module.eps),
                f"{name}.num_batches_tracked": torch.zeros((), dtype=torch.int64),
            }
    return found


def load_weights(net: nn.Module, weights: Mapping[str, Tensor], what: str) -> None:
    """Gives a network on the meta device the weights of its graph. Raises UserError when some are missing or of another
    size."""
    state, weights = net.state_dict(), {**weights, **unfolded(net, weights)}
    missing = [key for key, value in state.items() if key not in weights or weights[key].shape != value.shape]
    if missing:
        raise UserError(f"{what}: its graph lacks {', '.join(missing[:3])}, or has it in another size.")
    net.load_state_dict({key: weights[key].clone() for key in state}, assign=True)


def was_finished(bundle: OpenBundle, graph: str, what: str) -> bool:
    """Whether the stage was finished when it was exported, according to its graph. Raises UserError."""
    facts = {p.key: p.value for p in onnx.load_from_string(graph_bytes(bundle, graph)).metadata_props}
    try:
        return bool(json.loads(facts.get("training", "{}")).get("finished", True))
    except (ValueError, RecursionError, AttributeError) as problem:
        raise UserError(f"{what}: its graphs are damaged ({type(problem).__name__}).") from problem


def compare(spec: GraphSpec, bundle: OpenBundle, what: str) -> None:
    """Raises UserError when a network does not compute what its graph does. Where weights are rounded a grey level is
    allowed: the graph may hold sums of the weights from before."""
    exact = bundle.info.graphs[spec.name].precision == "fp32"
    rows = random_rows(spec.inputs, range(ROWS))
    got = parity.session(graph_bytes(bundle, spec.name)).run(list(spec.outputs), rows)
    error, most = parity.error_against_pytorch(spec, rows, got), parity.BOUND if exact else LEVELS / 255
    if error > most:
        raise UserError(f"{what}: it differs from the graph '{spec.name}' by {error:.1e}; {most:.0e} is allowed.")


# ------------------------------------------------------------------------------------------------ to the run


def write_stage(folder: Path, name: str, stage: UnpackedStage, bundle: OpenBundle, command: str) -> None:
    """Writes one stage's folder of a run; `command`: what unpacks it, recorded where training may follow."""
    record = vars(stage.record)
    tensors = module_tensors("averages", stage.networks)
    if stage.trainable:
        tensors |= {key: value.clone() for key, value in module_tensors("networks", stage.networks).items()}
        record = record | {"command": f"{stage.record.command} && {command}"}
    images, rows = stage.record.images, stage.settings.batch * stage.settings.accumulate
    progress = Progress(images // rows, images, images, stage.record.seconds, stage.record.finished)
    save_tensors(folder / "state.safetensors", tensors, vars(progress))
    if latents := latents_of(bundle, name):
        save_tensors(folder / "latents.safetensors", latents, {})
    run_folder.write_json(folder / "config.json", to_dict(stage.settings))
    run_folder.write_json(folder / "record.json", record)
    if stage.curve:
        write_file(folder / "metrics.jsonl", curve_lines(stage.curve).encode())
    write_snapshots(folder, name, bundle)


def write_snapshots(folder: Path, stage: str, bundle: OpenBundle) -> None:
    """Writes the snapshots of a stage as a run keeps them, at the size of the bundle's pictures."""
    model = next((model for model, key in SNAPSHOT_FILES.items() if model == stage and key in bundle.info.files), None)
    known = bundle.info.training[stage].snapshots
    if model is None or known is None:
        return
    shown, sides = read_snapshots(bundle.folder, bundle.info, model), bundle.info.image.shape[1:]
    rows = {
        snapshots.row_name(taken.images, taken.seconds): row
        for taken, row in zip(known.taken, shown.pictures, strict=True)
    }
    if len(shown.held_out):
        rows[snapshots.HELD_OUT_FILE] = shown.held_out
    for name, row in rows.items():
        snapshots.write_row(folder / snapshots.FOLDER, name, np.stack([resized(picture, sides) for picture in row]))


def latents_of(bundle: OpenBundle, stage: str) -> dict[str, Tensor]:
    """The latent statistics that a finished stage has measured."""
    if stage not in ("gan", "vae"):
        return {}
    names = statistics_of(stage, latent_shapes(bundle.info))
    found = {name: torch.from_numpy(bundle.latents[name].copy()) for name in names}
    if stage == "vae" and bundle.info.vae:
        found["sigma"] = torch.tensor(bundle.info.vae.sigma)
    return found


def curve_lines(curve: Curve) -> str:
    """A curve as the lines of a run's metrics.jsonl."""
    series = curve.series.items()
    lines = [
        {"images": images} | {name: values[i] for name, values in series if values[i] is not None}
        for i, images in enumerate(curve.images)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)
