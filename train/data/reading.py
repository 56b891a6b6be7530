"""How a set of pictures is to be read, where a user says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from bundle.errors import UserError

ClassesFrom = Literal["folder", "outermost", "file", "column"]


@dataclass(frozen=True)
class Reading:
    """What the flags of the same names say; stored with a run, so that its pictures are read so again."""

    classes: bool = True
    classes_from: ClassesFrom | None = None
    image_column: str | None = None
    label_column: str | None = None
    attributes: str | None = field(default=None, repr=False)
    """As --attributes says. No part of what packs of pictures from before attributes are known by."""


DEFAULT_READING = Reading()
"""What is read where nobody says how."""


class HasReading(Protocol):
    """Settings that say how pictures are read."""

    @property
    def classes(self) -> bool: ...
    @property
    def classes_from(self) -> ClassesFrom | None: ...
    @property
    def image_column(self) -> str | None: ...
    @property
    def label_column(self) -> str | None: ...
    @property
    def attributes(self) -> str | None: ...


def reading_of(settings: HasReading) -> Reading:
    """The part of settings that says how pictures are read."""
    return Reading(settings.classes, settings.classes_from, settings.image_column, settings.label_column,
                   settings.attributes)  # fmt: skip


def stored_reading(has_classes: bool, stored: Iterable[Mapping[str, object] | None]) -> Reading:
    """How the pictures of a bundle were read, by the settings of its stages. Those of before the flags were there had
    classes wherever any were found. Raises UserError for settings that are damaged."""
    for settings in stored:
        if settings and "classes" in settings:
            try:
                return TypeAdapter(Reading).validate_python({f.name: settings.get(f.name) for f in fields(Reading)})
            except ValidationError as problem:
                wrong = problem.errors()[0]
                name = ".".join(map(str, wrong["loc"][:1]))
                raise UserError(f"The bundle's settings are damaged: {name} cannot be {wrong['input']!r}.") from problem
    return Reading(classes=has_classes)
