"""A run folder -> a bundle: graphs, latents, examples, sheet, index and card, each checked, put in place as one.

Everything is built in a hidden folder beside the target, which is renamed at the very end: whatever goes wrong
before, an existing bundle stays as it was.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from torch import nn

from bundle import images, latents
from bundle.atomic_files import scratch, write_file
from bundle.errors import UserError
from bundle.read import Bundle, read, read_index
from bundle.runner import BundleRunner
from bundle.schema import SCHEMA_VERSION, RuntimeComparison
from bundle.write import CARD, entry, previous_index, put_in_place, write_index
from export import class_directions, curves, float16, graphs, model_card, parity, precision, training_codes
from export.graphs import Facts, Piece
from export.int8 import Inputs
from export.precision import Form
from train.data.dataset import Pictures
from train.data.load import load
from train.run_folder import Run, StageRecord
from train.stages.build import build_stage

SEEDS, EXAMPLES, COLUMNS = 64, 100, 8
MAIN_STAGES = ("gan", "vae")


@dataclass(frozen=True)
class Stage:
    """A stage that goes into the bundle: how it was trained, its averaged networks."""

    record: StageRecord
    networks: dict[str, nn.Module]


@dataclass(frozen=True)
class Latents:
    """The arrays of latents.npz, and the decoder's standard deviation (None without a VAE)."""

    arrays: dict[str, np.ndarray]
    sigma: float | None


def write(run: Run, target: Path, name: str, data: str | None = None, unfinished: bool = False, form: Form = "fp32",
          ) -> Bundle:  # fmt: skip
    """Writes the bundle of a run into the folder `target` and returns its index.

    `data`: where the run's pictures are, by default where it was trained. `form`: how weights are stored. Raises
    UserError, and leaves the target as it was, when a stage may not be exported, a graph fails its checks, or the
    target holds something else.
    """
    target = target.resolve()
    previous = previous_index(target)
    stages = collect(run, unfinished)
    train_set, test_set = pictures_of(run, stages, data)
    latent = latent_statistics(run, stages, train_set, test_set)
    facts = facts_of(run, name, stages)
    pieces = [p for key, stage in stages.items() for p in graphs.pieces(key, stage.networks, run.data)]
    try:
        with scratch(target) as building:
            info = build(building, facts, pieces, test_set, latent, previous, form)
            if info.vae:
                info = training_codes.write(building, train_set)
            if len(info.dataset.classes) > 1:
                info = class_directions.write(building)
            put_in_place(building, target, previous)
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
    size = sum(f.stat().st_size for f in target.iterdir() if f.is_file())
    print(f"{target.name}: {len(pieces)} graphs, {size / 1e6:.1f} MB")
    return info


def build(folder: Path, facts: Facts, pieces: list[Piece], test: Pictures, latent: Latents, previous: Bundle | None,
          form: Form) -> Bundle:  # fmt: skip
    """Writes every file of a bundle into `folder`, index and card last, and opens it as the demo will."""
    results = [write_graph(folder, piece, facts, test.images.numpy()) for piece in pieces]
    print(parity.table(results), flush=True)
    costs = restore(folder, pieces, form, Inputs(pieces, test.images.numpy(), latent.arrays, facts.prior))
    errors = {result.graph: result.worst for result in results} | {cost.graph: cost.error for cost in costs}
    arrays = latent.arrays if form == "fp32" else float16.narrowed(latent.arrays)
    np.savez_compressed(folder / "latents.npz", **arrays)
    write_examples(folder / "examples.npz", test, len(facts.data.classes))
    (folder / "sheet.png").write_bytes(sheet(folder, facts, arrays))
    info = index(folder, facts, pieces, latent.sigma, previous, {cost.graph: form for cost in costs})
    write_index(folder, info)
    unfinished = [key for key, record in facts.records.items() if not record.finished]
    (folder / CARD).write_text(model_card.write(info, errors, unfinished), encoding="utf-8")
    BundleRunner(read(folder)).check()
    return info


def set_runtime_comparison(folder: Path, found: RuntimeComparison) -> None:
    """Stores what other runtimes make of its graphs in the index and the card of a bundle. Raises UserError."""
    info = read_index(folder).model_copy(update={"runtime_comparison": found})
    path = folder / CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else model_card.write(info, {})
    write_file(path, model_card.with_runtime_comparison(text, found).encode())
    write_index(folder, info)


# ---------------------------------------------------------------------------------------- what goes in


