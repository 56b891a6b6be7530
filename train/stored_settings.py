"""Settings as plain data: in a run's config.json, in a bundle's index; and what older versions called them.

The one place that knows old names. A run folder, a script or a command that a bundle quotes may be older than a name:
stored settings go through `migrated`, words of a command line through `current_flags`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from bundle.errors import UserError
from train.settings import FREE_TO_CHANGE, Settings

AnySettings = TypeVar("AnySettings", bound=Settings)

RENAMED: dict[str, str] = {
    "matching": "mismatch_weight",
    "minibatch_deviation": "minibatch_stddev",
    "mapping_pace": "mapping_lr_multiplier",
    "penalty_every": "lazy_reg_interval",
    "lr_end": "lr_end_factor",
    "reader": "classifier",  # of `evaluate`
}
"""Old name of a setting -> today's."""

RENAMED_VALUES: dict[str, dict[str, str]] = {"loss": {"wgan": "linear"}}
"""Setting -> old name of a value -> today's."""

RENAMED_WEIGHTS: dict[str, str] = {
    "deviation": "minibatch_stddev",
    "encoder.linear.whole": "encoder.linear.code",
    "decoder.linear.whole": "decoder.linear.coefficients",
    "repair.posterior.patches": "repair.posterior.components",
    "repair.posterior.whole": "repair.posterior.weight",
    "repair.posterior.middle": "repair.posterior.bias",
    "repair.posterior.spread": "repair.posterior.code_logvar",
    "repair.posterior.precision": "repair.posterior.noise_ratio",
    "repair.posterior.inverse": "repair.posterior.preconditioner",
}
"""Old name of a network, a layer or a tensor in a checkpoint or graph -> today's."""

RENAMED_PROGRESS: dict[str, str] = {"stage": "stage_state"}
"""Old name of what the metadata of a checkpoint says (train/recorder.py, Progress) -> today's."""

OLDER_DEFAULTS: dict[str, object] = {
    "mismatch_weight": 0.0,
    "augment": 0.0,
    "lazy_reg_interval": 1,
    "gap_pictures": "held-out",
    "precision": "fp32",
}
"""What runs did before a setting existed, where today's default is another."""

LOCAL_SETTINGS: frozenset[str] = frozenset(FREE_TO_CHANGE - {"target"} | {"start_from"})
"""Settings that say something of one machine, or of how it trains, and do not leave the run folder."""

ONCE_PUBLIC = {"open"}
"""Those of LOCAL_SETTINGS that bundles of older versions hold: they are passed over."""


def current_flags(words: Sequence[str]) -> list[str]:
    """The words of a command line with old flags and values replaced by today's: --matching 0.1 -> --mismatch-weight
    0.1, --loss wgan -> --loss linear."""
    flags = [current_flag(word) if word.startswith("--") else word for word in words]
    return [
        current_value(before[2:], word) if before.startswith("--") else word
        for before, word in zip(["", *flags], flags, strict=False)
    ]


def current_flag(word: str) -> str:
    """--flag, --no-flag or --flag=value, by today's name."""
    flag, equals, value = word.partition("=")
    name = flag[2:].replace("-", "_")
    no = "no_" if name.startswith("no_") else ""
    known = RENAMED.get(name.removeprefix(no), name.removeprefix(no))
    return f"--{no}{known}".replace("_", "-") + equals + (current_value(known, value) if equals else "")


def current_value(name: str, value: str) -> str:
    """A value of the setting `name`, by today's name."""
    return RENAMED_VALUES.get(name.replace("-", "_"), {}).get(value, value)


def current_weight(key: str) -> str:
    """A weight's key in a checkpoint of any version, network.layer.parameter, by today's name."""
    for old, new in RENAMED_WEIGHTS.items():
        if key == old or key.startswith(f"{old}."):
            return new + key.removeprefix(old)
    return key


def migrated(kind: type[Settings], values: Mapping[str, object]) -> dict[str, object]:
    """Stored settings of any version as today's: renamed, and where a setting did not exist yet, what was done then."""
    renamed = {RENAMED.get(name, name): value for name, value in values.items()}
    if renamed.get("threads", "auto") is None:  # what older versions called it
        renamed["threads"] = "all"
    renamed = {name: current_value(name, value) if isinstance(value, str) else value for name, value in renamed.items()}
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in OLDER_DEFAULTS.items() if name in known} | renamed


def to_dict(settings: Settings) -> dict[str, object]:
    """All settings as JSON holds them."""
    values = asdict(settings)
    return {k: str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def from_dict(kind: type[AnySettings], values: Mapping[str, object]) -> AnySettings:
    """Inverse of `to_dict`, for settings that any version stored.

    Raises UserError for settings that this version does not know, and for values of another type.
    """
    known = {field.name for field in fields(kind)}
    current = migrated(kind, values)
    if unknown := sorted(set(current) - known):
        raise UserError(f"The run was begun by another version of Twofold. Unknown settings: {', '.join(unknown)}.")
    if "run" not in current:
        raise UserError("The run's settings are damaged: they do not name their folder.")
    try:
        return TypeAdapter(kind).validate_python(current)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(map(str, first["loc"][:1]))
        raise UserError(f"The settings are damaged: {name} cannot be {first['input']!r}.") from problem


def to_public_dict(settings: Settings) -> dict[str, object]:
    """The settings that a bundle tells of a stage: all but those in `LOCAL_SETTINGS`."""
    return {name: value for name, value in to_dict(settings).items() if name not in LOCAL_SETTINGS}


def from_public_dict(kind: type[AnySettings], values: Mapping[str, object], run: Path, data: str) -> AnySettings:
    """Inverse of `to_public_dict`, in the run folder `run` with the pictures `data`. Raises UserError as `from_dict`,
    and for settings that should not be there."""
    values = {name: value for name, value in values.items() if name not in ONCE_PUBLIC}
    if private := sorted(LOCAL_SETTINGS & set(values)):
        raise UserError(f"Unknown settings: {', '.join(private)}.")
    return from_dict(kind, {**values, "run": str(run), "data": data})


def flat(settings: Settings) -> dict[str, int | float | str | bool]:
    """Settings as a tracker takes them: one number or text a name."""
    values = asdict(settings)
    return {k: v if isinstance(v, int | float | str | bool) else str(v) for k, v in values.items()}
