"""Trains what a command asks for: its stages in order, each begun or resumed, on one set of pictures."""

import copy
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import torch
from accelerate import PartialState

from bundle.errors import UserError
from bundle.exit_codes import INTERRUPTED
from bundle.shell_line import shell_line
from bundle.training_outlook import SMALL
from train.budget import Slot, StageTime, slot_of
from train.command_line import with_preset
from train.data.load import Loaded
from train.data.reading import Reading
from train.data.scan import LARGEST_DEFAULT
from train.distributed import check_tracker, warn_of_lost_processes
from train.hardware import fastest_precision, is_out_of_memory, training_device
from train.known_pictures import open_pictures, place_of_pictures, with_framing
from train.loop import train
from train.pauses import Pauses
from train.progress_bar import say
from train.resume import resolve_all, resolve_resume, store_all, store_settings, with_absolute_places
from train.run_folder import Run, data_of, has_checkpoint, read_json
from train.run_lock import locked
from train.settings import STAGES, AllSettings, InverseSettings, Settings, shares
from train.settings_checks import check_settings
from train.stages import BUILDS_ON, build_stage, check_built_on
from train.stages.stage import channels_last
from train.start_from import carry_over, check_pictures, opened_start, start_of, with_architecture, with_size
from train.watch import watched

AnySettings = TypeVar("AnySettings", bound=Settings)
Plan = list[tuple[str, Settings]]
"""(folder, settings) of the stages that a command trains, in order."""

# Settings that say how pictures are read: all stages of a run have the same.
OF_THE_PICTURES = ("size", "fit", "background", *(field.name for field in fields(Reading)))
READING_SHARE = 0.5  # of the minutes, at most
LONG_MINUTES, LONG_IMAGES = 360, 2_000_000  # with less a CPU is given SMALL pictures


def train_run(settings: Settings, given: Set[str], began: float | None = None) -> int:
    """Trains the stages of a command; `given`: names of the settings that the user gave; `began`: time.monotonic() when
    the command began, from which its minutes count.

    Returns the exit code: 0, or 130 when training was stopped. Raises UserError.
    """
    began = time.monotonic() if began is None else began
    check_settings(settings)
    check_tracker(settings.track)
    settings = with_absolute_places(settings)
    warn_of_lost_processes()
    # The other processes wait while the first one measures at the end of a stage, which may take long.
    team = PartialState(cpu=training_device().type == "cpu", timeout=timedelta(hours=6))
    first = team.is_main_process
    with (
        locked(settings.run) if first else nullcontext(),
        watched(settings.run) if settings.open and first else nullcontext(),
    ):
        return train_stages(settings, given, began, team)


def train_stages(settings: Settings, given: Set[str], began: float, team: PartialState) -> int:
    """As `train_run`, in a run folder that no other training uses."""
    asked, first = given, team.is_main_process
    if (settings.run / "run.json").exists():
        settings = with_framing(settings, data_of(settings.run), given)
    if isinstance(settings, AllSettings):
        settings, asked = resolve_all(settings, given)
    with opened_start(settings, bool(to_begin_from_weights(stages_of(settings, asked)))) as start:
        plan = resolved(settings, asked, given, start)
        with team.main_process_first():  # it fills the cache of the data set, which the others then read
            sized = replace(with_size(settings, asked, start), cache=plan[0][1].cache)  # where it was stored
            place = place_of_pictures(sized, given)
            check = partial(check_pictures, start, to_begin_from_weights(plan))
            data = open_pictures(sized, given, check, not first, largest_side(settings), write=first)
        # How they are read was found just now, where an older version began the run.
        plan = [(stage, replace(own, **vars(data.info.reading))) for stage, own in plan]
        # Where they are is said by the run, where --data is not given.
        plan = [(stage, own if has_checkpoint(own.run, stage) else replace(own, data=place)) for stage, own in plan]
        if first and isinstance(settings, AllSettings):
            store_all(replace(settings, data=place), asked)
        if isinstance(settings, AllSettings) and not data.info.classes:
            if first:
                say("The pictures have no classes: the classifier is skipped.")
            plan = without_classifier(plan, settings, given)
        times, pauses = [stage_time(stage, own) for stage, own in plan], Pauses()
        left = sum(time.left for time, (_, own) in zip(times, plan, strict=True) if own.images is None)
        counted_from = training_began(left, began, first)
        for i, (stage, own) in enumerate(plan):
            if first:
                store_settings(stage, own)
            team.wait_for_everyone()
            elapsed = time.monotonic() - counted_from - pauses.seconds
            slot = Slot(i + 1, len(plan)) if own.images else slot_of(times, i, elapsed)
            if not train_stage(stage, own, data, slot, start, pauses):
                return INTERRUPTED
    if first:
        print(ending(settings, time.monotonic() - began), flush=True)
    return 0


def without_classifier(plan: Plan, settings: AllSettings, given: Set[str]) -> Plan:
    """The plan of `all` for pictures without classes: the others share the classifier's minutes, but those that have
    begun keep theirs unless other minutes were `given`."""
    rest = 1 - shares(settings.attributes is not None)["classifier"]

    def with_rest(stage: str, own: Settings) -> Settings:
        keeps = has_checkpoint(own.run, stage) and "minutes" not in given
        return own if keeps else replace(own, minutes=own.minutes / rest)

    return [(stage, with_rest(stage, own)) for stage, own in plan if stage != "classifier"]