def collect(run: Run, unfinished: bool) -> dict[str, Stage]:
    """The stages of a run that can be exported; a printed sentence for each one that is missing.

    Raises UserError when one is untrained, unfinished or damaged, or when there is neither GAN nor VAE.
    """
    found: dict[str, StageRecord] = {}
    for key, names in graphs.STAGE_GRAPHS.items():
        folder, needed = run.folder / key, graphs.NEEDS.get(key)
        if key == "classifier" and not run.data.classes:
            print("The pictures have no classes: the bundle goes without classifier.")
        elif not (folder / "record.json").exists() and (folder / "config.json").exists() and not unfinished:
            raise UserError(f"The {key} of {run.folder} was begun but has no checkpoint yet: let it train first.")
        elif not (folder / "record.json").exists() or (needed and needed not in found):
            print(f"{run.folder} has no {key}: the bundle goes without {', '.join(names)}.")
        else:
            found[key] = graphs.trained(run, key, unfinished)
    if not any(key in found for key in MAIN_STAGES):
        raise UserError(f"{run.folder} has neither a trained gan nor a trained vae: nothing to export.")
    return {key: Stage(record, graphs.networks(run, key)) for key, record in found.items()}


def facts_of(run: Run, name: str, stages: Mapping[str, Stage]) -> Facts:
    """What the bundle says about these stages, with the curves that the run still has."""
    found = {key: curves.of(run.folder / key / "metrics.jsonl") for key in stages}
    records = {key: stage.record for key, stage in stages.items()}
    return Facts(name, run.data, records, {key: curve for key, curve in found.items() if curve})


def pictures_of(run: Run, stages: Iterable[str], data: str | None) -> tuple[Pictures, Pictures]:
    """The run's training and test pictures. Raises UserError when they are not there, or are others."""
    source = data or run.settings(next(iter(stages))).data
    try:
        info, train_set, test_set = load(source, run.data.size, True, run.data.fit, run.data.background)
    except UserError as problem:
        raise UserError(f"{problem} Name the place of the run's pictures with --data.") from problem
    for field in ("channels", "classes", "train_images", "test_images"):
        was, now = getattr(run.data, field), getattr(info, field)
        if was != now:
            what = field.replace("_", " ")
            raise UserError(f"{source} is not what {run.folder} was trained on: {what} {now}, not {was}.")
    return train_set, test_set


def latent_statistics(run: Run, stages: dict[str, Stage], train_set: Pictures, test_set: Pictures) -> Latents:
    """Finished stages have measured them; for unfinished ones it is done here. Raises UserError if not finite."""
    arrays: dict[str, np.ndarray] = {}
    for key in MAIN_STAGES:
        if key not in stages:
            continue
        if stages[key].record.finished:
            arrays |= {k: v for k, v in run.latents().items() if (k == "w_mean") == (key == "gan")}
            if key == "vae":
                arrays["sigma"] = np.float32(run.sigma)
        else:
            print(f"The {key} is not finished: its latent statistics are measured now.", flush=True)
            stage = build_stage(key, run.settings(key), run.data, run)
            found = stage.finish(nn.ModuleDict(stages[key].networks), train_set, test_set)
            arrays |= {k: v.numpy() for k, v in found.items()}
    sigma = float(arrays.pop("sigma")) if "sigma" in arrays else None
    for key, values in arrays.items():
        if not np.isfinite(values).all():
            raise UserError(f"The latent statistics of {run.folder} are not finite ({key}): train it again.")
    return Latents({key: values.astype(np.float32) for key, values in arrays.items()}, sigma)


# ---------------------------------------------------------------------------------------------- files


def write_graph(folder: Path, piece: Piece, facts: Facts, pictures: np.ndarray | None) -> parity.Parity:
    """Exports, checks and writes one graph; prints its line. Raises UserError when it fails a check."""
    began = time.monotonic()
    data = checked_graph(piece, facts)
    result = parity.parity(piece, data, pictures)
    (folder / f"{piece.name}.onnx").write_bytes(data)
    size, seconds = len(data) / 1e6, time.monotonic() - began
    print(f"  {piece.name:11s}{piece.parameters:>11,} parameters {size:7.2f} MB {seconds:6.1f} s", flush=True)
    return result


def restore(folder: Path, pieces: list[Piece], form: Form, inputs: Inputs) -> list[precision.Cost]:
    """Stores written graphs in another form; returns what it costs those that took it.

    A graph that int8 does not suit stays float32, and a printed sentence says why: it seldom suits all. Of the other
    forms Unsuited is raised.
    """
    costs = []
    stages = {piece.stage: [other for other in pieces if other.stage == piece.stage] for piece in pieces}
    groups = [[piece] for piece in pieces] if form == "int8" else list(stages.values())
    for group in groups if form != "fp32" else ():
        paths = [folder / f"{piece.name}.onnx" for piece in group]
        try:
            found = precision.together(group, [path.read_bytes() for path in paths], form, inputs)
        except precision.Unsuited as problem:
            if form != "int8":
                raise
            print(f"  {group[0].name} stays float32. {problem.reason}", flush=True)
            continue
        for path, (data, cost) in zip(paths, found, strict=True):
            path.write_bytes(data)
            costs.append(cost)
    if costs:
        print(precision.table(costs, form), flush=True)
    return costs


def checked_graph(piece: Piece, facts: Facts) -> bytes:
    """The bytes of a graph whose structure has been checked."""
    model = graphs.to_onnx(piece, facts)
    parity.check_structure(model, piece)
    return model.SerializeToString(deterministic=True)


