"""A run folder becomes a bundle: graphs, latents, examples, sheet, training codes, index and card, in one pass.

Everything is made first, then written once into a hidden folder beside the target, read back and checked once, and
renamed at the very end: whatever goes wrong before, an existing bundle stays as it was.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from bundle import images
from bundle.array_files import LATENTS, SHEET_COLUMNS
from bundle.feeds import Rows, RunGraph, run_in_parts
from bundle.marks import formats, of_sheet
from bundle.public_command import public_command
from bundle.schema import MAX_TITLE, SCHEMA_VERSION, SNAPSHOT_FILES, BundleIndex, File
from bundle.trial_inputs import TrialInputs
from bundle.write import file_entry, npz_bytes, previous_index, write_bundle
from export import attribute_directions, class_directions, float16, graphs, model_card, parity, training_codes
from export.graphs import GraphSpec, Origin
from export.precision import Conversion, Precision, Unsuitable, convert, table
from export.run_contents import Latents, collect, latent_statistics, origin_of, pictures_of
from export.snapshots import SnapshotSheet
from train.data.dataset import Pictures
from train.run_folder import Run
from train.settings import STAGES
from train.stored_settings import from_dict, to_public_dict

SEEDS, EXAMPLES = 64, 100
MOST_TRIED = 10_000  # held-out pictures from which those come that graphs are tried on
ROWS = 16  # that a graph runs at once; more at a time are slower on a CPU


@dataclass(frozen=True)
class GraphFiles:
    """The graphs of a bundle, by name: their files, largest errors against PyTorch, and precisions."""

    data: dict[str, bytes]
    errors: dict[str, float]
    precisions: dict[str, Precision]

    def runner(self) -> RunGraph:
        """Runs the graphs on any number of rows."""
        sessions = {name: parity.session(data) for name, data in self.data.items()}

        def run(graph: str, rows: Mapping[str, np.ndarray]) -> Rows:
            names = [output.name for output in sessions[graph].get_outputs()]
            return dict(zip(names, sessions[graph].run(names, dict(rows)), strict=True))

        return run_in_parts(run, ROWS)


def write(
    run: Run,
    target: Path,
    name: str,
    data: str | None = None,
    unfinished: bool = False,
    precision: Precision = "fp32",
) -> BundleIndex:
    """Writes the bundle of a run into the folder `target` and returns its index.

    `data`: where the run's pictures are, by default where it was trained. `unfinished`: stages that were stopped early
    may go in. Raises UserError, and leaves the target as it was, when a stage may not be exported, a graph fails its
    checks, or the target holds something else.
    """
    target = target.resolve()
    previous = previous_index(target)
    stages = collect(run, unfinished)
    train_set, test_set = pictures_of(run, stages, data)
    latent = latent_statistics(run, stages, train_set, test_set)
    origin = origin_of(run, name, stages)
    specs = [spec for key, stage in stages.items() for spec in graphs.graph_specs(key, stage.networks, run.data)]
    held_out = to_pictures(test_set)
    found = graph_files(specs, origin, parity.trial_inputs(specs, held_out, latent.arrays, origin.prior), precision)
    run_graph = found.runner()
    inputs = demo_inputs(run_graph, origin, specs, latent, held_out, narrow=precision != "fp32")
    directions, attributes = attribute_directions.directions(inputs, origin.attributes)
    origin = replace(origin, attributes=attributes)
    files = other_files(inputs, origin, directions, train_set, test_set)
    info = keep_measurements(index(origin, specs, found, files, latent.sigma), previous)
    early = [key for key, record in origin.records.items() if not record.finished]
    save(target, info, found, files, model_card.card(info, found.errors, early), previous)
    return info


def save(target: Path, info: BundleIndex, found: GraphFiles, files: Mapping[str, tuple[str, bytes]], card: str,
         previous: BundleIndex | None) -> None:  # fmt: skip
    """Writes a bundle that is made, and prints how large it is. `files`: those beside the graphs, by their key in the
    index; `previous`: the index of the bundle that is there. Raises as `write_bundle` does."""
    contents = {f"{graph}.onnx": data for graph, data in found.data.items()} | dict(files.values())
    write_bundle(target, info, contents, card, previous)
    print(f"{target.name}: {len(found.data)} graphs, {sum(map(len, contents.values())) / 1e6:.1f} MB")


# ---------------------------------------------------------------------------------------------- graphs


def graph_files(specs: Sequence[GraphSpec], origin: Origin, inputs: TrialInputs, precision: Precision) -> GraphFiles:
    """Exports, checks and converts every graph; prints a line for each and the tables of errors.

    Raises UserError when a graph fails a check.
    """
    results = []
    data: dict[str, bytes] = {}
    for spec in specs:
        began = time.monotonic()
        data[spec.name] = checked_graph(spec, origin)
        results.append(parity.check_parity(spec, data[spec.name], inputs.pictures))
        size, seconds = len(data[spec.name]) / 1e6, time.monotonic() - began
        print(f"  {spec.name:11s}{spec.parameters:>11,} parameters {size:7.2f} MB {seconds:6.1f} s", flush=True)
    print(parity.table(results), flush=True)
    errors = {result.graph: result.worst for result in results}
    precisions: dict[str, Precision] = dict.fromkeys(data, "fp32")
    conversions = []
    for converted, conversion in convert_graphs(specs, data, inputs, precision):
        conversions.append(conversion)
        data[conversion.graph], precisions[conversion.graph] = converted, precision
        if conversion.error is not None:
            errors[conversion.graph] = conversion.error
    if conversions:
        print(table(conversions, precision), flush=True)
    return GraphFiles(data, errors, precisions)


def checked_graph(spec: GraphSpec, origin: Origin) -> bytes:
    """A graph's file in float32, its structure checked. Raises UserError."""
    model = graphs.to_onnx(spec, origin)
    parity.check_structure(model, spec)
    return model.SerializeToString(deterministic=True)


