"""Teaching a generator more: pictures that were brought since join its data set, and those that it knows stay in it.

Training recognises the pictures that it was trained on, and refuses to go on without them. So a picture that was left
out, or sorted into another class, after the training began stays as it was learned.
"""

from pathlib import Path

from bundle.errors import UserError
from demo.make.classes import ALONE, class_of
from demo.make.data_set import SET, all_files, put_picture, write_attributes
from demo.make.projects import Project


def new_pictures(folder: Path, project: Project) -> tuple[dict[str, str], tuple[str, ...]]:
    """Of the pictures that are not left out, and that the data set of the project in `folder` lacks: (those that can
    join -> their classes, "" where it has none; those that cannot, as its networks know no class that they are in)."""
    there, left_out = laid_out(folder), set(project.left_out)
    if not there:
        return {}, ()
    found = [file for file in all_files(folder) if file not in left_out and known_name(file) not in there]
    classes = {path.partition("/")[0] for path in there.values()}
    if classes == {ALONE}:  # whatever folders came since: it was begun without classes
        return dict.fromkeys(found, ""), ()
    named = {file: class_of(project, file) for file in found}
    joining = {file: name for file, name in named.items() if name in classes}
    return joining, tuple(file for file in found if file not in joining)


def add(folder: Path, project: Project) -> None:
    """Adds them. Raises UserError where the disk refuses."""
    try:
        for file, name in new_pictures(folder, project)[0].items():
            put_picture(folder, file, name, project, folder / SET)
        there = laid_out(folder)
        written = {file: there[known_name(file)] for file in all_files(folder) if known_name(file) in there}
        write_attributes(folder, project, written, folder / SET)
    except OSError as problem:
        raise UserError(f"The data set cannot be written: {problem.strerror or problem}.") from problem


def laid_out(folder: Path) -> dict[str, str]:
    """The pictures in the data set by the names that they are known by -> their paths there."""
    return {path.stem: f"{path.parent.name}/{path.name}" for path in (folder / SET).glob("*/*") if path.is_file()}


def known_name(file: str) -> str:
    """By what a picture is known in the data set, whatever its class and its ending are there."""
    return Path(file.replace("/", "-")).stem
