"""Quality of a bundle, printed: all that `python -m train evaluate` measures, and the control in the same report.

    python -m benchmarks.quality artifacts/mnist --data ylecun/mnist [--control runs/control]

The released bundles quote this command. It changes nothing; `python -m train evaluate artifacts/mnist … --store
artifacts/mnist` measures the same and keeps the figures in the bundle.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bundle.exit_codes import exit_code
from train.evaluate.evaluation import evaluate
from train.help_texts import reflowed
from train.settings import EvaluateSettings


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    data: str | None = None
    """The pictures it was trained on, as for python -m train; default: the data set or the folder that it names."""
    samples: int = 10_000
    """Samples, and pictures of the reference and of the floor; fewer where fewer are held out."""
    control: Path | None = None
    """Run folder of benchmarks.dcgan, or a bundle whose figures of a control are taken over."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""


def measure(settings: Settings) -> None:
    """Measures and prints. Raises UserError."""
    evaluate(
        EvaluateSettings(
            settings.bundle, settings.data, settings.samples, control=settings.control, threads=settings.threads
        )
    )


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: measure(settings), "Stopped.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
