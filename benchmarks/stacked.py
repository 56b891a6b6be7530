"""Stacked MNIST, several seeds: modes of 1000 and their KL to uniform, as published and gated
(train/data/stacked_mnist.py).

    python -m train classifier runs/mnist --data mnist
    python -m train gan runs/stacked-0 --data stacked_mnist --seed 0    (and so on for the other seeds)
    python -m benchmarks.stacked runs/stacked-0 runs/stacked-1 runs/stacked-2 --classifier runs/mnist

Trains nothing: runs the evaluation on each run and writes benchmarks/results/stacked_mnist.json.
"""

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from benchmarks import results
from bundle.errors import UserError
from train.data.load import shown_name
from train.evaluate.evaluation import evaluate
from train.evaluate.store import shown_folder
from train.help_texts import reflowed
from train.run_folder import Run
from train.settings import EvaluateSettings, changed_flags
from train.stored_settings import current_flags

NAMES = ("gan.modes", "gan.modes_kl", "gan.modes_gated", "gan.modes_kl_gated", "gan.pass_share", "gan.frechet",
         "gan.precision", "gan.recall", "gan.coverage")  # fmt: skip
# Modes and KL as the articles print them; networks and budgets differ.
PUBLISHED = {
    "DCGAN (VEEGAN, arXiv 1705.07761)": (99, 3.40),
    "WGAN-GP (R3GAN, arXiv 2501.05441)": (959, 0.73),
    "PacGAN (arXiv 1712.04086)": (1000, 0.06),
    "R3GAN (arXiv 2501.05441)": (1000, 0.029),
}


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to measure."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Runs trained on stacked_mnist, one a seed."""
    classifier: Path
    """Run whose classifier reads the digits: one channel, the same size."""
    data: str = "stacked_mnist"
    """The pictures, as for training."""
    samples: int = 10_000
    """For Fréchet distance and the like; modes are always counted among 26 000."""


def measure(settings: Settings, folder: Path) -> dict:
    """One run. Raises UserError when it is not one of stacked digits."""
    if not Run.open(folder).data.source.startswith("stacked_mnist"):
        raise UserError(f"{folder} was not trained on stacked_mnist.")
    trained = results.provenance(folder, "gan")
    wanted = EvaluateSettings(
        folder, data=settings.data, samples=settings.samples, classifier=settings.classifier, copies=False
    )
    report = evaluate(wanted).report
    return trained | {"features": report.facts["features"], "figures": results.chosen_figures(report, NAMES)}


def summary(measured: list[dict]) -> dict[str, dict[str, float]]:
    """Mean, least and largest value of each figure over the runs that have it."""
    found = {}
    for name in NAMES:
        values = [run["figures"][name]["value"] for run in measured if name in run["figures"]]
        if values:
            found[name] = {"mean": round(float(np.mean(values)), 5), "least": min(values), "largest": max(values)}
    return found


def without_folders(place: str) -> str:
    """A place of stacked digits as stored figures may name it: a copy of MNIST on this computer by its name alone."""
    kind, _, copy = place.partition(":")
    return f"{kind}:{shown_name(copy)}" if copy else place


def measure_all(settings: Settings) -> dict:
    """Every run, and all of them in a few numbers. Raises UserError."""
    measured = [measure(settings, folder) for folder in settings.runs]
    command = ["python", "-m", "benchmarks.stacked", *(shown_folder(folder).as_posix() for folder in settings.runs)]
    command += ["--classifier", shown_folder(settings.classifier).as_posix()]
    command += changed_flags(replace(settings, data=without_folders(settings.data)), without=("runs", "classifier"))
    return {
        "command": shlex.join(command),
        "published": {name: {"modes": modes, "kl": kl} for name, (modes, kl) in PUBLISHED.items()},
        "summary": summary(measured),
        "runs": measured,
    }


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=current_flags(argv))
    return results.measure_and_store("stacked_mnist", lambda: measure_all(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
