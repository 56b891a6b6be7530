"""Projects of Make: a folder for each, with its pictures, its run and its bundle.

HOME/NAME/project.json   what was chosen, and how far it is
HOME/NAME/pictures/      as they were brought, a folder for each group
HOME/NAME/names.jsonl    what each of them was called, and its tables
HOME/NAME/tables/        metadata.csv and the like, as they were brought
HOME/NAME/set/           those that were chosen: the data set that training reads
HOME/NAME/run/           the run folder
HOME/NAME/bundle/        what can be played
HOME/NAME/space/, page/  what was staged to be published
HOME/NAME/.fetched/      pictures that are being fetched
HOME/NAME/WORK.log       what the last process of a kind printed: training.log, export.log, …
"""

import re
import secrets
import shutil
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from bundle.atomic_files import write_file
from bundle.bundle_names import name_from
from bundle.errors import InputError, UserError
from bundle.one_line import one_line
from bundle.schema import MAX_ATTRIBUTES, Fit
from bundle.sizes import size_word

State = Literal["collecting", "waiting", "training", "paused", "finished", "failed"]
BUSY: tuple[State, ...] = ("waiting", "training")
Remedy = Literal["variety", "steadiness", "slower"]
FILE = "project.json"
MAX_TITLE, MAX_DESCRIPTION = 80, 2000  # characters
Size = Literal[32, 64, 96, 128]
SIZES: tuple[Size, ...] = get_args(Size)
"""The longer side of a picture in pixels."""
Proportions = Literal["1:1", "4:3", "3:4", "3:2", "2:3"]
"""Width to height."""
SHORTER = {"4:3": {32: 24, 64: 48, 96: 72, 128: 96}, "3:2": {32: 20, 64: 40, 96: 64, 128: 80}}
"""Proportions -> longer side -> shorter side: the nearest that the networks can draw well."""

MUST_BE = {
    "size": f"The size must be one of {', '.join(map(str, SIZES))}.",
    "proportions": f"The proportions must be one of {', '.join(get_args(Proportions))}.",
    "fit": f"The fit must be one of {', '.join(get_args(Fit))}.",
    "background": "The background must be a colour such as #ffffff.",
    "use_classes": "Whether classes are learned must be true or false.",
    "attributes": f"The attributes must be at most {MAX_ATTRIBUTES} names of columns.",
    "left_out": "Whether a picture is left out must be true or false.",
    "classes": "Whether there is a class must be true or false.",
    "class_of": "The class of a picture must be a name, or null for that of its folder.",
    "crops": "The part of a picture must be its left, top, right and bottom edge, each from 0 to 1.",
}
"""What can be chosen -> what is said where it is something else."""

Share = Annotated[float, Field(ge=0, le=1)]
Crop = tuple[Share, Share, Share, Share]
"""The part of an upright picture that is used: left, top, right and bottom edge, as shares of its width and height."""


LOOSE = "_"
"""The group of pictures that came without a folder: no folder's own name is that (demo/make/names.py)."""


class Project(BaseModel):
    """What project.json says. What another version wrote beside it is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    title: str
    created: str
    """ISO 8601, UTC; to the microsecond, so that two of the same second have an order."""
    licence: str = ""
    loose: str = "pictures"
    """The group of pictures that came without a folder, which is no class; this one is that of older projects."""
    size: Size = 64
    """Longer side of a picture in pixels, one of SIZES."""
    proportions: Proportions = "1:1"
    fit: Fit = "crop"
    background: Annotated[str | None, Field(pattern=r"^#[0-9a-f]{6}$")] = None
    """#rrggbb; None: white, or black for grey pictures."""
    left_out: tuple[str, ...] = ()
    """Pictures that are not trained on, by their path below `pictures`."""
    use_classes: bool = True
    """Whether classes are learned."""
    classes: tuple[str, ...] = ()
    """Classes that somebody named, even if they have no picture yet."""
    class_of: dict[str, str] = {}
    """Picture -> its class, where that is not the folder that it came from; "" for none."""
    crops: dict[str, Crop] = {}
    """Picture -> the part of it that is used, where somebody chose one."""
    attributes: tuple[str, ...] = ()
    """Columns of the tables that are learned as attributes."""
    minutes: float = 30.0
    """Of the training in all."""
    state: State = "collecting"
    done: tuple[str, ...] = ()
    """Names of the steps of the training that are done (demo/make/plan.py)."""
    short_of_time: bool = False
    """Whether one of them has had less time than `minutes` give it: it was ended early, or they were raised later."""
    error: str = ""
    """What went wrong, where the state is "failed"."""
    remedies: tuple[Remedy, ...] = ()
    """What was chosen against alarms (demo/make/plan.py)."""
    description: Annotated[
        str, Field(max_length=MAX_DESCRIPTION, validation_alias=AliasChoices("description", "words"))
    ] = ""
    """For the model card; `words` in projects of older versions."""
    shelved: bool = False
    """Whether a copy of the bundle is served with the others from now on (demo/make/keeping.py)."""

    @property
    def sides(self) -> tuple[int, int]:
        """(height, width) of its pictures in pixels."""
        if self.proportions in SHORTER:
            return SHORTER[self.proportions][self.size], self.size
        upright = ":".join(reversed(self.proportions.split(":")))
        return self.size, SHORTER[upright][self.size] if upright in SHORTER else self.size

    @property
    def size_word(self) -> str:
        """As --size takes it."""
        return size_word(*self.sides)


