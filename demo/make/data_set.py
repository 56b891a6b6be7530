"""The chosen pictures of a project as a data set, which training and the command line read.

set/CLASS/GROUP-NUMBER.ENDING   each chosen picture
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bundle.errors import InputError, UserError
from demo.make.limits import LEAST_PICTURES
from demo.make.projects import Project
from demo.make.survey import chosen_files

SET = "set"


def chosen_pictures(folder: Path, project: Project) -> dict[str, str]:
    """The pictures that are trained on, by their paths below `pictures` -> their classes."""
    found = chosen_files(folder / "pictures", project)
    return {f"{path.parent.name}/{path.name}": path.parent.name for path in found}


def check_pictures(folder: Path, files: Sequence[str]) -> None:
    """Raises InputError where there is nothing to learn: too few pictures."""
    if len(files) < LEAST_PICTURES:
        raise InputError(f"{len(files)} pictures are too few: at least {LEAST_PICTURES} are needed.")


def lay_out(folder: Path, project: Project) -> int:
    """Writes the data set of the project in `folder` anew; returns how many pictures it has.

    Pictures are links to those that were brought, or copies where the disk knows no links. Raises InputError as
    `check_pictures`, UserError where the disk refuses.
    """
    chosen = chosen_pictures(folder, project)
    check_pictures(folder, list(chosen))
    target = folder / SET
    shutil.rmtree(target, ignore_errors=True)
    try:
        for file, name in chosen.items():
            place(folder, file, name, project, target)
    except OSError as problem:
        shutil.rmtree(target, ignore_errors=True)
        raise UserError(f"The data set cannot be written: {problem.strerror or problem}.") from problem
    return len(chosen)


def place(folder: Path, file: str, name: str, project: Project, target: Path) -> str:
    """Puts one picture into the data set; returns its path there. Raises OSError."""
    stored = Path(name) / file.replace("/", "-")
    path = target / stored
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(folder / "pictures" / file, path)
    except OSError:
        shutil.copyfile(folder / "pictures" / file, path)
    return stored.as_posix()


def counts(folder: Path, project: Project) -> tuple[int, int]:
    """(pictures, classes) of a training: of its data set once that was written."""
    if (folder / SET).is_dir():
        names = [path.parent.name for path in (folder / SET).glob("*/*") if path.is_file()]
    else:
        names = list(chosen_pictures(folder, project).values())
    return len(names), len(set(names)) if project.use_classes else 0


def reading_words(project: Project, folder: Path) -> list[str]:
    """How training reads the data set of the project in `folder`, as words of its command line."""
    words = ["--data", str(folder / SET), "--size", str(project.size), "--fit", project.fit]
    words += ["--background", project.background] if project.background else []
    words += [] if project.use_classes else ["--no-classes"]
    return words + (["--attributes", ",".join(project.attributes)] if project.attributes else [])
