"""Reading files that people name: their size is looked at first."""

from pathlib import Path

from bundle.errors import UserError


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises UserError where it has more than `most`, OSError where it cannot be read."""
    if path.stat().st_size > most:
        raise UserError(f"'{path}' is too large: at most {most // 1_000_000} MB are accepted.")
    return path.read_bytes()
