"""How fast every runtime draws the GAN's pictures of the released bundles, in one process, in turn.

    python -m benchmarks.runtimes artifacts

Every runtime draws the same pictures from the same styles (the graph `synthesis`) in float32. Where one differs from
the engine by more than a grey level, its figure is marked; where it has no figure, the reason stands below the
tables. Printed as Markdown and stored in benchmarks/results/runtimes.json.
"""

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import onnxruntime as ort
import torch
import tyro

from benchmarks import results
from benchmarks.contest import SAME, Draw, compiled, drifts, generator_of, in_torch, speeds
from bundle.errors import UserError, first_line
from bundle.feeds import Feed
from bundle.read import OpenBundle, discover, graph_bytes
from bundle.runner import BundleRunner
from bundle.sessions import CPU, choose_provider
from bundle.trial_inputs import TrialInputs
from demo.serving.engine import Engine
from export.markdown import table
from export.runtimes import NCNN, RUNTIMES
from train.help_texts import reflowed

GRAPH = "synthesis"
OURS, PLAIN = "Twofold", "onnxruntime, defaults"
EAGER, COMPILED = "PyTorch, eager", "PyTorch, torch.compile"
LOADED = [one for one in (*RUNTIMES, NCNN) if one.name in ("openvino", "opencv", "ncnn", "web")]
NAMES = (OURS, PLAIN, *(runtime.label for runtime in LOADED), EAGER, COMPILED)

Contestant = Callable[[Feed], Draw]  # inputs -> what draws their pictures


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to measure."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("artifacts")
    """Folder of the bundles."""
    only: tuple[str, ...] = ()
    """Names of bundles; default: all."""
    batches: tuple[int, ...] = (1, 16, 64)
    """Pictures at once."""
    rounds: int = 5
    """Rounds of each batch."""
    seconds: float = 0.2
    """How long a runtime draws in a round."""


@dataclass(frozen=True)
class Result:
    """One runtime on one bundle at one batch size. `drift`: from the engine's pictures, in grey levels."""

    bundle: str
    batch: int
    runtime: str
    pictures_per_second: float
    drift: float


