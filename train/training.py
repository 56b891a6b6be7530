"""Trains what a command asks for: its stages in order, each begun or resumed, on one set of pictures."""

import copy
from collections.abc import Set
from dataclasses import fields, replace
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState

from train.command_line import with_preset
from train.data.dataset import DataInfo
from train.data.load import Loaded, load
from train.data.pixel_format import format_of
from train.data.reading import Reading, reading_of
from train.data.scan import LARGEST_DEFAULT
from train.hardware import usable_threads
from train.loop import train
from train.resume import resolve_resume
from train.run_folder import Run, bind_data, data_of
from train.settings import SHARES, STAGES, AllSettings, InverseSettings, Settings, check_settings, pictures_folder
from train.stages import build_stage
from train.stages.stage import channels_last

AnySettings = TypeVar("AnySettings", bound=Settings)

# Settings that say how pictures are read: all stages of a run have the same.
OF_THE_PICTURES = ("size", "fit", "background", *(field.name for field in fields(Reading)))
LARGEST_SHORT = 64  # pixels a side, within a budget below …
LONG_MINUTES, LONG_IMAGES = 360, 2_000_000


def train_run(settings: Settings, given: Set[str]) -> int:
    """Trains the stages of a command; `given`: names of the settings that the user gave.

    Returns the exit code: 0, or 130 when training was stopped. Raises UserError.
    """
    check_settings(settings)
    if settings.resume and (settings.run / "run.json").exists():
        settings = replace_framing(settings, data_of(settings.run), given)
    stages = stages_of(settings, given)
    known = data_of(settings.run) if (settings.run / "run.json").exists() else None
    # The other processes wait while the first one measures at the end of a stage, which may take long.
    team = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(hours=6))
    with team.main_process_first():  # it fills the cache of the data set, which the others then read
        data = load(
            settings.data,
            settings.size,
            not team.is_main_process,
            settings.fit,
            settings.background,
            largest_side(settings),
            reading_of(settings),
            format_of(settings, known, given),
            pictures_folder(settings, settings.run),
        )
        bind_data(settings.run, data[0])
    everything = isinstance(settings, AllSettings)
    for stage, own in stages:
        if stage == "classifier" and everything and not data[0].classes:
            print("The pictures have no classes: the classifier is skipped.")
            continue
        resolved = resolve_resume(stage, own, given, begin_missing=everything, write=team.is_main_process)
        team.wait_for_everyone()
        if not train_stage(stage, resolved, data):
            return 130
    return 0


def largest_side(settings: Settings) -> int:
    """The largest side, in pixels, that is chosen where none was asked for: 64 on a processor with little time, which
    128 px would take three times as long for."""
    much = settings.images >= LONG_IMAGES if settings.images is not None else settings.minutes >= LONG_MINUTES
    return LARGEST_DEFAULT if much or torch.cuda.is_available() else LARGEST_SHORT


def stages_of(settings: Settings, given: Set[str]) -> list[tuple[str, Settings]]:
    """(folder, settings) of each stage that a command trains, in order, with its share of the minutes."""
    if isinstance(settings, AllSettings):
        # What was given holds for every stage; for the rest a stage has its own defaults and preset.
        shared = {field.name: getattr(settings, field.name) for field in fields(Settings) if field.name in given}
        shared |= {name: getattr(settings, name) for name in ("run", "resume", *OF_THE_PICTURES)}
        steps: list[tuple[str, Settings]] = []
        for command, share in SHARES.items():
            own = with_preset(command, settings.preset, **shared | {"minutes": settings.minutes * share})
            steps += stages_of(own, given)
        return steps
    if isinstance(settings, InverseSettings):
        names = {"both": ["inverter", "repair"], "gan": ["inverter"], "vae": ["repair"]}[settings.target]
        return [(name, replace(settings, minutes=settings.minutes / len(names))) for name in names]
    (name,) = [name for name, kind in STAGES.items() if kind is type(settings)]
    return [(name, settings)]


def replace_framing(settings: AnySettings, stored: DataInfo, given: Set[str]) -> AnySettings:
    """Settings with the size, framing and reading of a run's pictures, where the user gave no others."""
    known = {"size": stored.size, "fit": stored.fit, "background": stored.background} | vars(stored.reading)
    return replace(settings, **{name: value for name, value in known.items() if name not in given})


def train_stage(stage: str, settings: Settings, data: Loaded) -> bool:
    """Trains one stage on (info, training pictures, test pictures); returns whether it finished.

    Raises UserError when what it builds on has not been trained.
    """
    info, train_set, test_set = data
    torch.set_num_threads(settings.threads or usable_threads())
    torch.manual_seed(settings.seed)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        built = build_stage(stage, settings, info, Run.open(settings.run))
        channels_last(built.networks)
        averages = copy.deepcopy(built.networks).eval().requires_grad_(False)
    return train(built, averages, settings, info.source, train_set, test_set)
