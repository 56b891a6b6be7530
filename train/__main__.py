"""Command line of training: `python -m train {classifier,attributes,gan,vae,inverse,all,evaluate,watch} RUN`.

Everything slow is imported within `run`, where Ctrl-C already ends with a sentence.
"""

import os
import sys
import time
from collections.abc import Sequence

from bundle.exit_codes import INTERRUPTED, exit_code
from bundle.version import VERSION

STOPPED = "Stopped at once; whatever was stored before is kept."
NOTHING_STORED = "Stopped before anything was stored."


def run(words: Sequence[str]) -> int:
    """Does what the command line says; returns the exit code. Raises UserError, OSError."""
    began = time.monotonic()
    from train.command_line import parse
    from train.settings import EvaluateSettings
    from train.watch import WatchSettings, watch

    settings, given = parse(words)
    # Each is slow to import, and the other does without.
    if isinstance(settings, EvaluateSettings):
        from train.evaluate.evaluation import main as evaluate

        return evaluate(settings)
    if isinstance(settings, WatchSettings):
        return watch(settings)
    try:
        from train.training import train_run

        return train_run(settings, given, began)
    except KeyboardInterrupt:
        if settings.run.exists():
            raise
        print(NOTHING_STORED, file=sys.stderr)
        return INTERRUPTED


def main(words: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 a mistake of the user, 130 stopped by Ctrl-C. words: default those of this process."""
    asked = sys.argv[1:] if words is None else words
    if list(asked) == ["--version"]:
        print(f"twofold {VERSION}")
        return 0
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # read when PyTorch is imported: see train/hardware.py
    return exit_code(lambda: run(asked), STOPPED)


if __name__ == "__main__":
    sys.exit(main())
