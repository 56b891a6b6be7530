"""What a command really runs with: begun as asked, or resumed with the settings that the run has stored."""

import shlex
from collections.abc import Set
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

from bundle.errors import UserError
from train.command_line import parse
from train.run_folder import has_checkpoint, read_json, write_json
from train.settings import CHANGEABLE, STAGES, AllSettings, Settings, flag_of
from train.stored_settings import from_dict, to_dict

AnySettings = TypeVar("AnySettings", bound=Settings)

AS_STORED: dict[str, bool] = {"resume": False, "more_data": False, "open": False}
"""Settings that hold for the command on which they stand, and not for those that resume it."""


def resolve_resume(
    stage: str, settings: AnySettings, given: Set[str], begin_missing: bool = False, write: bool = True
) -> AnySettings:
    """The settings that `stage` runs with, which it also stores as config.json (unless `write` is False).

    given: names of the settings that the user gave, which overrule stored ones. begin_missing: begin a stage that has
    no checkpoint instead of refusing to resume it. Raises UserError when a begun stage would be overwritten, when there
    is nothing to resume, and for a change that a resumed stage cannot make.
    """
    settings = with_absolute_places(settings)
    folder, begun = settings.run / stage, has_checkpoint(settings.run, stage)
    if settings.resume and not begun and not begin_missing:
        raise UserError(f"{folder} has no checkpoint to resume. Leave out --resume to begin.")
    if begun and not settings.resume:
        raise UserError(f"{folder} is already begun: add --resume to go on, or choose another run folder.")
    if not begun:
        asked = replace(settings, resume=False)
        if write:
            store_settings(stage, asked)
        return asked
    stored = with_absolute_places(from_dict(type(settings), read_json(folder / "config.json")))
    given_here = {name: getattr(settings, name) for name in given if hasattr(stored, name)}
    asked = with_one_budget(replace(stored, run=settings.run, **given_here), given)
    refuse_changes(stored, asked)
    asked = replace(asked, resume=True)
    if write:
        store_settings(stage, asked)
    return asked


def with_absolute_places(settings: AnySettings) -> AnySettings:
    """Settings whose --cache and --start-from are found from any folder: those that are stored hold for commands that
    go on from another one."""
    places = {name: getattr(settings, name, None) for name in ("cache", "start_from")}
    return replace(settings, **{name: place.resolve() for name, place in places.items() if place is not None})


def with_one_budget(settings: AnySettings, given: Set[str]) -> AnySettings:
    """Stored settings with what was given, where --minutes replaces the --images with which the stage was begun."""
    return replace(settings, images=None) if "minutes" in given and "images" not in given else settings


def as_stored(settings: AnySettings) -> AnySettings:
    """Settings as they are stored."""
    return replace(settings, **AS_STORED)  # type: ignore[arg-type]


def store_settings(stage: str, settings: Settings) -> None:
    """Stores what a stage is trained with, which holds for the next resume too. Raises UserError when the disk
    refuses."""
    path = settings.run / stage / "config.json"
    values = to_dict(as_stored(settings))
    if not path.exists() or read_json(path) != values:
        write_json(path, values)


def refuse_changes(stored: Settings, asked: Settings) -> None:
    """Raises UserError naming each setting that a resumed stage may not change."""
    changes = [
        f"{flag_of(field.name)} {getattr(stored, field.name)}, not {getattr(asked, field.name)}"
        for field in fields(stored)
        if field.name not in CHANGEABLE and getattr(stored, field.name) != getattr(asked, field.name)
    ]
    if changes:
        raise UserError(f"{asked.run} was begun with {'; '.join(changes)}. Resume it so, or start another run.")


# ------------------------------------------------------------------------------------------- train all


def resolve_all(settings: AllSettings, given: Set[str]) -> tuple[AllSettings, Set[str]]:
    """(settings, names of those that were given) of a `train all`; resumed, those that it was begun with hold for the
    stages that have not begun, but for what is given now."""
    begun = begun_all(settings.run) if settings.resume else None
    if begun is not None:
        stored, before = begun
        changed = {name: getattr(settings, name) for name in {*given, "run", "data"} if hasattr(settings, name)}
        settings = with_one_budget(replace(stored, **changed), given)
        given = before | given
    return with_absolute_places(settings), given


def store_all(settings: AllSettings, given: Set[str]) -> None:
    """Stores what a `train all` was begun with. Raises UserError when the disk refuses."""
    values = to_dict(as_stored(settings))
    write_json(settings.run / "all.json", {"settings": values, "given": sorted(given - {"run", *AS_STORED})})


def begun_all(run: Path) -> tuple[AllSettings, Set[str]] | None:
    """What the run's `train all` was begun with; None where there was none. Raises UserError for a damaged file.

    Versions that did not store it left the command in the record of the stages that had begun.
    """
    path = run / "all.json"
    if path.exists():
        values = read_json(path)
        try:
            return from_dict(AllSettings, values["settings"]), set(values["given"])
        except (KeyError, TypeError) as problem:
            raise UserError(f"{path} is damaged: {problem}.") from problem
    for stage in STAGES:
        record = run / stage / "record.json"
        command = str(read_json(record).get("command", "")) if record.exists() else ""
        words = command.partition(" && ")[0].split(" ")
        if words[:4] == ["python", "-m", "train", "all"]:
            with suppress(UserError, SystemExit, ValueError):
                found, given = parse(shlex.split(command.partition(" && ")[0])[3:], console_outputs=False)
                if isinstance(found, AllSettings):
                    # What those versions did unasked.
                    found = replace(found, threads="all") if "threads" not in given else found
                    found = replace(found, precision="fp32") if "precision" not in given else found
                    return found, (given | {"threads", "precision"}) - {"run", "resume", "data"}
    return None