@dataclass
class Gaps:
    """Why runtimes have no figures, in sentences, by runtime: of all bundles, or of one that the sentence names."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, runtime: str, reason: str) -> None:
        """Keeps a reason, once."""
        reasons = self.found.setdefault(runtime, [])
        if reason not in reasons:
            reasons.append(reason)

    def sentences(self) -> dict[str, str]:
        """All reasons of each runtime, one after the other."""
        return {runtime: " ".join(reasons) for runtime, reasons in self.found.items()}


def contestants(bundle: OpenBundle, stack: ExitStack, gaps: Gaps) -> Iterator[tuple[str, Contestant]]:
    """Every runtime that can be tried; `gaps` gets a sentence for each that cannot."""
    engine = Engine(bundle, choose_provider("cpu"))
    yield OURS, lambda rows: lambda: engine.run(GRAPH, rows)["image"]
    data = graph_bytes(bundle, GRAPH)
    plain = ort.InferenceSession(data, providers=[CPU])
    yield PLAIN, lambda rows: lambda: plain.run(None, dict(rows))[0]
    for runtime in LOADED:
        if gap := runtime.gap():
            gaps.add(runtime.label, gap)
            continue
        try:
            run = stack.enter_context(runtime.load(data, ["image"]))
        except Exception as problem:  # each runtime has errors of its own
            gaps.add(runtime.label, f"{bundle.info.name}: {first_line(problem).rstrip('.')}.")
        else:
            yield runtime.label, lambda rows, run=run: lambda: run(rows)[0]  # type: ignore[misc]
    try:
        net = generator_of(bundle).get_submodule(GRAPH)
    except UserError as problem:
        for label in (EAGER, COMPILED):
            gaps.add(label, f"{bundle.info.name}: {problem}")
        return
    yield EAGER, lambda rows: in_torch(net, rows)
    torch.compiler.reset()  # it keeps a few codes of each function, and then gives up unnoticed
    code = compiled(net)
    yield COMPILED, lambda rows: in_torch(code, rows)


def compare(bundle: OpenBundle, settings: Settings, gaps: Gaps) -> Iterator[Result]:
    """Every runtime on one bundle, at every batch."""
    name = bundle.info.name
    with ExitStack() as stack:
        found = dict(contestants(bundle, stack, gaps))
        inputs = TrialInputs.of_bundle(bundle, BundleRunner(bundle).run)
        for batch in settings.batches:
            rows = inputs.rows(GRAPH, range(batch))
            ours = found[OURS](rows)
            draws, apart = {}, {}
            for label, contestant in found.items():
                draw = contestant(rows)
                try:
                    apart[label] = drifts({OURS: ours, label: draw})[label]
                except Exception as problem:
                    gaps.add(label, f"{name}, {batch} at once: {first_line(problem).rstrip('.')}.")
                else:
                    draws[label] = draw
            fast = speeds(draws, batch, settings.rounds, settings.seconds)
            for label in draws:
                yield Result(name, batch, label, round(fast[label], 1), apart[label])


def measure(settings: Settings) -> dict:
    """Every runtime on every bundle; prints the tables. Raises UserError when there is no such bundle."""
    bundles = [b for b in discover(settings.folder)[0] if GRAPH in b.info.graphs]
    if unknown := set(settings.only) - {bundle.info.name for bundle in bundles}:
        raise UserError(f"{settings.folder} has no bundle {', '.join(sorted(unknown))} with a graph '{GRAPH}'.")
    found: list[Result] = []
    gaps = Gaps()
    for bundle in bundles:
        if not settings.only or bundle.info.name in settings.only:
            found += compare(bundle, settings, gaps)
            print(f"{bundle.info.name} is measured.", file=sys.stderr, flush=True)
    if not found:
        raise UserError(f"{settings.folder} has no bundle with a graph '{GRAPH}'.")
    print(printed(found, gaps.sentences()))
    return {
        "graph": GRAPH,
        "hardware": results.hardware(),
        "versions": versions(),
        "results": [asdict(one) for one in found],
        "gaps": gaps.sentences(),
    }


def printed(found: list[Result], gaps: dict[str, str]) -> str:
    """A table a batch size, a line a runtime, a column a bundle; then the gaps and the versions."""
    bundles = list(dict.fromkeys(one.bundle for one in found))
    blocks = []
    for batch in dict.fromkeys(one.batch for one in found):
        cells = {(one.runtime, one.bundle): cell(one) for one in found if one.batch == batch}
        rows = [
            (name, *(cells.get((name, bundle), "–") for bundle in bundles))
            for name in NAMES
            if any(runtime == name for runtime, _ in cells)
        ]
        blocks.append(table((f"pictures a second, {batch} at once", *bundles), "l" + "r" * len(bundles), rows))
    largest = max(one.drift for one in found)
    blocks.append(f"Grey levels by which any picture differs from the engine's, at most: {largest:.2f}.")
    blocks += [f"No figure: {label}. {gap}" for label, gap in gaps.items()]
    blocks.append(f"On {results.hardware()}; {', '.join(f'{name} {value}' for name, value in versions().items())}.")
    return "\n\n".join(blocks)


def cell(one: Result) -> str:
    """Its speed; marked where it draws another picture."""
    return f"{one.pictures_per_second:,.0f}{'' if one.drift <= SAME else ' (another picture)'}"


def versions() -> dict[str, str]:
    """The runtimes that are here, with their versions."""
    loaded = {runtime.label: runtime.version() for runtime in LOADED if not runtime.gap()}
    return {"onnxruntime": ort.__version__} | loaded | {"PyTorch": importlib.metadata.version("torch")}


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("runtimes", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
