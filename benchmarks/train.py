"""Speed of training: pictures a second and minutes to a given Fréchet distance, beside a plain DCGAN, in one run.

    python -m train classifier runs/mnist --data ylecun/mnist
    python -m benchmarks.train runs/mnist --data ylecun/mnist --minutes 10 --target 0.5

Both are trained anew by the same loop on the same threads, one after the other, each for --minutes. At sixteen points
of the way 2 000 samples of the averaged generator are held against 2 000 training pictures in the features of the
run's classifier; the time that this takes does not count. Writes benchmarks/results/train.json.
"""

import copy
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from torch import Tensor, nn

from benchmarks import dcgan, results
from train import gan, priors
from train.config import PRESETS, GanSettings
from train.data import DataInfo, Pictures, load, one_hot
from train.errors import UserError
from train.loop import train, usable_threads
from train.metrics import Scale, frechet_distance
from train.runs import Run
from train.stage import Stage

SAMPLES = 2_000


@dataclass(frozen=True)
class Settings:
    """What to race."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run with a trained classifier of these pictures."""
    data: str = "ylecun/mnist"
    """The pictures, as for training."""
    minutes: float = 10.0
    """For each of the two."""
    target: float = 0.5
    """Fréchet distance to reach."""
    preset: str = "cpu"
    """Preset of the GAN."""
    precision: Literal["fp32", "bf16"] = "bf16"
    threads: int | None = None
    """Processor threads; default: all that this process may use."""


class Judge:
    """Fréchet distance of samples to training pictures in the features of a classifier, and the clock of a race."""

    def __init__(self, reader: nn.Module, pictures: Tensor, device: str):
        self.reader, self.device = reader.to(device), device
        seen = self._features(pictures.float() / 255)
        self.scale = Scale.of(seen)
        self.reference = self.scale(seen)
        self.curve: list[dict[str, float]] = []
        self.began = time.monotonic()

    def _features(self, images: Tensor) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([self.reader(x.to(self.device))[1].cpu() for x in images.split(500)]).numpy()

    def note(self, draw, images: int) -> None:
        """Measures now; the time it takes is taken off the clock."""
        stopped = time.monotonic()
        distance = frechet_distance(self.reference, self.scale(self._features(draw())))
        self.curve.append({"seconds": round(stopped - self.began, 1), "images": images, "frechet": round(distance, 4)})
        self.began += time.monotonic() - stopped


def watched(stage: Stage, judge: Judge, draw) -> Stage:
    """The stage, measured at each of its sheets. `draw`: averages -> SAMPLES pictures [N, C, S, S] in [0, 1]."""
    begin, step, seen = stage.begin, stage.step, [0]

    def start(train_set: Pictures, test_set: Pictures) -> None:
        begin(train_set, test_set)
        judge.began = time.monotonic()

    def count(images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        seen[0] += len(images)
        return step(images, labels, progress)

    def watch(averages: nn.ModuleDict) -> dict[str, float]:
        judge.note(lambda: draw(averages), seen[0])
        return {}

    stage.begin, stage.step, stage.watch = start, count, watch
    return stage


def draw_gan(settings: GanSettings, labels: Tensor, classes: int, device: str):
    z = priors.draw(settings.prior, SAMPLES, settings.latent_dim, generator=torch.Generator().manual_seed(1))

    def draw(averages: nn.ModuleDict) -> Tensor:
        wanted = one_hot(labels, classes)
        pairs = zip(z.split(250), wanted.split(250) if wanted is not None else [None] * (SAMPLES // 250), strict=True)
        return torch.cat([averages["generator"](a.to(device), b if b is None else b.to(device)) for a, b in pairs])

    return draw


def draw_control(device: str):
    z = torch.randn(SAMPLES, dcgan.LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(1))

    def draw(averages: nn.ModuleDict) -> Tensor:
        return torch.cat([averages["generator"](x.to(device)) for x in z.split(250)]) * 0.5 + 0.5

    return draw


def race(settings: Settings, data: tuple[DataInfo, Pictures, Pictures], folder: Path) -> dict[str, dict]:
    """Trains both; what each reached. Raises UserError when the run has no classifier."""
    info, train_set, test_set = data
    device = "cuda" if torch.cuda.is_available() else "cpu"
    reader = Run.open(settings.run).networks("classifier")["classifier"]
    chosen = torch.linspace(0, len(train_set) - 1, SAMPLES).long()
    shared = {"minutes": settings.minutes, "precision": settings.precision, "threads": settings.threads}
    ours = GanSettings(folder / "gan", preset=settings.preset, **PRESETS["gan"][settings.preset] | shared)
    theirs = dcgan.ControlSettings(folder / "control", size=32, **shared)
    found = {}
    for name, own in (("Twofold", ours), ("DCGAN", theirs)):
        torch.manual_seed(own.seed)
        with torch.device(device):
            stage: Stage
            if isinstance(own, GanSettings):
                stage = gan.GanStage(gan.build(own, info), own, info)
                draw = draw_gan(own, train_set.labels[chosen], len(info.classes), device)
            else:
                stage = dcgan.ControlStage(dcgan.build(info.channels), own)
                draw = draw_control(device)
            stage.networks.to(memory_format=torch.channels_last)
            averages = copy.deepcopy(stage.networks).eval().requires_grad_(False)
        judge = Judge(reader, train_set.images[chosen], device)
        if not train(watched(stage, judge, draw), averages, replace(own), info.source, train_set, test_set):
            raise UserError("Stopped before the end; nothing was written.")
        found[name] = {
            "parameters": sum(p.numel() for p in stage.networks.parameters()),
            "images_per_second": round(judge.curve[-1]["images"] / judge.curve[-1]["seconds"], 1),
            "minutes_to_target": next(
                (round(at["seconds"] / 60, 2) for at in judge.curve if at["frechet"] <= settings.target), None
            ),
            "last_frechet": judge.curve[-1]["frechet"],
            "curve": judge.curve,
        }
    return found


def main() -> int:
    settings = tyro.cli(Settings, description=__doc__)
    try:
        torch.set_num_threads(settings.threads or usable_threads())
        data = load(settings.data, Run.open(settings.run).data.size)
        if data[0].size != 32:
            raise UserError("The control draws 32 x 32 pictures; take a run of that size.")
        with tempfile.TemporaryDirectory() as folder:
            found = race(settings, data, Path(folder))
        words = ["python", "-m", "benchmarks.train", *sys.argv[1:]]
        path = results.write("train", {"command": shlex.join(words), "target": settings.target,
                                       "threads": torch.get_num_threads(), "results": found})  # fmt: skip
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print(f"\n{'':10}{'parameters':>12}{'images/s':>10}{'minutes to':>12}{'last':>8}")
    print(f"{'':10}{'':12}{'':10}{settings.target:>12g}{'':>8}")
    for name, row in found.items():
        reached = "not reached" if row["minutes_to_target"] is None else f"{row['minutes_to_target']:.2f}"
        print(f"{name:10}{row['parameters']:>12}{row['images_per_second']:>10.0f}{reached:>12}"
              f"{row['last_frechet']:>8.3f}")  # fmt: skip
    print(f"Stored in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
