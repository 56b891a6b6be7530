"""`python -m export check BUNDLE`: every graph in every runtime that is here, held against the reference evaluator."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np
from tqdm import tqdm

from bundle import latents
from bundle.errors import UserError
from bundle.images import from_uint8
from bundle.model import BundleModel
from bundle.read import OpenBundle, graph_bytes, read
from bundle.runner import BundleRunner
from bundle.schema import GraphDifference, RuntimeComparison, RuntimeResult
from export import assemble, parity, runtime_tables
from export.runtimes import RUNTIMES, Feed, Run, Runtime, RuntimeName
from train.loop import usable_threads
from train.recorder import processor

ALL: tuple[RuntimeName, ...] = get_args(RuntimeName)
BATCHES = parity.BATCHES
ROWS = max(BATCHES)
TIMES, PATIENCE = 5, 2.0  # runs that are timed, fewer once they have taken so many seconds together
GREY, SHARE = "grey levels", "share"
# Form of a graph -> most grey levels and most of max(1, |value|) by which a float32 runtime may differ. Where a graph
# rounds inside, to float16 or to integers, so much may hang on the last digit before it.
BOUNDS: dict[str, tuple[float, float]] = {
    "fp32": (1, 1e-3),
    "fp16-stored": (1, 1e-3),
    "fp16": (8, 0.05),
    "int8": (32, 0.25),
}
COARSE = (64, 0.5)  # a bfloat16 has 8 bits: what it costs is shown; only nonsense is refused


@dataclass
class Results:
    """What was measured, by label of the runtime and graph; for each that failed, a sentence."""

    measured: dict[tuple[str, str], GraphDifference] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)


def check_bundle(folder: Path, names: Sequence[RuntimeName] = ALL, write: bool = False) -> str:
    """Runs every graph of a bundle in those runtimes that are here; returns the table.

    `write` stores it in the bundle's index and card. Raises UserError, after printing the table, when a runtime
    cannot run a graph, gives other numbers than the reference evaluator, or onnxruntime's rows depend on their batch;
    nothing is stored then. Raises BundleError for what is no valid bundle.
    """
    opened = read(folder)
    chosen = [runtime for runtime in RUNTIMES if runtime.name in names or runtime.name == "reference"]
    gaps = {runtime.label: gap for runtime in chosen if (gap := runtime.gap())}
    here = [runtime for runtime in chosen if runtime.label not in gaps]
    feeds = inputs(BundleModel(BundleRunner(opened)))
    results = Results()
    with tqdm(total=len(feeds) * len(here), unit="graph", leave=False, disable=None) as progress:
        for graph, feed in feeds.items():
            try_graph(opened, graph, here, feed, results, progress)
    found = RuntimeComparison(
        command=command(folder, names),
        hardware=f"{processor()}, {usable_threads()} thread(s)",
        reference=chosen[0].label,
        batches=BATCHES,
        runtimes=tuple(entry(runtime, gaps.get(runtime.label, ""), results) for runtime in chosen),
    )
    text = runtime_tables.printed(opened.info.name, found, list(feeds), results.failed)
    if results.failed:
        print(text)
        hint = " Nothing was written; --runtimes leaves runtimes out." if write else ""
        raise UserError(" ".join(results.failed.values()) + hint)
    if write:
        assemble.set_runtime_comparison(folder, found)
    return text


def try_graph(opened: OpenBundle, graph: str, runtimes: Sequence[Runtime], feed: Feed, results: Results,
              progress: tqdm) -> None:  # fmt: skip
    """One graph in each runtime, the reference first. Raises UserError when that one cannot run it."""
    facts = opened.info.graphs[graph]
    data, outputs = graph_bytes(opened, graph), [tensor.name for tensor in facts.outputs]
    wanted: list[np.ndarray] = []
    for runtime in runtimes:
        progress.set_description(f"{graph} in {runtime.label}")
        place = runtime.label, graph
        try:
            with runtime.load(data, outputs) as run:
                wanted = wanted or run(feed)
                results.measured[place] = measure(graph, run, feed, wanted)
        except Exception as problem:  # each runtime has errors of its own
            lines = str(problem).strip().splitlines() or [type(problem).__name__]
            results.failed[place] = f"{runtime.label} does not run graph '{graph}' ({lines[0][:200]})."
            if not wanted:  # nothing to hold the others against
                raise UserError(results.failed[place]) from problem
        else:
            if reason := fault(runtime, results.measured[place], facts.precision):
                results.failed[place] = reason
        progress.update()


def entry(runtime: Runtime, gap: str, results: Results) -> RuntimeResult:
    """What the bundle keeps of one runtime."""
    if gap:
        return RuntimeResult(runtime=runtime.label, gap=gap)
    graphs = tuple(c for (label, _), c in results.measured.items() if label == runtime.label)
    return RuntimeResult(runtime=runtime.label, version=runtime.version(), graphs=graphs)


def command(folder: Path, names: Sequence[RuntimeName]) -> str:
    """The command that repeats it."""
    some = "" if set(names) == set(ALL) else f" --runtimes {' '.join(names)}"
    return f"python -m export check {folder.resolve().name}{some}"


def inputs(bundle_model: BundleModel) -> dict[str, dict[str, np.ndarray]]:
    """For each graph `ROWS` rows by input, as the demo makes them: styles, codes, held-out pictures, masks; seeded."""
    info, examples = bundle_model.info, bundle_model.runner.bundle.examples
    seeds, count = range(ROWS), len(info.dataset.classes)
    classes = parity.class_blends(seeds, count) if count else None
    image = from_uint8(examples[[seed % len(examples) for seed in seeds]])
    mask = parity.masks(ROWS, info.image.size, seed=0)
    feeds: dict[str, dict[str, np.ndarray]] = {}
    for graph, facts in info.graphs.items():
        feed: dict[str, np.ndarray] = {}
        for tensor in facts.inputs:
            if tensor.name == "z":
                feed["z"] = bundle_model.codes(seeds) if graph == "decoder" else noise(bundle_model, seeds)
            elif tensor.name == "w":
                feed["w"] = bundle_model.styles(seeds, classes)
            else:
                feed[tensor.name] = {"image": image, "mask": mask, "classes": classes}[tensor.name]
        if "mask" in feed:
            feed["image"] = image * mask  # what is unknown is zero, as in the demo
        feeds[graph] = feed
    return feeds


def noise(bundle_model: BundleModel, seeds: Sequence[int]) -> np.ndarray:
    """The generator's z [N, D] of seeds."""
    normal = np.stack([latents.seed_latent(seed, bundle_model.info.gan.latent_dim) for seed in seeds])
    return latents.from_normal(normal, bundle_model.info.gan.prior)


