"""Which values of settings can be trained with; a sentence about every other."""

import math
import os
from dataclasses import fields

from bundle.errors import UserError
from train.augment import HIGHEST
from train.settings import ClassifierSettings, Settings, VaeSettings, flag_of

AT_MOST: dict[str, float] = {"beta2": 0.9999, "augment": HIGHEST, "warmup": 1.0, "jitter": 1.0, "shift": 0.5}
"""Largest value of those floats that have one; no float may be negative."""

LARGEST_SEED = 10**11  # each process and step has a seed of its own, a million times as large, in 64 bits
THREADS_EACH, LEAST_LIMIT = 4, 64  # threads a processor at most, but 64 in any case


SIGNED = {"black", "white"}
"""Floats that may be negative."""


def check_settings(settings: Settings) -> None:
    """Raises UserError for values that nothing can be trained with, and for settings that exclude each other."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            check_number(field.name, number)
    if settings.minutes <= 0:
        raise UserError(f"--minutes must be positive, not {settings.minutes}.")
    if settings.batch == 1:
        raise UserError("--batch must be at least 2.")
    if isinstance(settings, ClassifierSettings) and settings.body == "lenet" and settings.width is not None:
        raise UserError("The lenet has a fixed number of channels: leave --width out, or use another --body.")
    if isinstance(settings, VaeSettings) and (settings.body, settings.likelihood) == ("principal", "bernoulli"):
        raise UserError("--body principal outputs grey levels, not probabilities: use another body with --likelihood "
                        "bernoulli.")  # fmt: skip


def check_number(name: str, value: object) -> None:
    """Raises UserError for a number outside the range of the setting `name`; any other value passes."""
    if name in SIGNED and isinstance(value, float) and math.isfinite(value):
        return
    flag, most = flag_of(name), AT_MOST.get(name, math.inf)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError(f"{flag} must be a finite number, not {value}.")
        if not 0 <= value <= most:
            limits = "not be negative" if most == math.inf else f"lie between 0 and {most:g}"
            raise UserError(f"{flag} must {limits}, not {value:g}.")
    elif isinstance(value, int) and not isinstance(value, bool):
        if name == "seed":
            check_seed(value)
        elif value < 1:
            raise UserError(f"{flag} must be positive, not {value}.")
        elif name == "threads":
            check_threads(value)


def check_seed(seed: int, least: int = -LARGEST_SEED, most: int = LARGEST_SEED) -> None:
    """Raises UserError for a seed that the generators of random numbers cannot take."""
    if not least <= seed <= most:
        raise UserError(f"--seed must lie between {least} and {most}, not {seed}.")


def check_threads(threads: int) -> None:
    """Raises UserError for a number of threads that brings the machine down rather than to speed."""
    most = max(THREADS_EACH * (os.cpu_count() or 1), LEAST_LIMIT)
    if threads < 1:
        raise UserError(f"--threads must be positive, not {threads}.")
    if threads > most:
        raise UserError(f"--threads {threads} is too many for {os.cpu_count()} processors: at most {most}. Leave it "
                        "out to have the fastest number found.")  # fmt: skip
