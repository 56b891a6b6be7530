"""The chosen pictures of a project as a data set, which training and the command line read.

set/CLASS/GROUP-NUMBER.ENDING   each chosen picture, or the part of it that was chosen; without classes in set/pictures
set/metadata.csv                the attributes, where some were chosen
"""

import csv
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from bundle.atomic_files import scratch, swap
from bundle.errors import InputError, UserError
from bundle.shell_line import shell_line
from demo.make import tables
from demo.make.classes import ALONE, class_counts, class_of, learned_classes
from demo.make.crops import cut
from demo.make.limits import LEAST_PICTURES, too_few
from demo.make.projects import Project
from demo.make.stored_pictures import picture_files

SET = "set"
METADATA = "metadata.csv"


def all_files(folder: Path) -> list[str]:
    """The pictures of the project in `folder`, by their paths below `pictures`, in order."""
    return picture_files(folder / "pictures")


def chosen_pictures(folder: Path, project: Project) -> dict[str, str]:
    """The pictures that are trained on -> their classes, "" where none are learned. With classes, pictures that are in
    none of them are not trained on."""
    left_out = set(project.left_out)
    files = [file for file in all_files(folder) if file not in left_out]
    classes = learned_classes(project, class_counts(project, files))
    if not classes:
        return dict.fromkeys(files, "")
    return {file: name for file in files if (name := class_of(project, file)) in classes}


def check_pictures(folder: Path, files: Sequence[str]) -> None:
    """Raises InputError where there is nothing to learn: too few pictures, or the same file again and again."""
    if len(files) < LEAST_PICTURES:
        raise InputError(too_few(len(files)))
    paths = [folder / "pictures" / file for file in files]
    if len({path.stat().st_size for path in paths if path.exists()}) == 1:
        first = paths[0].read_bytes()
        if all(path.read_bytes() == first for path in paths):
            raise InputError("All of these pictures are the same: there is nothing to learn from them.")


def lay_out(folder: Path, project: Project) -> int:
    """Writes the data set of the project in `folder` anew; returns how many pictures it has.

    Pictures are links to those that were brought, or copies where the disk knows no links. Raises InputError as
    `check_pictures`, UserError where the disk refuses; an older data set is then still there.
    """
    chosen = chosen_pictures(folder, project)
    check_pictures(folder, list(chosen))
    try:
        with scratch(folder / SET) as built:
            written = {file: put_picture(folder, file, name, project, built) for file, name in chosen.items()}
            write_attributes(folder, project, written, built)
            if older := swap(built, folder / SET):
                shutil.rmtree(older, ignore_errors=True)
    except OSError as problem:
        raise UserError(f"The data set cannot be written: {problem.strerror or problem}.") from problem
    return len(written)


def put_picture(folder: Path, file: str, name: str, project: Project, target: Path) -> str:
    """Puts one picture into the data set; returns its path there. Raises OSError, ImageError."""
    source = folder / "pictures" / file
    stored = Path(name or ALONE) / file.replace("/", "-")
    path = target / stored
    path.parent.mkdir(parents=True, exist_ok=True)
    if crop := project.crops.get(file):
        data, ending = cut(source, crop)
        stored = stored.with_suffix(ending)
        (target / stored).write_bytes(data)
        return stored.as_posix()
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
    return stored.as_posix()


def write_attributes(folder: Path, project: Project, written: Mapping[str, str], target: Path) -> None:
    """Writes the chosen columns. `written`: picture -> its path in the data set. Raises OSError."""
    found = tables.columns(folder, list(written)) if project.attributes else {}
    names = [name for name in project.attributes if name in found]
    if not names:
        return
    with (target / METADATA).open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["file_name", *names])
        for file, path in written.items():
            rows.writerow([path, *(cell_word(found[name].cells.get(file)) for name in names)])


def cell_word(cell: tables.Cell | None) -> str:
    """A cell as it stands in a CSV."""
    return "" if cell is None else tables.cell_text(cell)


def counts(folder: Path, project: Project) -> tuple[int, int]:
    """(pictures, classes) of a training: of its data set once it has begun."""
    if project.state != "collecting" and (folder / SET).is_dir():
        sizes = [count for path in (folder / SET).glob("*") if (count := file_count(path))]
        return sum(sizes), len(sizes) if project.use_classes and len(sizes) > 1 else 0
    chosen = chosen_pictures(folder, project)
    return len(chosen), len(set(chosen.values()) - {""})


def file_count(folder: Path) -> int:
    """How many files are in a folder; 0 for what is none. They are counted once, until the folder changes: the page
    asks every second."""
    try:
        return _counted(folder, folder.stat().st_mtime_ns) if folder.is_dir() else 0
    except OSError:  # removed just now
        return 0


@lru_cache(maxsize=1000)
def _counted(folder: Path, changed: int) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.is_file() for entry in entries)


def reading_arguments(project: Project, folder: Path) -> list[str]:
    """How training reads the data set of the project in `folder`, as arguments of its command line."""
    arguments = ["--data", str(folder / SET), "--size", project.size_word, "--fit", project.fit]
    arguments += ["--background", project.background] if project.background else []
    # Its folders are classes whatever they are called: train and test are no splits here.
    arguments += ["--classes-from", "outermost"] if project.use_classes else ["--no-classes"]
    return arguments + (["--attributes", "all"] if (folder / SET / METADATA).is_file() else [])


def terminal_command(project: Project, folder: Path, name: str) -> str:
    """The command that trains the data set from a terminal, in a run folder of its own."""
    arguments = ["python", "-m", "train", "all", f"runs/{name}", *reading_arguments(project, shown_folder(folder))]
    return shell_line([*arguments, "--minutes", f"{project.minutes:g}"])


def shown_folder(folder: Path) -> Path:
    """A folder as one writes it from where the server was started."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