def training_began(left: float, began: float, first: bool) -> float:
    """When the `left` seconds of those stages that have minutes began to count: with the command, but reading the
    pictures takes half of them at most."""
    late = time.monotonic() - began - left * READING_SHARE
    if late <= 0 or not left:
        return began
    if first:
        took = f"reading the pictures took more than half of the {round(left / 60, 1):g} minutes that are left"
        say(f"note: {took}; the training takes the other half, and ends later.")
    return began + late


def resolved(settings: Settings, asked: Set[str], given: Set[str], start: Run | None) -> Plan:
    """What each stage is trained with. `asked`: names of the settings that hold for stages that have not begun;
    `given`: those of this command, which may change others. Raises UserError as `resolve_resume`, and where a stage
    builds on one that is neither finished nor trained before it."""
    plan = []
    for stage, own in stages_of(settings, asked):
        if start is not None and start_of(own) and not has_checkpoint(own.run, stage):
            own = with_architecture(stage, own, asked, start)
        plan.append((stage, resolve_resume(stage, own, given, isinstance(settings, AllSettings), write=False)))
    for stage, own in plan:
        if BUILDS_ON.get(stage) not in dict(plan):
            check_built_on(stage, own)
    return plan


def to_begin_from_weights(plan: Plan) -> list[Settings]:
    """The settings of those stages that have not begun and are to start from trained weights."""
    return [own for stage, own in plan if start_of(own) and not has_checkpoint(own.run, stage)]


def largest_side(settings: Settings) -> int:
    """The largest side, in pixels, that is chosen where none was asked for: 64 on a CPU with little time: at 128 px a
    step takes three to four times as long."""
    much = settings.images >= LONG_IMAGES if settings.images is not None else settings.minutes >= LONG_MINUTES
    return SMALL if training_device().type == "cpu" and not much else LARGEST_DEFAULT


def stages_of(settings: Settings, given: Set[str]) -> Plan:
    """(folder, settings) of each stage that a command trains, in order, with its share of the minutes."""
    if isinstance(settings, AllSettings):
        # What was given holds for every stage; for the rest a stage has its own defaults and preset.
        shared = {field.name: getattr(settings, field.name) for field in fields(Settings) if field.name in given}
        shared.pop("preset", None)
        shared |= {name: getattr(settings, name) for name in ("run", "resume", *OF_THE_PICTURES)}
        steps: Plan = []
        for command, share in shares(settings.attributes is not None).items():
            start = {"start_from": settings.start_from} if command in ("gan", "vae") else {}
            own = with_preset(command, settings.preset, **shared | start | {"minutes": settings.minutes * share})
            steps += stages_of(own, given)
        return steps
    if isinstance(settings, InverseSettings):
        names = {"both": ["inverter", "repair"], "gan": ["inverter"], "vae": ["repair"]}[settings.target]
        return [(name, replace(settings, minutes=settings.minutes / len(names))) for name in names]
    (name,) = [name for name, kind in STAGES.items() if kind is type(settings)]
    return [(name, settings)]


def stage_time(stage: str, settings: Settings) -> StageTime:
    """What the record of a stage says about its time."""
    record, wanted = settings.run / stage / "record.json", settings.minutes * 60
    if not record.exists():
        return StageTime(wanted)
    stored = read_json(record)
    counted = stored["config"].get("images") is not None  # it was given as long as it took
    planned = stored["seconds"] if counted else stored["config"].get("minutes", 0.0) * 60
    return StageTime(wanted, stored["seconds"], planned if stored["finished"] else None)


def with_precision(settings: AnySettings) -> AnySettings:
    """Settings with the precision that --precision auto stands for on this machine."""
    return replace(settings, precision=fastest_precision()) if settings.precision == "auto" else settings


def train_stage(
    stage: str, settings: Settings, data: Loaded, slot: Slot, start: Run | None = None, pauses: Pauses | None = None
) -> bool:
    """Trains one stage on these pictures, from the weights of `start` where it has not begun; returns whether it
    finished.

    Raises UserError when what it builds on has not been trained, and when the machine's memory is too small.
    """
    info, device = data.info, training_device()
    settings = with_precision(settings)
    torch.manual_seed(settings.seed)
    with pytorch_errors(stage):
        with device:
            built = build_stage(stage, settings, info, Run.open(settings.run))
            channels_last(built.networks)
            averages = copy.deepcopy(built.networks).eval().requires_grad_(False)
        if start is not None and start_of(settings) and not settings.resume:
            carried_over = carry_over(stage, built.networks, averages, settings, info, start)
            if PartialState().is_main_process:
                say(carried_over)
        return train(built, averages, settings, info.source, data.train, data.test, slot, pauses)


@contextmanager
def pytorch_errors(stage: str) -> Iterator[None]:
    """Turns PyTorch's errors into a UserError where a user can do something: too little memory, and weights of an
    earlier stage that do not fit its settings. Others pass."""
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        words = str(problem)
        if "loading state_dict" in words:
            raise UserError(
                f"The weights that the {stage} builds on do not fit their settings: train that stage again."
            ) from problem
        if not is_out_of_memory(problem):
            raise
        raise UserError(
            f"{stage}: the memory is too small for these networks and pictures. Use a smaller --batch (--accumulate "
            "makes up for it), a smaller --width, or a smaller --size."
        ) from problem


def ending(settings: Settings, seconds: float) -> str:
    """The last words of a command, and what to do next."""
    run = shell_line([str(settings.run)])
    done = f"Done in {seconds / 60:.1f} minutes."
    if any(has_checkpoint(settings.run, stage) for stage in ("gan", "vae")):
        return f"{done} Next: python -m export bundle {run} BUNDLE, which makes it a folder to play with and to share."
    return f"{done} Next: python -m train gan {run}"
