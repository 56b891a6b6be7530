"""Text that any file and any terminal can take: names of files may be no UTF-8, and a terminal may know ASCII only."""

import sys


def printable(text: str) -> str:
    """The text with what no UTF-8 can hold escaped: the bytes of names of files that are no UTF-8, as \\udcff."""
    return text.encode("utf-8", "backslashreplace").decode()


def print_anything() -> None:
    """From now on what stdout and stderr cannot show is escaped, where it would have been an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
