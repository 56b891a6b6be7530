"""Speed of training: pictures a second and minutes to a given Fréchet distance, beside a plain DCGAN, in one run.

    python -m train classifier runs/mnist --data ylecun/mnist
    python -m benchmarks.train runs/mnist --data ylecun/mnist --minutes 10 --target 0.5

Both are trained anew by the same loop on the same threads, one after the other, each for --minutes. Sixteen times on
the way the averaged generator is kept, and measured afterwards: 2 000 samples against 2 000 training pictures, in the
features of the run's classifier. Writes benchmarks/results/train.json.
"""

import copy
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from torch import Tensor, nn

from benchmarks import dcgan, results
from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.processors import usable_cores
from train import priors
from train.data.dataset import one_hot
from train.data.load import Loaded, load_again
from train.evaluate.evaluator import Scale
from train.evaluate.frechet_distance import frechet_distance
from train.hardware import fastest_precision, hardware
from train.help_texts import reflowed
from train.loop import train
from train.models.dcgan import DcganNetworks
from train.presets import PRESETS
from train.progress_bar import with_bar
from train.run_folder import Run
from train.settings import GanSettings, changed_flags
from train.stages import gan, load_networks
from train.stages.stage import Stage, channels_last

SAMPLES = 2_000
Draw = Callable[[nn.Module], Tensor]  # generator -> SAMPLES pictures [N, C, S, S] in [0, 1]


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to compare."""

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
    precision: Literal["fp32", "bf16"] | None = None
    """Default: bf16, or fp32 on a processor that only emulates it."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""


@dataclass(frozen=True)
class Moment:
    """The averaged generator after so many seconds and pictures of training."""

    seconds: float
    images: int
    generator: nn.Module


def watched(stage: Stage, batch: int) -> list[Moment]:
    """A list to which each sample sheet of the stage adds a moment. The clock starts now."""
    moments: list[Moment] = []
    began = time.monotonic()

    def watch(averages: gan.GanNetworks | DcganNetworks) -> dict[str, float]:
        kept = copy.deepcopy(averages.generator)
        moments.append(Moment(time.monotonic() - began, (stage.steps_done + 1) * batch, kept))
        return {}

    stage.variety = watch  # type: ignore[method-assign]
    return moments


class ClassifierDistance:
    """Fréchet distance of samples to training pictures in the features of a classifier."""

    def __init__(self, classifier: nn.Module, pictures: Tensor, device: str):
        self.classifier, self.device = classifier.to(device), device
        seen = self._features(pictures.float() / 255)
        self.scale = Scale.of(seen)
        self.reference = self.scale(seen)

    def _features(self, images: Tensor) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([self.classifier(x.to(self.device))[1].cpu() for x in images.split(500)]).numpy()

    def distance(self, images: Tensor) -> float:
        """Of images [N, C, S, S] in [0, 1]; 0 = none."""
        return frechet_distance(self.reference, self.scale(self._features(images)))


