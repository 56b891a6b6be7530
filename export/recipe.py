"""What the commands that a bundle records say of a stage's settings.

They may be a stranger's: only training commands are read, by their flags, and nothing that they name is opened.
"""

import io
import shlex
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from pathlib import Path

from bundle.errors import UserError
from bundle.pictures import check_background
from train import command_line
from train.settings import EvaluateSettings, Settings, check_settings
from train.training import stages_of

TRAIN = ["python", "-m", "train"]
SHOWN = 120  # characters of a command in a sentence
# What only the machine that trained it knew.
ELSEWHERE = {"threads": None, "track": None, "images": None, "resume": False}


def settings_of(stage: str, command: str, run: Path) -> Settings:
    """Settings of a stage of the run folder `run`, as its commands, joined by " && ", gave them; today's defaults for
    what they leave out.

    Raises UserError when there is no training command, one is not understood, or nothing can be trained with it.
    """
    found: Settings | None = None
    for part in command.split(" && "):
        words = split(stage, part)
        if words[:3] != TRAIN:
            continue
        own, given = parse(stage, words[3:], part)
        tuned = {f.name: getattr(own, f.name) for f in fields(own) if f.name in given}
        found = replace(found, **tuned) if found else own
    if found is None:
        raise UserError(f"The bundle's {stage} was not trained by Twofold but by: {shown(command)}")
    check_settings(found)
    check_background(found.background)
    return replace(found, run=run, **ELSEWHERE)


def split(stage: str, command: str) -> list[str]:
    """The words of one command. Raises UserError for quotes that do not end."""
    try:
        return shlex.split(command)
    except ValueError as problem:
        raise not_understood(stage, command) from problem


def parse(stage: str, words: list[str], command: str) -> tuple[Settings, set[str]]:
    """What one training command sets for a stage, and the names of what stands on it. Raises UserError."""
    # The parser has flags of its own, which write files.
    own = [word for word in words if word in ("-h", "--help") or word.replace("_", "-").startswith("--tyro")]
    if own or not words or words[0] not in command_line.COMMANDS:
        raise not_understood(stage, command)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            asked, given = command_line.parse(words, console_outputs=False)
        if isinstance(asked, EvaluateSettings):
            raise not_understood(stage, command)
        return dict(stages_of(asked, given))[stage], given
    except (SystemExit, Exception) as problem:  # whatever a parser makes of a stranger's words
        raise not_understood(stage, command) from problem


def not_understood(stage: str, command: str) -> UserError:
    return UserError(f"The bundle's {stage} was trained by a command not understood here: {shown(command)}")


def shown(command: str) -> str:
    """The beginning of a command, with nothing that a terminal would obey."""
    return ascii(command[:SHOWN])[1:-1] + ("…" if len(command) > SHOWN else "")
