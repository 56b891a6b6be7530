"""What a visitor chooses about a project, as changes: two who choose at once do not undo each other's choices."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bundle.errors import InputError
from bundle.schema import MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTES, Fit
from demo.make.classes import class_counts
from demo.make.names import check_class_name
from demo.make.projects import Crop, Project, Proportions, what_is_wrong

LEAST_CROP = 1 / 64  # of a picture's width or height, whichever is more: a square part of a long one is narrow
MAX_CLASSES = 1000

AttributeName = Annotated[str, Field(max_length=MAX_ATTRIBUTE_NAME)]


class Choice(BaseModel):
    """Some changes. None and what is not named stays as it is. Pictures are named by their path below `pictures`; those
    that are there no more are passed over."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    size: int | None = None
    proportions: Proportions | None = None
    fit: Fit | None = None
    background: str | None = None
    use_classes: bool | None = None
    attributes: Annotated[tuple[AttributeName, ...], Field(max_length=MAX_ATTRIBUTES)] | None = None
    left_out: dict[str, bool] = {}
    """Picture -> whether it is left out."""
    classes: dict[str, bool] = {}
    """Name -> whether there is such a class, be it empty."""
    class_of: dict[str, str | None] = {}
    """Picture -> its class, "" for none; null: that of its folder."""
    crops: dict[str, Crop | None] = {}
    """Picture -> the part of it that is used; null: all of it."""


PLAIN = ("size", "proportions", "fit", "background", "use_classes", "attributes")
"""What holds for all pictures. A training that has begun goes on only with the same."""

BEGUN = "The training has begun: another size, frame, classes or attributes can be chosen after Begin again."


def read_choice(asked: dict[str, Any]) -> Choice:
    """The changes that a page asks for. Raises InputError."""
    try:
        return Choice.model_validate(asked)
    except ValidationError as problem:
        raise InputError(what_is_wrong(problem)) from problem


def chosen(project: Project, choice: Choice, files: Collection[str]) -> dict[str, Any]:
    """All fields of the project after the changes. `files`: its pictures. Raises InputError for names of classes that
    cannot be, and for what a training that has begun rests on."""
    there = set(files)
    plain = {name: value for name in PLAIN if (value := getattr(choice, name)) is not None}
    if project.state != "collecting" and any(value != getattr(project, name) for name, value in plain.items()):
        raise InputError(BEGUN)
    fields = project.model_dump() | plain
    fields["left_out"] = sorted(changed_set(project.left_out, choice.left_out, there))
    fields["classes"] = sorted(changed_set(project.classes, choice.classes, set(choice.classes)))
    fields["class_of"] = changed_dict(project.class_of, choice.class_of, there)
    fields["crops"] = changed_dict(project.crops, choice.crops, there)
    for crop in choice.crops.values():
        if crop and (max(sides := (crop[2] - crop[0], crop[3] - crop[1])) < LEAST_CROP or min(sides) <= 0):
            raise InputError("The part that is used is too small.")
    check_classes(project, Project.model_validate(fields), there)
    return fields


def check_classes(before: Project, after: Project, files: Collection[str]) -> None:
    """Raises InputError where a change brings names of classes that cannot be, or more classes than there may be. How
    many folders came is no fault of the change, nor that a folder's name is a class again."""
    old, new = set(class_counts(before, files)), set(class_counts(after, files))
    added = new - old - {""}
    folders = {file.partition("/")[0] for file in files}
    if added - folders and len(new) > max(MAX_CLASSES, len(old)):
        raise InputError(f"There are at most {MAX_CLASSES} classes.")
    for name in sorted(added):
        check_class_name(name, new)


def changed_set(old: Collection[str], changes: dict[str, bool], possible: set[str]) -> set[str]:
    """A set after names were put in (True) and taken out (False)."""
    added = {name for name, is_in in changes.items() if is_in and name in possible}
    return (set(old) - {name for name, is_in in changes.items() if not is_in}) | added


def changed_dict(old: dict[str, Any], changes: dict[str, Any], possible: set[str]) -> dict[str, Any]:
    """A dictionary after entries were written, or taken out (None)."""
    merged = old | {name: value for name, value in changes.items() if name in possible}
    return {name: value for name, value in merged.items() if value is not None}
