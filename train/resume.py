"""What a stage really runs with: begun as asked, or resumed with the settings that it has stored."""

from collections.abc import Set
from dataclasses import fields, replace
from typing import TypeVar

from bundle.errors import UserError
from train.run_folder import read_json, write_json
from train.settings import CHANGEABLE, Settings, flag_of
from train.stored_settings import from_dict, to_dict

AnySettings = TypeVar("AnySettings", bound=Settings)


def resolve_resume(
    stage: str, settings: AnySettings, given: Set[str], begin_missing: bool = False, write: bool = True
) -> AnySettings:
    """The settings that `stage` runs with, which it also stores as config.json (unless `write` is False).

    given: names of the settings that the user gave, which overrule stored ones. begin_missing: begin a stage that has
    no checkpoint instead of refusing to resume it. Raises UserError when a begun stage would be overwritten, when there
    is nothing to resume, and for a change that a resumed stage cannot make.
    """
    folder = settings.run / stage
    begun = (folder / "state.safetensors").exists()
    if settings.resume and not begun and not begin_missing:
        raise UserError(f"{folder} has no checkpoint to resume. Leave out --resume to begin.")
    if begun and not settings.resume:
        raise UserError(f"{folder} is already begun: add --resume to go on, or choose another run folder.")
    if not begun:
        asked = replace(settings, resume=False)
        if write:
            write_json(folder / "config.json", to_dict(asked))
        return asked
    stored = from_dict(type(settings), read_json(folder / "config.json"))
    given_here = {name: getattr(settings, name) for name in given if hasattr(stored, name)}
    asked = replace(stored, run=settings.run, **given_here)
    refuse_changes(stored, asked)
    if write and asked != stored:  # what was tuned holds for the next resume too
        write_json(folder / "config.json", to_dict(asked))
    return replace(asked, resume=True)


def refuse_changes(stored: Settings, asked: Settings) -> None:
    """Raises UserError naming each setting that a resumed stage may not change."""
    changes = [
        f"{flag_of(field.name)} {getattr(stored, field.name)}, not {getattr(asked, field.name)}"
        for field in fields(stored)
        if field.name not in CHANGEABLE and getattr(stored, field.name) != getattr(asked, field.name)
    ]
    if changes:
        raise UserError(f"{asked.run} was begun with {'; '.join(changes)}. Resume it so, or start another run.")