def write_examples(path: Path, test: Pictures, classes: int) -> None:
    """100 held-out pictures (all, if there are fewer): the classes in turn, or spread evenly without classes."""
    labels = test.labels.numpy()
    if classes:
        queues = [np.flatnonzero(labels == k)[:EXAMPLES] for k in range(classes)]
        ranked = [queue[rank] for rank in range(EXAMPLES) for queue in queues if rank < len(queue)]
        chosen = np.array(ranked[:EXAMPLES], dtype=np.int64)
    else:
        chosen = np.unique(np.linspace(0, len(labels) - 1, EXAMPLES).round().astype(np.int64))
    pictures = np.ascontiguousarray(test.images.numpy()[chosen].transpose(0, 2, 3, 1))
    np.savez_compressed(path, images=pictures, labels=labels[chosen].astype(np.int64))


def sheet(folder: Path, facts: Facts, arrays: dict[str, np.ndarray]) -> bytes:
    """Seeds 0 to 63 as one PNG, drawn by the exported generator (the decoder, where there is no GAN)."""
    count, seeds = len(facts.data.classes), range(SEEDS)
    weights = np.eye(count, dtype=np.float32)[[seed % count for seed in seeds]] if count else None
    graph = "generator" if (folder / "generator.onnx").exists() else "decoder"
    runtime = parity.session((folder / f"{graph}.onnx").read_bytes())
    if graph == "generator":
        normal = np.stack([latents.seed_latent(seed, runtime.get_inputs()[0].shape[1]) for seed in seeds])
        feed = {"z": latents.from_normal(normal, facts.prior)}
        feed |= {"classes": weights} if weights is not None else {}
    else:
        mixture = latents.Mixture.from_latents(arrays)
        feed = {"z": np.stack([mixture.sample(s, None if weights is None else weights[s]) for s in seeds])}
    (pictures,) = runtime.run(["image"], feed)
    return images.png(images.sheet(images.to_uint8(pictures), COLUMNS), level=9)


def index(folder: Path, facts: Facts, pieces: list[Piece], sigma: float | None, previous: Bundle | None,
          taken: Mapping[str, Form]) -> Bundle:  # fmt: skip
    """bundle.json of the files in `folder`; `taken`: the form of each graph that is not float32.

    Figures of quality and the comparison of runtimes stay while every graph stays the same."""
    by_name = {piece.name: piece for piece in pieces}
    written = {}
    for name, piece in by_name.items():
        written[name] = entry(folder / f"{name}.onnx").model_dump() | {
            "opset": graphs.OPSET,
            "precision": taken.get(name, "fp32"),
            "parameters": piece.parameters,
            "inputs": [{"name": n, "shape": ["batch", *shape]} for n, shape in piece.inputs.items()],
            "outputs": [{"name": n, "shape": ["batch", *shape]} for n, shape in piece.outputs.items()],
        }
    gan = vae = None
    if "generator" in by_name:
        stages, w_dim = by_name["synthesis"].inputs["w"]
        z = by_name["generator"].inputs["z"][0]
        gan = {"latent_dim": z, "w_dim": w_dim, "stages": stages, "prior": facts.prior}
    if "decoder" in by_name:
        config = facts.records["vae"].config
        vae = {"latent_dim": by_name["decoder"].inputs["z"][0], "sigma": sigma}
        vae |= {name: config[name] for name in ("likelihood", "binarize") if name in config}  # older runs had no choice
    info = Bundle.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "name": facts.bundle,
            "title": facts.data.title,
            "created": datetime.now(UTC).replace(microsecond=0),
            "dataset": {
                "source": facts.data.source,
                "licence": facts.data.licence,
                "classes": facts.data.classes,
                "train_images": facts.data.train_images,
                "test_images": facts.data.test_images,
                "fit": facts.data.fit,
                "background": facts.data.background,
            },
            "image": {"channels": facts.data.channels, "size": facts.data.size},
            "max_batch": graphs.MAX_BATCH,
            "graphs": written,
            "files": {
                "latents": entry(folder / "latents.npz"),
                "examples": entry(folder / "examples.npz"),
                "sheet": entry(folder / "sheet.png"),
            },
            "gan": gan,
            "vae": vae,
            "quality": None,
            "training": {
                key: {
                    "command": graphs.public_command(record.command),
                    "seconds": record.seconds,
                    "images": record.images,
                    "hardware": record.hardware,
                    "settings": graphs.public_settings(record.config),
                    "curve": facts.curves.get(key),
                }
                for key, record in facts.records.items()
            },
        }
    )
    hashes = {name: graph.sha256 for name, graph in info.graphs.items()}
    if previous and hashes == {name: graph.sha256 for name, graph in previous.graphs.items()}:
        kept = {"quality": previous.quality, "runtime_comparison": previous.runtime_comparison}
        info = info.model_copy(update=kept)
    return info
