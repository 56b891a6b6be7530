"""Command line of training: `python -m train {classifier,gan,vae,inverse,all,evaluate} RUN`."""

import copy
import math
import os
import sys
from dataclasses import fields, replace
from datetime import timedelta
from typing import Annotated

import torch
import tyro
from accelerate import PartialState

from bundle.command_line import exit_code
from bundle.errors import UserError
from bundle.version import VERSION
from train import run_folder
from train.data.dataset import DataInfo, Pictures
from train.data.load import load
from train.loop import train, usable_threads
from train.settings import (
    AT_MOST,
    PRESETS,
    SHARES,
    STAGES,
    AllSettings,
    ClassifierSettings,
    EvaluateSettings,
    GanSettings,
    InverseSettings,
    Settings,
    VaeSettings,
)
from train.stages.build import build_stage

COMMANDS: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverse": InverseSettings,
    "all": AllSettings,
}
STOPPED = "Stopped at once; what was stored before is kept."
DESCRIPTION = "Train the models of one set of pictures, and measure them. Ctrl-C keeps everything; --resume goes on."


def preset_of(argv: list[str]) -> str:
    """The --preset on the command line, else cpu."""
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word == "--preset":
            return following
        if word.startswith("--preset="):
            return word.partition("=")[2]
    return "cpu"


def commands(preset: str) -> object:
    """The sub-commands for tyro, with the preset's values as their defaults, so that --help shows them."""
    found = None
    for name, kind in COMMANDS.items():
        values = PRESETS.get(name, {}).get(preset, {})
        default = kind(run=tyro.MISSING, **values | {"preset": preset})
        command = Annotated[kind, tyro.conf.subcommand(name, default=default)]
        found = command if found is None else found | command
    return found | Annotated[EvaluateSettings, tyro.conf.subcommand("evaluate")]


def check_preset(argv: list[str], preset: str) -> None:
    """Raises UserError for a preset that the command does not have."""
    command = next((word for word in argv if word in PRESETS), None)
    known = PRESETS[command] if command else {name: {} for presets in PRESETS.values() for name in presets}
    if preset not in known:
        raise UserError(f"--preset {preset} is unknown{f' to {command}' if command else ''}; there are "
                        f"{', '.join(known)}.")  # fmt: skip


def stages_of(settings: Settings, given: set[str]) -> list[tuple[str, Settings]]:
    """The stages a command asks for, in order, each with its own settings and share of the minutes."""
    match settings:
        case AllSettings():
            steps: list[tuple[str, Settings]] = []
            for name, share in SHARES.items():
                # A stage's own defaults and preset hold where the command line says nothing.
                shared = {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name in given}
                values = PRESETS[name].get(settings.preset, {}) | shared
                values |= {"run": settings.run, "resume": settings.resume, "size": settings.size}
                values |= {"preset": settings.preset, "minutes": settings.minutes * share}
                steps += stages_of(COMMANDS[name](**values), given)
            return steps
        case InverseSettings():
            names = {"both": ["inverter", "repair"], "gan": ["inverter"], "vae": ["repair"]}[settings.target]
            return [(name, replace(settings, minutes=settings.minutes / len(names))) for name in names]
        case _:
            (name,) = [name for name, kind in STAGES.items() if kind is type(settings)]
            return [(name, settings)]


def given_flags(argv: list[str]) -> set[str]:
    """Names of the settings that stand on the command line; what is switched off with --no-… among them."""
    names = {word[2:].split("=")[0].replace("-", "_") for word in argv if word.startswith("--")}
    return names | {name.removeprefix("no_") for name in names}


def settle(stage: str, settings: Settings, given: set[str], together: bool, write: bool = True) -> Settings:
    """What a stage really runs with. Raises UserError when a run would be overwritten or resumed otherwise."""
    folder = settings.run / stage
    begun = (folder / "state.safetensors").exists()
    if settings.resume:
        if not begun:
            if together:
                return replace(settings, resume=False)
            raise UserError(f"{folder} has no checkpoint to resume. Leave --resume out to begin.")
        stored = run_folder.settings_from_json(type(settings), run_folder.read_json(folder / "config.json"))
        asked = replace(stored, run=settings.run, **{n: getattr(settings, n) for n in given if hasattr(stored, n)})
        run_folder.refuse_changes(stored, asked)
        if write and asked != stored:  # what may be tuned on the way holds for the next resume too
            run_folder.write_json(folder / "config.json", run_folder.settings_json(asked))
        return replace(asked, resume=True)
    if begun:
        raise UserError(f"{folder} is already begun: add --resume to go on, or choose another run folder.")
    if write:
        run_folder.write_json(folder / "config.json", run_folder.settings_json(settings))
    return settings


