"""Text that any file and any terminal can take: names of files may be no UTF-8, a terminal may know ASCII only, and
what a stranger wrote may hold commands to the terminal."""

import re
import sys

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all control characters but tabs and line ends


def printable(text: str) -> str:
    """The text with what no UTF-8 can hold escaped, the bytes of names of files that are no UTF-8, as \\udcff; and
    control characters, as \\x1b."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain)


def print_anything() -> None:
    """From now on what stdout and stderr cannot show is escaped, where it would have been an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
