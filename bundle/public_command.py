"""The commands that a bundle quotes, without the folders of the computer on which they ran."""

import posixpath
import re
import shlex

UNPACK = "python -m export unpack "


def public_command(command: str) -> str:
    """A training command with only the last part of each path that is absolute or leads out of the folder.

    Several commands may be joined by " && "; an `export unpack` that no training followed is left out too.
    """
    *earlier, last = command.split(" && ")
    if earlier and last.startswith(UNPACK):
        return public_command(" && ".join(earlier))
    if earlier:
        return " && ".join(public_command(part) for part in (*earlier, last))
    try:
        given = shlex.split(command)
    except ValueError:  # a quotation mark without its other half, in a bundle that a person edited
        given = command.split()
    words = []
    for word in given:
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        slashes = value.replace("\\", "/")
        outside = posixpath.normpath(slashes).startswith(("/", "~", "../"))
        if outside or re.match(r"[A-Za-z]:/", slashes):
            value = slashes.rstrip("/").rsplit("/", 1)[-1]
        words.append(flag + equals + value)
    return shlex.join(words)
