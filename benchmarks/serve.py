"""How fast a released generator draws in this project's engine and in other runtimes, in one process, in turn.

    python -m benchmarks.serve artifacts/mnist runs/mnist

Every contestant draws the same latents and classes. The difference of its pictures from the engine's is printed, since
some choose bfloat16; other pictures are an error. In each round every contestant draws for a moment, and the figure is
the median of the rounds, so that a busy second affects all alike. Shares are of the machine's peak, which a large
matrix product in torch reaches in the same run. Stored in benchmarks/results/serve.json.
"""

import importlib.metadata
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator
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
from bundle.errors import UserError
from bundle.read import graph_bytes, read
from bundle.sessions import CUDA, choose_provider
from bundle.trial_inputs import Rows, TrialInputs
from demo.serving.engine import Engine
from export.runtimes import openvino_core
from train.run_folder import Run
from train.stages import load_networks

PEAK_SIDE, PEAK_ROUNDS = 2048, 5  # of the matrix product; it takes as long as so many rounds of a contestant
REST = 0.1  # seconds in which the threads of the contestant before fall asleep: till then they use up the cores
LEVELS = 2.0  # grey levels, on average, by which a contestant of lower precision may differ
PACKAGES = ("torch", "onnxruntime-gpu", "openvino", "onnxruntime-ep-openvino", "numpy")

Draw = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    run: Annotated[Path, tyro.conf.Positional]
    """Run that the bundle was made of: PyTorch draws with its networks."""
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


def inputs(engine: Engine, batch: int) -> Rows:
    """The generator's inputs for the seeds 0 to batch - 1."""
    return TrialInputs.of_bundle(engine.bundle, engine.run).seed_rows("generator", range(batch))


def tensors(rows: Rows, device: str) -> list[torch.Tensor]:
    """The same inputs for PyTorch, in the order of the generator's arguments."""
    return [torch.from_numpy(array).to(device) for array in rows.values()]


def contestants(settings: Settings, engine: Engine, net: nn.Module, rows: Rows) -> Iterator[tuple[str, Draw]]:
    """Who draws; the first one is this project's engine."""
    yield "twofold", lambda: engine.run("generator", rows)["image"]
    data = graph_bytes(engine.bundle, "generator")
    cuda = engine.active == CUDA
    plain = ort.InferenceSession(data, providers=[CUDA, "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"])
    yield "onnxruntime, defaults", lambda: plain.run(None, rows)[0]
    if importlib.util.find_spec("openvino") and not cuda:
        yield "OpenVINO alone", openvino(data, rows)
    device = "cuda" if cuda else "cpu"
    net = net.to(device)

    def drawn(draw: Callable[..., torch.Tensor], precision: torch.dtype | None) -> Draw:
        def run() -> np.ndarray:
            with torch.inference_mode(), torch.autocast(device, precision, enabled=precision is not None):
                return draw(*tensors(rows, device)).float().cpu().numpy()

        return run

    yield "torch eager", drawn(net, None)
    yield "torch bf16", drawn(net, torch.bfloat16)
    if settings.compile:
        yield "torch.compile", drawn(torch.compile(net), None)


def openvino(data: bytes, rows: Rows) -> Draw:
    """OpenVINO's own runtime as its manual shows it, with its own choice of arithmetic."""
    core = openvino_core()
    hint = "LATENCY" if len(rows["z"]) == 1 else "THROUGHPUT"
    model = core.compile_model(core.read_model(data), "CPU", {"PERFORMANCE_HINT": hint})
    return lambda: model(rows)[0]


def speed(draw: Draw, batch: int, seconds: float) -> float:
    """Pictures per second."""
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        draw()
        count += batch
    return count / passed


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
    net = load_networks(Run.open(settings.run), "gan")["generator"]
    device = "cuda" if engine.active == CUDA else "cpu"
    cost, table = operations(net, inputs(engine, 4)), {}
    peaks = [peak(device, PEAK_ROUNDS * settings.seconds)]
    for batch in settings.batches:
        rows = inputs(engine, batch)
        draws = dict(contestants(settings, engine, net, rows))
        wanted, drifts = next(iter(draws.values()))(), {}
        for name, draw in draws.items():
            for _ in range(3):  # warm; torch.compile works now
                apart = np.abs(draw() - wanted) * 255
            drifts[name] = round(float(apart.max()), 2)
            if apart.mean() > LEVELS:
                raise UserError(f"{name} draws other pictures: {apart.mean():.1f} grey levels apart on average.")
        rounds: dict[str, list[float]] = {name: [] for name in draws}
        for _ in range(settings.rounds):
            for name, draw in draws.items():
                time.sleep(REST)
                draw()
                rounds[name].append(speed(draw, batch, settings.seconds))
        speeds = {name: round(statistics.median(found), 1) for name, found in rounds.items()}
        table[str(batch)] = {
            name: {"pictures_per_second": speeds[name], "largest_drift": drifts[name]} for name in draws
        }
        show(batch, speeds, drifts, cost, statistics.median(peaks))
        peaks.append(peak(device, PEAK_ROUNDS * settings.seconds))
    return {
        "bundle": engine.bundle.info.name,
        "precision": engine.bundle.info.graphs["generator"].precision,
        "processor": engine.reason,
        "hardware": results.hardware(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES if installed(name)},
        "operations_per_picture": cost,
        "peak_operations_per_second": round(statistics.median(peaks)),
        "batches": table,
    }


def show(batch: int, speeds: dict[str, float], drifts: dict[str, float], cost: float, best: float) -> None:
    first = speeds["twofold"]
    print(f"\nbatch {batch:<22} pictures/s   twofold is   of the peak   grey levels apart, at most")
    for name, value in speeds.items():
        share = value * cost / best
        print(f"  {name:26s}{value:11.0f}   {first / value:8.2f} x   {share:11.1%}   {drifts[name]:10.1f}", flush=True)


def installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("serve", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
