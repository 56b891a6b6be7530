"""How the stages of a bundle were trained: commands, settings, curves, snapshots."""

import itertools
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from bundle.schema.entries import Entry, Model, SeriesName, Setting, SettingName

Alarm = Literal["collapse", "noise"]
MAX_POINTS, MAX_SERIES = 100, 24  # of a training curve
MAX_SNAPSHOTS, MAX_SNAPSHOT_PICTURES = 48, 64
SnapshotFile = Literal["gan_snapshots", "vae_snapshots"]
SNAPSHOT_FILES: dict[Model, SnapshotFile] = {"gan": "gan_snapshots", "vae": "vae_snapshots"}


class Curve(Entry):
    """What was measured while a stage trained: `series`, by name, after so many pictures; None = not then."""

    images: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1, max_length=MAX_POINTS)]
    series: Annotated[dict[SeriesName, tuple[float | None, ...]], Field(min_length=1, max_length=MAX_SERIES)]

    @model_validator(mode="after")
    def _even(self) -> "Curve":
        if any(a >= b for a, b in itertools.pairwise(self.images)):
            raise ValueError("the pictures of a curve must become more")
        if any(len(values) != len(self.images) for values in self.series.values()):
            raise ValueError("every series of a curve must have a value or null at each point")
        return self


class Snapshot(Entry):
    """A moment of a training: pictures seen and seconds, and what the training warned of then, if anything."""

    images: PositiveInt
    seconds: Annotated[float, Field(ge=0)]
    alarms: tuple[Alarm, ...] = ()


class Snapshots(Entry):
    """What a model drew at moments of its training; the sheet is bundle/snapshots.py's. `pictures`: how many of each
    moment, from the same latents or held-out pictures each time."""

    pictures: Annotated[int, Field(ge=1, le=MAX_SNAPSHOT_PICTURES)]
    taken: Annotated[tuple[Snapshot, ...], Field(min_length=1, max_length=MAX_SNAPSHOTS)]

    @model_validator(mode="after")
    def _later_and_later(self) -> "Snapshots":
        if any(a.images >= b.images for a, b in itertools.pairwise(self.taken)):
            raise ValueError("the pictures seen at snapshots must become more")
        return self


class TrainingSession(Entry):
    """One command that trained a stage, from its start to its end; `version`: of Twofold, empty where it is unknown."""

    command: str
    version: str
    seconds: Annotated[float, Field(ge=0)]
    images: NonNegativeInt
    hardware: str


class Training(Entry):
    """How one stage was trained. `settings`: what its run was given, by name, without what only that machine knew;
    None in bundles of version 1. `curve`: None in bundles older than curves. `sessions`: every command, in order; none
    in older bundles, where `command` joins those that changed something. `snapshots`: of a GAN or VAE; None where its
    run kept none."""

    command: str
    seconds: Annotated[float, Field(ge=0)]
    images: NonNegativeInt
    hardware: str
    settings: dict[SettingName, Setting] | None = None
    curve: Curve | None = None
    snapshots: Snapshots | None = None
    sessions: tuple[TrainingSession, ...] = ()
