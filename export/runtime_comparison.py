"""`python -m export check BUNDLE`: every graph in every installed runtime, compared with the reference evaluator."""

import shlex
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np

from bundle import differences
from bundle.adapter import adapt
from bundle.errors import UserError, first_line
from bundle.feeds import Feed, GraphFunction
from bundle.printable import printable
from bundle.processors import usable_cores
from bundle.read import OpenBundle, graph_bytes, read
from bundle.runner import BundleRunner
from bundle.schema import GraphDifference, RuntimeComparison, RuntimeResult
from bundle.trial_inputs import TrialInputs
from bundle.write import card_of, update_bundle
from export import model_card, parity, runtime_tables
from export.runtimes import RUNTIMES, Runtime, RuntimeName
from train.hardware import processor
from train.progress_bar import ProgressBar, progress_bar

BATCHES = parity.BATCHES
ROWS = max(BATCHES)
TIMED_RUNS, MOST_SECONDS = 5, 2.0  # runs that are timed; fewer once they have taken so many seconds in all
# Precision of a graph -> most grey levels, and most of max(1, |value|), by which a float32 runtime may differ. Where a
# graph rounds inside, to float16 or to integers, the last digit before it may decide so much.
BOUNDS: dict[str, tuple[float, float]] = {
    "fp32": (1, 1e-3),
    "fp16-stored": (1, 1e-3),
    "fp16": (8, 0.05),
    "int8": (32, 0.25),
}
# By how much a row of a batch may differ from that row alone in onnxruntime, as shares of max(1, |value|): as far as
# parity allows a graph, of which a bundle does not say whether it solves a system. A product with a weight that is no
# constant is rounded otherwise for a single row.
MOST_ALONE = parity.SOLVED_BOUND
COARSE = (64, 0.5)  # bounds of bfloat16, which has 8 bits: its difference is shown, and only nonsense is refused


@dataclass
class Results:
    """What was measured, by label of the runtime and graph, and a sentence for each that failed."""

    measured: dict[tuple[str, str], GraphDifference] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)


