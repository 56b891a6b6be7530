"""Command line of training: `python -m train {classifier,gan,vae,inverse,all} RUN`."""

import copy
import math
import os
import sys
from dataclasses import fields, replace
from typing import Annotated

import torch
import tyro

from train import runs
from train.config import (
    SHARES,
    STAGES,
    AllSettings,
    ClassifierSettings,
    GanSettings,
    InverseSettings,
    Settings,
    VaeSettings,
)
from train.data import DataInfo, Pictures, load
from train.errors import UserError
from train.loop import train, usable_threads
from train.stages import build_stage

Command = (
    Annotated[ClassifierSettings, tyro.conf.subcommand("classifier")]
    | Annotated[GanSettings, tyro.conf.subcommand("gan")]
    | Annotated[VaeSettings, tyro.conf.subcommand("vae")]
    | Annotated[InverseSettings, tyro.conf.subcommand("inverse")]
    | Annotated[AllSettings, tyro.conf.subcommand("all")]
)
DESCRIPTION = "Train the models of one set of pictures. Ctrl-C keeps everything; --resume goes on."


def stages_of(settings: Settings) -> list[tuple[str, Settings]]:
    """The stages a command asks for, in order, each with its own settings and share of the minutes."""
    shared = {f.name: getattr(settings, f.name) for f in fields(Settings)}
    match settings:
        case AllSettings():
            steps: list[tuple[str, Settings]] = []
            for name, share in SHARES.items():
                kind = {"inverse": InverseSettings}.get(name) or STAGES[name]
                own = shared | {"minutes": settings.minutes * share}
                if settings.batch is None:
                    del own["batch"]
                steps += stages_of(kind(**own))
            return steps
        case InverseSettings():
            names = {"both": ["inverter", "repair"], "gan": ["inverter"], "vae": ["repair"]}[settings.target]
            return [(name, replace(settings, minutes=settings.minutes / len(names))) for name in names]
        case _:
            (name,) = [name for name, kind in STAGES.items() if kind is type(settings)]
            return [(name, settings)]


def given_flags(argv: list[str]) -> set[str]:
    """Names of the settings that stand on the command line."""
    return {word[2:].split("=")[0].replace("-", "_") for word in argv if word.startswith("--")}


def settle(stage: str, settings: Settings, given: set[str], together: bool) -> Settings:
    """What a stage really runs with. Raises UserError when a run would be overwritten or resumed otherwise."""
    folder = settings.run / stage
    begun = (folder / "state.safetensors").exists()
    if settings.resume:
        if not begun:
            if together:
                return replace(settings, resume=False)
            raise UserError(f"{folder} has no checkpoint to resume. Leave --resume out to begin.")
        stored = runs.settings_from_json(type(settings), runs.read_json(folder / "config.json"))
        asked = replace(stored, run=settings.run, **{n: getattr(settings, n) for n in given if hasattr(stored, n)})
        runs.refuse_changes(stored, asked)
        return replace(asked, resume=True)
    if begun:
        raise UserError(f"{folder} is already begun: add --resume to go on, or choose another run folder.")
    runs.write_json(folder / "config.json", runs.settings_json(settings))
    return settings


def run_stage(stage: str, settings: Settings, data: tuple[DataInfo, Pictures, Pictures]) -> bool:
    """Trains one stage; returns whether it finished."""
    info, train_set, test_set = data
    torch.set_num_threads(settings.threads or usable_threads())
    torch.manual_seed(settings.seed)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        built = build_stage(stage, settings, info, runs.Run.open(settings.run))
        averages = copy.deepcopy(built.networks).eval().requires_grad_(False)
    return train(built, averages, settings, info.source, train_set, test_set)


def check_numbers(settings: Settings) -> None:
    """Raises UserError for numbers that nothing can be trained with."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{flag} {value} is not a number to train with.")
        if isinstance(value, int) and not isinstance(value, bool) and field.name != "seed" and value < 1:
            raise UserError(f"{flag} must be positive, not {value}.")
    if settings.minutes <= 0:
        raise UserError(f"--minutes must be positive, not {settings.minutes}.")
    if settings.batch == 1:
        raise UserError("--batch must be at least 2.")


def main(argv: list[str]) -> int:
    """Exit code: 0 done, 2 a mistake of the user, 130 stopped by Ctrl-C."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    settings: Settings = tyro.cli(Command, prog="python -m train", description=DESCRIPTION, args=argv)
    try:
        check_numbers(settings)
        given, steps = given_flags(argv), stages_of(settings)
        if settings.resume and (settings.run / "run.json").exists() and "size" not in given:
            settings = replace(settings, size=runs.Run.open(settings.run).data.size)
        data = load(settings.data, settings.size)
        runs.bind_data(settings.run, data[0])
        several = isinstance(settings, AllSettings)
        for stage, own in steps:
            if stage == "classifier" and several and not data[0].classes:
                print("No classes: the classifier is left out.")
            elif not run_stage(stage, settle(stage, own, given, several), data):
                return 130
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"error: {problem.filename or 'writing'}: {problem.strerror or problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped at once; the last checkpoint is kept.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
