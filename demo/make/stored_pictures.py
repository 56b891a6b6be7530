"""The pictures that a project holds, as files: pictures/GROUP/NUMBER.ENDING."""

from pathlib import Path


def picture_files(pictures: Path) -> list[str]:
    """All in the folder `pictures`, by their paths below it, in the order in which they are shown."""
    found = (path for path in pictures.glob("*/*") if path.is_file())
    return sorted(f"{path.parent.name}/{path.name}" for path in found)


def picture_file(pictures: Path, file: str) -> Path | None:
    """The picture of this path below the folder `pictures`; None where there is none, whatever a stranger asks for."""
    group, slash, name = file.partition("/")
    if not slash or {group, name} & {"", ".", ".."} or any(sign in file for sign in ("\\", "\0", ":")) or "/" in name:
        return None
    path = pictures / group / name
    try:
        return path if path.is_file() else None
    except OSError:  # a name that no disk takes
        return None
