"""Which class each picture of a project is in: that of the folder that it came from, unless somebody says otherwise."""

from collections import Counter
from collections.abc import Iterable

from demo.make.projects import Project

ALONE = "pictures"
"""The folder of a data set without classes."""

LEAST_OF_CLASS = 2
"""Pictures below which training leaves a class out."""


def class_of(project: Project, file: str) -> str:
    """The class of a picture, by its path below `pictures`; "" for none."""
    group = file.partition("/")[0]
    return project.class_of.get(file, "" if group == project.loose else group)


def class_counts(project: Project, files: Iterable[str]) -> dict[str, int]:
    """Class -> how many of these pictures are in it, in the order of the alphabet; empty classes too, "" for those
    without a class where there are any."""
    found = Counter(class_of(project, file) for file in files)
    return {name: found[name] for name in sorted({*project.classes, *found})}


def learned_classes(project: Project, counts: dict[str, int]) -> tuple[str, ...]:
    """The classes that are trained, of those that `class_counts` gives for the chosen pictures: none where classes are
    not wanted, or where fewer than two have enough pictures."""
    if not project.use_classes:
        return ()
    found = tuple(name for name, count in counts.items() if name and count >= LEAST_OF_CLASS)
    return found if len(found) > 1 else ()
