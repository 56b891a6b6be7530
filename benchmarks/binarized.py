"""Binarized MNIST: -ELBO and importance-weighted bound of a Bernoulli VAE, nats, dynamic binarization, test pictures.

    python -m train classifier runs/binarized --data mnist --size 28 --minutes 3
    python -m train vae runs/binarized --data mnist --size 28 --likelihood bernoulli --binarize
    python -m benchmarks.binarized runs/binarized [--bound-samples 1000]

Trains nothing: runs the evaluation and writes benchmarks/results/binarized_mnist.json.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks import results
from bundle.errors import UserError
from train.data.load import shown_name
from train.evaluate.evaluation import evaluate
from train.evaluate.store import shown_folder
from train.help_texts import reflowed
from train.run_folder import Run
from train.settings import EvaluateSettings, VaeSettings
from train.stored_settings import current_flags

NAMES = ("vae.negative_elbo", "vae.weighted_bound", "vae.active_units", "vae.mse")
# Dynamic binarization, as printed there: -ELBO, then the importance-weighted bound.
PUBLISHED = {
    "convolutional VAE, 2 x 2 x 16 codes (pytorch-generative)": (86.77, None),
    "IWAE, two layers, K = 50 (arXiv 1509.00519)": (None, 82.90),
}


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to measure."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run of a VAE with --likelihood bernoulli --binarize."""
    data: str | None = None
    """The pictures; default: where it was trained."""
    classifier: Path | None = None
    """Run whose classifier is used for the features; default: the run's own."""
    bound_samples: int = 100
    """K of the importance-weighted bound."""
    bound_pictures: int = 10_000
    """Test pictures for which it is computed."""


def measure(settings: Settings) -> dict:
    """Raises UserError for a VAE of another likelihood."""
    trained = Run.open(settings.run).settings("vae")
    if not (isinstance(trained, VaeSettings) and trained.likelihood == "bernoulli" and trained.binarize):
        raise UserError(f"The VAE of {settings.run} was not trained with --likelihood bernoulli --binarize.")
    wanted = EvaluateSettings(
        settings.run,
        data=settings.data,
        classifier=settings.classifier,
        bound_samples=settings.bound_samples,
        bound_pictures=settings.bound_pictures,
    )
    report = evaluate(wanted).report
    command = ["python", "-m", "benchmarks.binarized", shown_folder(settings.run).as_posix()]
    command += ["--bound-samples", str(settings.bound_samples), "--bound-pictures", str(settings.bound_pictures)]
    command += ["--classifier", shown_folder(settings.classifier).as_posix()] if settings.classifier else []
    command += ["--data", shown_name(settings.data)] if settings.data else []
    return {
        "command": shlex.join(command),
        "published": {name: {"elbo": elbo, "bound": bound} for name, (elbo, bound) in PUBLISHED.items()},
        "binarization": "dynamic: each pixel of the test pictures drawn once, seed 0",
        "bound_samples": settings.bound_samples,
        "bound_pictures": settings.bound_pictures,
        "latent_dim": trained.latent_dim,
        "training": results.provenance(settings.run, "vae"),
        "data": report.facts["data"],
        "figures": results.chosen_figures(report, NAMES),
    }


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=current_flags(argv))
    return results.measure_and_store("binarized_mnist", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
