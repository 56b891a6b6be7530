"""Teaching a generator more: pictures that were brought since join its data set, and those that it knows stay in it.

Training recognises the pictures that it was trained on, and refuses to go on without them. So a picture that was left
out, or sorted into another class, after the training began stays as it was learned.
"""

from pathlib import Path

from bundle.errors import UserError
from demo.make.data_set import SET, chosen_pictures, place
from demo.make.projects import Project


def new_pictures(folder: Path, project: Project) -> dict[str, str]:
    """The chosen pictures that the data set of the project in `folder` lacks -> their classes."""
    there = {path.stem for path in (folder / SET).glob("*/*")}
    return {file: name for file, name in chosen_pictures(folder, project).items() if mark(file) not in there}


def add(folder: Path, project: Project) -> int:
    """Adds them; returns how many there are. Raises UserError where the disk refuses."""
    new = new_pictures(folder, project)
    try:
        for file, name in new.items():
            place(folder, file, name, project, folder / SET)
    except OSError as problem:
        raise UserError(f"The data set cannot be written: {problem.strerror or problem}.") from problem
    return len(new)


def mark(file: str) -> str:
    """By what a picture is known in the data set, whatever its class and its ending are there."""
    return Path(file.replace("/", "-")).stem
