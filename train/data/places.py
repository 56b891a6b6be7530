"""Places that --data names."""

from pathlib import Path


def path_of(place: str) -> Path:
    """The path of a place, with ~ as the home folder; as it stands, where ~ begins the name of nobody, as in ~pets."""
    path = Path(place)
    try:
        return path.expanduser()
    except RuntimeError:
        return path