def measure(graph: str, run: Run, feed: Feed, wanted: Sequence[np.ndarray]) -> GraphDifference:
    """One graph in one runtime, at every batch size and row by row, against the outputs `wanted` of all rows.

    Raises ValueError when an output has another shape or is not finite.
    """
    picture = len(wanted) == 1 and wanted[0].ndim == 4

    def outputs(rows: slice) -> list[np.ndarray]:
        got = run({name: values[rows] for name, values in feed.items()})
        for one, right in zip(got, wanted, strict=True):
            if one.shape != right[rows].shape or not np.isfinite(one).all():
                raise ValueError(f"it gives {one.shape} for {right[rows].shape}, or values that are not finite")
        return got

    alone = [outputs(slice(row, row + 1)) for row in range(ROWS)]
    errors, apart = [], 0.0
    for batch in BATCHES:
        got = outputs(slice(batch))
        errors += [distance(one, right[:batch], picture) for one, right in zip(got, wanted, strict=True)]
        for row in range(batch):
            pairs = zip(alone[row], got, strict=True)
            apart = max(apart, *(float(distance(one[0], many[row], picture).max()) for one, many in pairs))
    seconds: list[float] = []
    while len(seconds) < TIMES and sum(seconds) < PATIENCE:
        began = time.perf_counter()
        run(feed)
        seconds.append(time.perf_counter() - began)
    return GraphDifference(
        graph=graph,
        unit=GREY if picture else SHARE,
        largest=rounded(max(float(e.max()) for e in errors)),
        mean=rounded(sum(float(e.sum()) for e in errors) / sum(e.size for e in errors)),
        alone=rounded(apart),
        speed=rounded(ROWS / statistics.median(seconds)),
    )


def distance(got: np.ndarray, wanted: np.ndarray, picture: bool) -> np.ndarray:
    """How far values are apart: grey levels of 255, or shares of max(1, |value|)."""
    apart = np.abs(got.astype(np.float64) - wanted)
    return 255 * apart if picture else apart / np.maximum(1, np.abs(wanted))


def rounded(value: float) -> float:
    """Four figures: what else there is, is noise."""
    return float(f"{value:.4g}")


def fault(runtime: Runtime, found: GraphDifference, form: str) -> str:
    """Why a graph fails in a runtime, a sentence; empty when it passes."""
    levels, share = BOUNDS.get(form, BOUNDS["fp32"]) if runtime.exact else COARSE
    most = levels if found.unit == GREY else share
    if not found.largest <= most:
        return (f"{runtime.label} is off by {found.largest:.3g} ({found.unit}) in graph '{found.graph}'; {most:g} is "
                "allowed.")  # fmt: skip
    if runtime.name == "onnxruntime" and found.alone:
        return f"In {runtime.label}, rows of graph '{found.graph}' depend on their batch, by {found.alone:.1e}."
    return ""