def run_stage(stage: str, settings: Settings, data: tuple[DataInfo, Pictures, Pictures]) -> bool:
    """Trains one stage; returns whether it finished."""
    info, train_set, test_set = data
    torch.set_num_threads(settings.threads or usable_threads())
    torch.manual_seed(settings.seed)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        built = build_stage(stage, settings, info, run_folder.Run.open(settings.run))
        built.networks.to(memory_format=torch.channels_last)  # up to 1.6 times as fast, on CPU and GPU
        averages = copy.deepcopy(built.networks).eval().requires_grad_(False)
    return train(built, averages, settings, info.source, train_set, test_set)


def check_numbers(settings: Settings) -> None:
    """Raises UserError for numbers that nothing can be trained with, and for settings that exclude each other."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        flag = f"--{field.name.replace('_', '-')}"
        most = AT_MOST.get(field.name, math.inf)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and not math.isfinite(number):
                raise UserError(f"{flag} {number} is not a number to train with.")
            if isinstance(number, float) and not 0 <= number <= most:
                limits = "not be negative" if most == math.inf else f"lie between 0 and {most:g}"
                raise UserError(f"{flag} must {limits}, not {number:g}.")
            if isinstance(number, int) and not isinstance(number, bool) and field.name != "seed" and number < 1:
                raise UserError(f"{flag} must be positive, not {number}.")
    if settings.minutes <= 0:
        raise UserError(f"--minutes must be positive, not {settings.minutes}.")
    if settings.batch == 1:
        raise UserError("--batch must be at least 2.")
    if isinstance(settings, VaeSettings) and (settings.body, settings.likelihood) == ("principal", "bernoulli"):
        raise UserError("--body principal draws greys and no probabilities: take another body for --likelihood "
                        "bernoulli.")  # fmt: skip


def command(settings: Settings, given: set[str]) -> int:
    """Trains what was asked for. Exit code 0, or 130 when it was stopped. Raises UserError."""
    check_numbers(settings)
    steps = stages_of(settings, given)
    if settings.resume and (settings.run / "run.json").exists():
        stored = run_folder.data_of(settings.run)
        own = {name: getattr(stored, name) for name in ("size", "fit", "background") if name not in given}
        settings = replace(settings, **own)
    # The others wait while the first one measures at the end of a stage, which may take long.
    team = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(hours=6))
    with team.main_process_first():  # the others find the cache of the first
        data = load(settings.data, settings.size, not team.is_main_process, settings.fit, settings.background)
        run_folder.bind_data(settings.run, data[0])
    several = isinstance(settings, AllSettings)
    for stage, own in steps:
        if stage == "classifier" and several and not data[0].classes:
            print("No classes: the classifier is left out.")
            continue
        settled = settle(stage, own, given, several, write=team.is_main_process)
        team.wait_for_everyone()
        if not run_stage(stage, settled, data):
            return 130
    return 0


def obey(argv: list[str]) -> int:
    """Reads the command line and does what it says; the exit code. Raises UserError, OSError."""
    preset = preset_of(argv)
    check_preset(argv, preset)
    settings: Settings | EvaluateSettings = tyro.cli(
        commands(preset), prog="python -m train", description=DESCRIPTION, args=argv
    )
    if isinstance(settings, EvaluateSettings):
        from train.evaluate.evaluation import main as evaluate  # slow to import, and training does without

        return evaluate(settings)
    return command(settings, given_flags(argv))


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 done, 2 a mistake of the user, 130 stopped by Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    if argv == ["--version"]:
        print(f"twofold {VERSION}")
        return 0
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    return exit_code(lambda: obey(argv), STOPPED)


if __name__ == "__main__":
    sys.exit(main())
