"""How fast a released generator draws in this project's engine and in other runtimes, in one process, in turn.

    python -m benchmarks.serve artifacts/mnist

Every contestant draws the same latents and classes. Those that draw the engine's picture, no pixel more than one grey
level off, are compared apart from those that do not: some choose bfloat16 by themselves. In each round every contestant
draws for a moment, and the figure is the median of the rounds, so that a busy second affects all alike. Shares are of
the machine's peak, which a large matrix product in torch reaches in the same run. Stored in
benchmarks/results/serve.json.
"""

import importlib.metadata
import importlib.util
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime as ort
import torch
import tyro
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import results
from benchmarks.contest import SAME, Draw, compiled, drifts, generator_of, in_torch, speed, speeds, tensors
from bundle.read import graph_bytes, read
from bundle.sessions import CUDA, choose_provider, open_session
from bundle.trial_inputs import Rows, TrialInputs
from demo.serving.engine import Engine
from export import runtimes
from export.runtimes import openvino_core

PEAK_SIDE, PEAK_ROUNDS = 2048, 5  # of the matrix product; it takes as long as so many rounds of a contestant
PACKAGES = ("torch", "openvino", "onnxruntime-ep-openvino", "numpy")
OURS = "twofold"


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Run that the bundle was made of: PyTorch draws with its networks. Default: with the weights in the bundle."""
    batches: tuple[int, ...] = (1, 16, 64)
    """Pictures at once."""
    rounds: int = 15
    """Rounds of each batch."""
    seconds: float = 0.2
    """How long a contestant draws in a round."""
    provider: str = "auto"
    """Processor of the engine: auto, cpu, cuda, openvino."""
    compile: bool = True
    """Let torch.compile take part; it needs a C++ compiler and some minutes."""
    store: str = "serve"
    """Name of the file in benchmarks/results/, or a path, without .json."""


def inputs(engine: Engine, batch: int) -> Rows:
    """The generator's inputs for the seeds 0 to batch - 1."""
    return TrialInputs.of_bundle(engine.bundle, engine.run).seed_rows("generator", range(batch))


def contestants(
    settings: Settings, engine: Engine, net: nn.Module, rows: Rows, stack: ExitStack
) -> Iterator[tuple[str, Draw]]:
    """Who draws; the first one is this project's engine."""
    yield OURS, lambda: engine.run("generator", rows)["image"]
    data = graph_bytes(engine.bundle, "generator")
    cuda = engine.active == CUDA
    plain = ort.InferenceSession(data, providers=[CUDA, "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"])
    yield "onnxruntime, defaults", lambda: plain.run(None, rows)[0]
    if cuda:  # the engine replays CUDA graphs
        session = open_session(data, choose_provider("cuda"))
        yield "twofold, no CUDA graphs", lambda: session.run(["image"], rows)[0]
    if importlib.util.find_spec("openvino") and not cuda:
        exact = stack.enter_context(runtimes.openvino("f32")(data, ["image"]))
        yield "OpenVINO, float32", lambda: exact(rows)[0]
        yield "OpenVINO, defaults", openvino(data, rows)
    device = "cuda" if cuda else "cpu"
    net = net.to(device)
    yield "torch eager", in_torch(net, rows, device)
    yield "torch bf16", in_torch(net, rows, device, torch.bfloat16)
    if settings.compile:
        yield "torch.compile", in_torch(compiled(net), rows, device)
        if cuda:
            yield "torch.compile, CUDA graphs", in_torch(compiled(net, "reduce-overhead"), rows, device)


def openvino(data: bytes, rows: Rows) -> Draw:
    """OpenVINO's own runtime as its manual shows it, with its own choice of arithmetic."""
    core = openvino_core()
    hint = "LATENCY" if len(rows["z"]) == 1 else "THROUGHPUT"
    model = core.compile_model(core.read_model(data), "CPU", {"PERFORMANCE_HINT": hint})
    return lambda: model(rows)[0]


def peak(device: str, seconds: float) -> float:
    """Float32 operations per second of a large matrix product in torch."""
    a = torch.rand(PEAK_SIDE, PEAK_SIDE, device=device)

    def product() -> np.ndarray:
        return (a @ a)[0, 0].cpu().numpy()

    product()
    return speed(product, 1, seconds) * 2 * PEAK_SIDE**3


def operations(net: nn.Module, rows: Rows) -> float:
    """Float32 operations of one picture, two for each multiplication with its addition."""
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        net(*tensors(rows, "cpu"))
    return counter.get_total_flops() / len(rows["z"])


def measure(settings: Settings) -> dict:
    """Every contestant at every batch. Raises UserError when one draws other pictures."""
    engine = Engine(read(settings.bundle), choose_provider(settings.provider))
    net = generator_of(engine.bundle, settings.run)
    device = "cuda" if engine.active == CUDA else "cpu"
    cost, table = operations(net, inputs(engine, 4)), {}
    peaks = [peak(device, PEAK_ROUNDS * settings.seconds)]
    for batch in settings.batches:
        rows = inputs(engine, batch)
        with ExitStack() as stack:
            draws = dict(contestants(settings, engine, net, rows, stack))
            apart = drifts(draws)
            fast = speeds(draws, batch, settings.rounds, settings.seconds)
        table[str(batch)] = {
            name: {
                "pictures_per_second": round(fast[name], 1),
                "largest_drift": apart[name],
                "same_picture": apart[name] <= SAME,
            }
            for name in draws
        }
        peaks.append(peak(device, PEAK_ROUNDS * settings.seconds))
        print("\n".join(lines(batch, fast, apart, cost / statistics.median(peaks))), flush=True)
    return {
        "bundle": engine.bundle.info.name,
        "precision": engine.bundle.info.graphs["generator"].precision,
        "processor": engine.reason,
        "hardware": results.hardware(),
        "versions": versions(),
        "operations_per_picture": cost,
        "peak_operations_per_second": round(statistics.median(peaks)),
        "batches": table,
    }


def versions() -> dict[str, str]:
    """The runtimes that are here, with their versions. The package of onnxruntime has several names."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES if installed(name)}
    return {"onnxruntime": ort.__version__} | packages


def lines(batch: int, fast: dict[str, float], apart: dict[str, float], share: float) -> list[str]:
    """Two tables: who draws the same picture as the engine, and who draws another. `share`: of the machine's peak that
    a picture a second takes."""
    same = [name for name in fast if apart[name] <= SAME]
    others = [name for name in fast if name not in same]
    best = max((name for name in same if name != OURS), key=lambda name: fast[name], default=None)
    found = []
    for heading, names in ((f"batch {batch}, the same picture", same), ("another picture", others)):
        if names:
            found.append(f"{heading:28s}pictures/s   twofold is   of the peak   grey levels apart, at most")
        for name in names:
            value = fast[name]
            found.append(
                f"  {name:26s}{value:10.0f}   {fast[OURS] / value:8.2f} x   {value * share:11.1%}   {apart[name]:10.2f}"
            )
    if best is None:
        return ["", *found, "No other draws the same picture."]
    return ["", *found, f"twofold is {fast[OURS] / fast[best]:.2f} x the best that draws the same picture, {best}."]


def installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store(settings.store, lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
