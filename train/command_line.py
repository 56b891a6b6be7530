"""The words of a training command -> settings: sub-commands, presets, old flags."""

from collections.abc import Sequence
from typing import Any

import tyro

from bundle.errors import UserError
from train.presets import PRESETS
from train.settings import (
    AllSettings,
    AttributesSettings,
    ClassifierSettings,
    EvaluateSettings,
    GanSettings,
    InverseSettings,
    Settings,
    VaeSettings,
)
from train.stored_settings import current_flags
from train.watch import WatchSettings

COMMANDS: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "attributes": AttributesSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverse": InverseSettings,
    "all": AllSettings,
}
OTHERS: dict[str, type] = {"evaluate": EvaluateSettings, "watch": WatchSettings}
DESCRIPTION = "Train the models of one set of pictures, and measure them. Ctrl-C keeps everything; --resume goes on."


CommandSettings = Settings | EvaluateSettings | WatchSettings


def parse(words: Sequence[str], console_outputs: bool = True) -> tuple[CommandSettings, set[str]]:
    """The settings that a command line asks for, and the names of those that stand on it.

    console_outputs: whether tyro prints --help and its errors. Raises UserError for an unknown preset, SystemExit for
    --help and whatever else tyro does not understand.
    """
    words = current_flags(words)
    preset = preset_of(words)
    check_preset(words, preset)
    settings: CommandSettings = tyro.cli(
        tyro.extras.subcommand_type_from_defaults(
            defaults(preset),
            {name: kind.__doc__ or "" for name, kind in (COMMANDS | OTHERS).items()},
            prefix_names=False,
        ),
        prog="python -m train",
        description=DESCRIPTION,
        args=words,
        console_outputs=console_outputs,
    )
    return settings, given_flags(words)


def defaults(preset: str) -> dict[str, CommandSettings]:
    """Each sub-command with its defaults under a preset, which --help shows."""
    found: dict[str, CommandSettings] = {name: with_preset(name, preset, run=tyro.MISSING) for name in COMMANDS}
    return found | {"evaluate": EvaluateSettings(subject=tyro.MISSING), "watch": WatchSettings(run=tyro.MISSING)}


def with_preset(command: str, preset: str, **values: Any) -> Settings:
    """The settings of a command: its defaults, then the preset's where the command has that preset, then `values`."""
    return COMMANDS[command](**PRESETS.get(command, {}).get(preset, {}) | {"preset": preset} | values)


def preset_of(words: Sequence[str]) -> str:
    """The last --preset on the command line, which tyro takes too, else cpu."""
    for word, following in reversed(list(zip(words, [*words[1:], ""], strict=True))):
        if word == "--preset":
            return following
        if word.startswith("--preset="):
            return word.partition("=")[2]
    return "cpu"


def check_preset(words: Sequence[str], preset: str) -> None:
    """Raises UserError for a preset that the command does not have."""
    command = next((word for word in words if word in COMMANDS), "all")
    several = [PRESETS[command]] if command in PRESETS else PRESETS.values()
    known = list(dict.fromkeys(name for presets in several for name in presets))
    if preset not in known:
        where = f" to {command}" if command in PRESETS else ""
        raise UserError(f"--preset {preset} is unknown{where}; there are {', '.join(known)}.")


def given_flags(words: Sequence[str]) -> set[str]:
    """Names of the settings that stand on the command line, also those switched off by --no-…"""
    names = {word[2:].partition("=")[0].replace("-", "_") for word in words if word.startswith("--")}
    return names | {name.removeprefix("no_") for name in names}