def check_bundle(folder: Path, names: Sequence[RuntimeName] = get_args(RuntimeName), write: bool = False) -> str:
    """Runs every graph of a bundle in those of the named runtimes that are installed; returns the printed table.

    `write` stores it in the bundle's index and card. Raises UserError, after printing the table, when a runtime cannot
    run a graph, differs too much from the reference evaluator, or onnxruntime's rows depend on their batch; nothing is
    stored then. Raises BundleError for a folder that is no valid bundle.
    """
    opened = read(folder)
    chosen = [runtime for runtime in RUNTIMES if runtime.name in names or runtime.name == "reference"]
    gaps = {runtime.label: gap for runtime in chosen if (gap := runtime.gap())}
    here = [runtime for runtime in chosen if runtime.label not in gaps]
    inputs = TrialInputs.of_bundle(opened, BundleRunner(opened).run)
    feeds = {graph: inputs.rows(graph, range(ROWS)) for graph in opened.info.graphs}
    results = Results()
    with progress_bar("", len(feeds) * len(here), "graphs") as bar:
        for graph, feed in feeds.items():
            try_graph(opened, graph, here, feed, results, bar)
    found = RuntimeComparison(
        command=command(folder, names),
        hardware=f"{processor()}, {usable_cores()} thread(s)",
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
        store(opened, found)
    return text


def store(bundle: OpenBundle, found: RuntimeComparison) -> None:
    """Stores a comparison in the index and in the card of a bundle, which gets a card where it has none. Raises as
    `update_bundle` does."""
    info = bundle.info.model_copy(update={"runtime_comparison": found})
    card = card_of(bundle.folder) or model_card.new_card(info)
    update_bundle(bundle, info, card=model_card.with_runtime_comparison(card, found))


def try_graph(opened: OpenBundle, graph: str, runtimes: Sequence[Runtime], feed: Feed, results: Results,
              bar: ProgressBar) -> None:  # fmt: skip
    """Runs one graph in each runtime, the reference first. Raises UserError when the reference cannot run it."""
    facts = opened.info.graphs[graph]
    data, adapter = graph_bytes(opened, graph), facts.adapter
    outputs = [adapter.image] if adapter else [tensor.name for tensor in facts.outputs]
    wanted: list[np.ndarray] = []
    for runtime in runtimes:
        bar.set_description(f"{graph} in {runtime.label}")
        key = runtime.label, graph
        try:
            with runtime.load(data, outputs) as loaded:
                run = adapt(loaded, adapter) if adapter else loaded
                wanted = wanted or run(feed)
                results.measured[key] = measure(graph, run, feed, wanted)
        except Exception as problem:  # each runtime has errors of its own
            results.failed[key] = f"{runtime.label} does not run graph '{graph}' ({first_line(problem)})."
            if not wanted:  # nothing to compare the others with
                raise UserError(results.failed[key]) from problem
        else:
            if reason := fault(runtime, results.measured[key], facts.precision):
                results.failed[key] = reason
        bar.update()


def entry(runtime: Runtime, gap: str, results: Results) -> RuntimeResult:
    """What the bundle stores about one runtime."""
    if gap:
        return RuntimeResult(runtime=runtime.label, gap=gap)
    graphs = tuple(c for (label, _), c in results.measured.items() if label == runtime.label)
    return RuntimeResult(runtime=runtime.label, version=runtime.version(), graphs=graphs)


def command(folder: Path, names: Sequence[RuntimeName]) -> str:
    """The command that repeats the comparison."""
    some = [] if set(names) == set(get_args(RuntimeName)) else ["--runtimes", *names]
    return printable(shlex.join(["python", "-m", "export", "check", folder.resolve().name, *some]))


def measure(graph: str, run: GraphFunction, feed: Feed, wanted: Sequence[np.ndarray]) -> GraphDifference:
    """Compares one graph in one runtime with the outputs `wanted` of all rows, at every batch size and row by row.

    Raises ValueError when an output has another shape or is not finite.
    """

    def outputs(rows: slice) -> list[np.ndarray]:
        got = run({name: values[rows] for name, values in feed.items()})
        for one, right in zip(got, wanted, strict=True):
            if problem := differences.fault(one, right[rows].shape):
                raise ValueError(f"an output {problem}")
        return got

    alone = [outputs(slice(row, row + 1)) for row in range(ROWS)]
    errors: list[np.ndarray] = []
    apart = 0.0
    for batch in BATCHES:
        got = outputs(slice(batch))
        unit, found = differences.per_value(got, [right[:batch] for right in wanted])
        errors += found
        for row in range(batch):
            change = differences.difference(alone[row], [many[row : row + 1] for many in got])
            apart = max(apart, change.largest)
    seconds: list[float] = []
    while len(seconds) < TIMED_RUNS and sum(seconds) < MOST_SECONDS:
        began = time.perf_counter()
        run(feed)
        seconds.append(time.perf_counter() - began)
    return GraphDifference(
        graph=graph,
        unit=unit,
        largest=rounded(max(float(e.max()) for e in errors)),
        mean=rounded(sum(float(e.sum()) for e in errors) / sum(e.size for e in errors)),
        alone=rounded(apart),
        speed=rounded(ROWS / statistics.median(seconds)),
    )


def rounded(value: float) -> float:
    """Four significant digits; the others are noise."""
    return float(f"{value:.4g}")


def fault(runtime: Runtime, found: GraphDifference, precision: str) -> str:
    """Why a graph fails in a runtime, as a sentence; empty when it passes."""
    levels, share = BOUNDS.get(precision, BOUNDS["fp32"]) if runtime.exact else COARSE
    most = levels if found.unit == "grey levels" else share
    if not found.largest <= most:
        return (f"{runtime.label} is off by {found.largest:.3g} ({found.unit}) in graph '{found.graph}'; {most:g} is "
                "allowed.")  # fmt: skip
    most_alone = MOST_ALONE * (255 if found.unit == "grey levels" else 1)
    if runtime.name == "onnxruntime" and found.alone > most_alone:
        return f"In {runtime.label}, rows of graph '{found.graph}' depend on their batch, by {found.alone:.1e}."
    return ""
