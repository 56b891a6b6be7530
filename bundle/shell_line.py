"""Commands as lines to paste into a terminal."""

import os
import shlex
import subprocess
from collections.abc import Sequence


def shell_line(words: Sequence[str]) -> str:
    """The words of a command as a line for the terminal of this system: on Windows, in double quotes where any are
    needed, as cmd.exe passes single ones on."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