def convert_graphs(
    specs: Sequence[GraphSpec], exact: Mapping[str, bytes], inputs: TrialInputs, precision: Precision
) -> list[tuple[bytes, Conversion]]:
    """The new file and what the precision changes, of each graph that takes it.

    int8 seldom suits all: a graph that it does not suit stays float32, and a printed sentence says why. Raises
    Unsuitable when another precision does not suit a graph.
    """
    if precision == "fp32":
        return []
    if precision == "int8":
        groups = [[spec] for spec in specs]
    else:  # graphs of one stage share weights
        groups = [[spec for spec in specs if spec.stage == stage] for stage in dict.fromkeys(s.stage for s in specs)]
    found = []
    for group in groups:
        try:
            found += convert(group, [exact[spec.name] for spec in group], precision, inputs)
        except Unsuitable as problem:
            if precision != "int8":
                raise
            print(f"  {group[0].name} stays float32. {problem.reason}", flush=True)
    return found


# ----------------------------------------------------------------------------------------- other files


def demo_inputs(
    run: RunGraph, origin: Origin, specs: Sequence[GraphSpec], latent: Latents, held_out: np.ndarray, narrow: bool
) -> TrialInputs:
    """Makes rows for the finished graphs, which `run` runs; `narrow`: the mixture of Gaussians is rounded to
    float16."""
    arrays = float16.narrowed(latent.arrays) if narrow else latent.arrays
    return TrialInputs({spec.name: spec.inputs for spec in specs}, held_out, arrays, origin.prior, run)


def other_files(
    inputs: TrialInputs, origin: Origin, directions: Mapping[str, np.ndarray], train_set: Pictures, test_set: Pictures
) -> dict[str, tuple[str, bytes]]:
    """The files beside the graphs: key in the index -> name and bytes. `directions`: of attributes."""
    shapes = inputs.graphs
    files = base_files(inputs, origin, examples(test_set), directions)
    if "encoder" in shapes:
        latent_dim = shapes["decoder"]["z"][0]
        shown = training_codes.may_be_shown(origin.data.licence)
        files["training"] = (
            training_codes.FILE,
            npz_bytes(training_codes.training_codes(inputs.run, latent_dim, train_set, shown)),
        )
    return files | {SNAPSHOT_FILES[model]: (one.name, one.data) for model, one in origin.snapshots.items()}


def base_files(
    inputs: TrialInputs, origin: Origin, held_out: dict[str, np.ndarray], directions: Mapping[str, np.ndarray] = {}
) -> dict[str, tuple[str, bytes]]:
    """Those that every bundle has, from the pictures that examples.npz is to hold: the latents with directions of
    classes and with these of attributes, the examples, the sheet."""
    classes = len(origin.data.classes)
    of_classes = class_directions.directions(inputs, classes) if classes > 1 else {}
    return {
        "latents": (LATENTS, npz_bytes(dict(inputs.latents) | of_classes | dict(directions))),
        "examples": ("examples.npz", npz_bytes(held_out)),
        "sheet": ("sheet.png", sheet(inputs, origin.bundle)),
    }


