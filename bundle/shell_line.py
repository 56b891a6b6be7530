"""Commands as lines to paste into a terminal."""

import os
import re
import shlex
import subprocess
from collections.abc import Sequence


def shell_line(words: Sequence[str]) -> str:
    """The words of a command as a line for the terminal of this system: on Windows, in double quotes where any are
    needed, as cmd.exe passes single ones on."""
    return " ".join(map(windows_word, words)) if os.name == "nt" else shlex.join(words)


def windows_word(word: str) -> str:
    """A word for cmd.exe, which takes & | < > ^ and brackets outside of quotes for its own."""
    quoted = subprocess.list2cmdline([word])
    return f'"{quoted}"' if quoted == word and re.search(r"[&|<>^()]", word) else quoted