def draw_gan(settings: GanSettings, labels: Tensor, classes: int, device: str) -> Draw:
    z = priors.draw(settings.prior, SAMPLES, settings.latent_dim, generator=torch.Generator().manual_seed(1))

    def draw(generator: nn.Module) -> Tensor:
        wanted = one_hot(labels, classes)
        pairs = zip(z.split(250), wanted.split(250) if wanted is not None else [None] * (SAMPLES // 250), strict=True)
        return torch.cat([generator(a.to(device), b if b is None else b.to(device)) for a, b in pairs])

    return draw


def draw_control(device: str) -> Draw:
    z = torch.randn(SAMPLES, dcgan.LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(1))

    def draw(generator: nn.Module) -> Tensor:
        return torch.cat([generator(x.to(device)) for x in z.split(250)]) * 0.5 + 0.5

    return draw


def race(settings: Settings, data: Loaded, folder: Path) -> dict[str, dict]:
    """Trains both, and returns what each reached. Raises UserError when the run has no classifier."""
    info, train_set, test_set = data
    device = "cuda" if torch.cuda.is_available() else "cpu"
    classifier = load_networks(Run.open(settings.run), "classifier")["classifier"]
    chosen = torch.linspace(0, len(train_set) - 1, SAMPLES).long()
    if settings.preset not in PRESETS["gan"]:
        raise UserError(f"--preset {settings.preset} is unknown; there are {', '.join(PRESETS['gan'])}.")
    measure = ClassifierDistance(classifier, train_set.images[chosen], device)
    precision = settings.precision or fastest_precision()
    ours = replace(
        GanSettings(folder / "gan", preset=settings.preset, **PRESETS["gan"][settings.preset]),
        minutes=settings.minutes, precision=precision, threads=settings.threads or "all",
    )  # fmt: skip
    theirs = dcgan.ControlSettings(
        folder / "control", size=info.size,
        minutes=settings.minutes, precision=precision, threads=settings.threads or "all",
    )  # fmt: skip
    found = {}
    for name, own in (("Twofold", ours), ("DCGAN", theirs)):
        torch.manual_seed(own.seed)
        with torch.device(device):
            stage: Stage
            if isinstance(own, GanSettings):
                stage = gan.GanStage(gan.build(own, info), own, info)
                draw = draw_gan(own, train_set.labels[chosen], len(info.classes), device)
            else:
                stage = dcgan.ControlStage(dcgan.build(info.channels, info.sides), own)
                draw = draw_control(device)
            channels_last(stage.networks)
            averages = copy.deepcopy(stage.networks).eval().requires_grad_(False)
        moments = watched(stage, own.batch)
        if not train(stage, averages, own, info.source, train_set, test_set):
            raise KeyboardInterrupt  # that is how a training ends early
        with torch.no_grad():
            curve = [
                {"seconds": round(at.seconds, 1), "images": at.images,
                 "frechet": round(measure.distance(draw(at.generator)), 4)}
                for at in with_bar(moments, f"{name}: measuring")
            ]  # fmt: skip
        found[name] = {
            "parameters": sum(p.numel() for p in stage.networks.parameters()),
            "images_per_second": round(curve[-1]["images"] / curve[-1]["seconds"], 1),
            "minutes_to_target": next(
                (round(at["seconds"] / 60, 2) for at in curve if at["frechet"] <= settings.target), None
            ),
            "last_frechet": curve[-1]["frechet"],
            "curve": curve,
        }
    return found


def compare(settings: Settings) -> None:
    """Trains and measures both, stores the result, and prints a table. Raises UserError."""
    torch.set_num_threads(settings.threads or usable_cores())
    framed = Run.open(settings.run).data  # as the classifier saw its pictures
    data = load_again(settings.data, framed)
    dcgan.check_control_size(data.info)
    with tempfile.TemporaryDirectory() as folder:
        found = race(settings, data, Path(folder))
    words = ["python", "-m", "benchmarks.train", f"runs/{settings.run.name}", "--data", data.info.source]
    words += changed_flags(settings, without=("run", "data"))
    path = results.write("train", {"command": shlex.join(words), "target": settings.target,
                                   "hardware": hardware(), "results": found})  # fmt: skip
    print(f"\n{'':10}{'parameters':>12}{'images/s':>10}{'minutes to':>12}{'last':>8}")
    print(f"{'':10}{'':12}{'':10}{settings.target:>12g}{'':>8}")
    for name, row in found.items():
        reached = "not reached" if row["minutes_to_target"] is None else f"{row['minutes_to_target']:.2f}"
        print(f"{name:10}{row['parameters']:>12}{row['images_per_second']:>10.0f}{reached:>12}"
              f"{row['last_frechet']:>8.3f}")  # fmt: skip
    print(f"Stored in {path}")


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: compare(settings), "Stopped; nothing was stored.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