def to_pictures(split: Pictures) -> np.ndarray:
    """The pictures of a split, at even distances where there are more than MOST_TRIED, uint8 [N, H, W, C]."""
    count = min(len(split), MOST_TRIED)
    return split[torch.arange(count) * len(split) // max(count, 1)].pixels.transpose(0, 2, 3, 1)


def examples(test_set: Pictures) -> dict[str, np.ndarray]:
    """Held-out pictures, EXAMPLES or all there are: the classes in turn, or at even distances without classes."""
    labels = test_set.labels.numpy().astype(np.int64)
    chosen = training_codes.classes_in_turn(labels, EXAMPLES)
    pictures = test_set[torch.from_numpy(chosen)].pixels.transpose(0, 2, 3, 1)
    return {"images": np.ascontiguousarray(pictures), "labels": labels[chosen]}


def sheet(inputs: TrialInputs, bundle: str) -> bytes:
    """Seeds 0 to 63 as one PNG, drawn by the generator, or by the decoder where there is no GAN. `bundle`: its name."""
    graph = "generator" if "generator" in inputs.graphs else "decoder"
    drawn = inputs.run(graph, inputs.seed_rows(graph, range(SEEDS)))["image"]
    mark = of_sheet(bundle, "gan" if graph == "generator" else "vae", SEEDS, SHEET_COLUMNS)
    return formats.png(images.sheet(images.to_uint8(drawn), SHEET_COLUMNS), mark, level=9)


# ----------------------------------------------------------------------------------------------- index


def index(
    origin: Origin,
    specs: Sequence[GraphSpec],
    found: GraphFiles,
    files: Mapping[str, tuple[str, bytes]],
    sigma: float | None,
) -> BundleIndex:
    """bundle.json of these graphs and files."""
    shapes = {spec.name: (spec.inputs, spec.outputs) for spec in specs}
    shown: Mapping[str, SnapshotSheet] = {str(model): sheet for model, sheet in origin.snapshots.items()}
    gan = vae = None
    if "generator" in shapes:
        stages, w_dim = shapes["synthesis"][0]["w"]
        gan = {"latent_dim": shapes["generator"][0]["z"][0], "w_dim": w_dim, "stages": stages, "prior": origin.prior}
    if "decoder" in shapes:
        config = origin.records["vae"].config
        vae = {"latent_dim": shapes["decoder"][0]["z"][0], "sigma": sigma}
        vae |= {name: config[name] for name in ("likelihood", "binarize") if name in config}  # not in older runs
    return BundleIndex.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "name": origin.bundle,
            "title": origin.data.title[:MAX_TITLE],  # a folder's name may be longer
            "created": datetime.now(UTC).replace(microsecond=0),
            "dataset": {
                "source": origin.data.source,
                "licence": origin.data.licence,
                "classes": origin.data.classes,
                "train_images": origin.data.train_images,
                "test_images": origin.data.test_images,
                "fit": origin.data.fit,
                "background": origin.data.background,
                "value_range": origin.data.value_range,
                "border": origin.data.border,
            },
            "image": {name: getattr(origin.data, name) for name in ("channels", "height", "width")},
            "max_batch": graphs.MAX_BATCH,
            "graphs": {spec.name: graph_entry(spec, found) for spec in specs},
            "files": {key: file_entry(name, data) for key, (name, data) in files.items()},
            "gan": gan,
            "vae": vae,
            "quality": None,
            "attributes": origin.attributes,
            "training": {
                key: {
                    "command": public_command(record.command),
                    "seconds": record.seconds,
                    "images": record.images,
                    "hardware": record.hardware,
                    "settings": to_public_dict(from_dict(STAGES[key], record.config)),
                    "sessions": [one | {"command": public_command(one["command"])} for one in record.sessions],
                    "curve": origin.curves.get(key),
                    "snapshots": shown[key].entry if key in shown else None,
                }
                for key, record in origin.records.items()
            },
        }
    )


def graph_entry(spec: GraphSpec, found: GraphFiles) -> dict[str, object]:
    """A graph as the index lists it."""
    entry: File = file_entry(f"{spec.name}.onnx", found.data[spec.name])
    return entry.model_dump() | {
        "opset": graphs.OPSET,
        "precision": found.precisions[spec.name],
        "parameters": spec.parameters,
        "inputs": [{"name": name, "shape": ["batch", *shape]} for name, shape in spec.inputs.items()],
        "outputs": [{"name": name, "shape": ["batch", *shape]} for name, shape in spec.outputs.items()],
    }


def keep_measurements(info: BundleIndex, previous: BundleIndex | None) -> BundleIndex:
    """The index with the figures of quality and of other runtimes that an older bundle has of exactly these graphs."""
    if previous is None or hashes(info) != hashes(previous):
        return info
    kept = {"quality": previous.quality, "runtime_comparison": previous.runtime_comparison}
    return info.model_copy(update=kept)


def hashes(info: BundleIndex) -> dict[str, str]:
    """The SHA-256 of each graph."""
    return {name: graph.sha256 for name, graph in info.graphs.items()}