class DamagedProject(UserError):
    """The file of a project cannot be read: nothing can be done with it but to delete it."""


class Projects:
    """The projects in one folder. Safe to use from several threads."""

    def __init__(self, home: Path):
        self.home = home
        self._lock = threading.RLock()

    def names(self) -> list[str]:
        """All projects, the newest first; those whose file is damaged come last."""
        found = []
        for path in self.home.glob(f"*/{FILE}"):
            name = path.parent.name
            try:
                found.append((self.get(name).created, name))
            except DamagedProject:
                found.append(("", name))
            except UserError:  # deleted just now, or no name of a project
                continue
        return [name for _, name in sorted(found, reverse=True)]

    def titles(self) -> set[str]:
        """The titles of all projects whose file can be read."""
        found = set()
        for name in self.names():
            with suppress(UserError):
                found.add(self.get(name).title)
        return found

    def folder(self, name: str) -> Path:
        """The folder of a project. Raises InputError where there is none of this name."""
        if not re.fullmatch(r"[a-z0-9-]{1,60}", name) or not (self.home / name / FILE).is_file():
            raise InputError("There is no such project any more.")
        return self.home / name

    def create(self, title: str) -> str:
        """A new project, with a number behind a title that another one has; returns its name, which is also that of its
        bundle.

        Raises InputError without a title, UserError where the disk refuses."""
        title = one_line(title)[:MAX_TITLE]
        if not title:
            raise InputError("Give it a name first.")
        name = f"{slug(title)}-{secrets.token_hex(2)}"
        with self._lock:
            title = free_title(title, self.titles())
            project = Project(title=title, created=datetime.now(UTC).isoformat(timespec="microseconds"), loose=LOOSE)
            self._write(self.home / name, project)
        return name

    def get(self, name: str) -> Project:
        """What a project's file says. Raises InputError where there is none, DamagedProject where it cannot be
        read."""
        file = self.folder(name) / FILE
        try:
            return Project.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as problem:
            words = f"{FILE} of this project is damaged: delete the project, or mend the file."
            raise DamagedProject(words) from problem

    def change(self, name: str, **changes: Any) -> Project:
        """Writes what has changed; returns the whole.

        Raises as `get`, InputError for what cannot be chosen, and UserError where the disk refuses."""
        return self.update(name, lambda project: project.model_dump() | changes)

    def update(self, name: str, changed: Callable[[Project], dict[str, Any]]) -> Project:
        """As `change`, where the changes depend on what is there: `changed` gives all fields, while nobody else
        writes."""
        with self._lock:
            try:
                project = Project.model_validate(changed(self.get(name)))
            except ValidationError as problem:
                raise InputError(what_is_wrong(problem)) from problem
            self._write(self.folder(name), project)
            return project

    def delete(self, name: str) -> None:
        """Removes a project and all that it holds. Raises InputError where there is none."""
        with self._lock:
            shutil.rmtree(self.folder(name), ignore_errors=True)

    @staticmethod
    def _write(folder: Path, project: Project) -> None:
        try:
            write_file(folder / FILE, project.model_dump_json(indent=2).encode())
        except UserError as problem:
            why = problem.__cause__.strerror if isinstance(problem.__cause__, OSError) else "the disk refuses"
            raise UserError(f"The project cannot be written: {why}. What was chosen before is kept.") from problem


def what_is_wrong(problem: ValidationError) -> str:
    """What to say of a choice that cannot be, in a sentence."""
    first = problem.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"There is no choice called {name[:60]}: take one of {', '.join(MUST_BE)}."
    return MUST_BE.get(name, f"That cannot be chosen: {name}.")


def free_title(title: str, taken: Collection[str]) -> str:
    """A title that no other project has, be it by a number."""
    found, number = title, 1
    while found in taken:
        number += 1
        found = f"{title[: MAX_TITLE - len(f' {number}')].rstrip()} {number}"
    return found


def slug(title: str) -> str:
    """A title as a name in addresses: "Émile's cats" -> "emile-s-cats"; "made" where nothing is left of it."""
    return re.sub("[-_]+", "-", name_from(title))[:40].strip("-") or "made"
