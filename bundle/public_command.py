"""The commands that a bundle quotes, without the folders of the computer on which they ran."""

import posixpath
import re
import shlex

AND, UNPACK = "&&", ["python", "-m", "export", "unpack"]


def public_command(command: str) -> str:
    """A training command with only the last part of each path that is absolute or leads out of the folder.

    Several commands may be joined by " && "; an `export unpack` that no training followed is left out too.
    """
    try:
        given = shlex.split(command)
    except ValueError:  # a quotation mark without its other half, in a bundle that a person edited
        given = re.sub("['\"]", "", command).split()
    commands: list[list[str]] = [[]]
    for word in given:
        if word == AND:
            commands.append([])
        else:
            commands[-1].append(_public_word(word))
    while len(commands) > 1 and commands[-1][: len(UNPACK)] == UNPACK:
        commands.pop()
    return f" {AND} ".join(map(shlex.join, commands))


def _public_word(word: str) -> str:
    flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    slashes = value.replace("\\", "/")
    outside = posixpath.normpath(slashes).startswith(("/", "~", "../"))
    if outside or re.match(r"[A-Za-z]:/|file:", slashes, re.IGNORECASE):
        value = slashes.rstrip("/").rsplit("/", 1)[-1]
    return flag + equals + value
