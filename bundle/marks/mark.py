"""The mark of a picture as data: how it came about, the bundle that drew it, and the state that draws it again.

A state is what an address of the demo says too: a point of the seed plane, a seed, a sheet of seeds, a morph. Pictures
that need more than that (a visitor's picture, a tab's own arithmetic) have a state with a word of their own, which
`known_state` does not know.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from bundle import latents
from bundle.attribute_moves import MAX_ATTRIBUTE_MOVE
from bundle.bend import KNOBS, MAX_BEND_SEED, MAX_BENDS
from bundle.latents import MapPoint
from bundle.own_directions import OwnMove
from bundle.paths import MAX_SECONDS, Easing, PathMode, Timing, timing
from bundle.read import OpenBundle
from bundle.schema import MAX_ATTRIBUTES, Model
from bundle.schema.entries import Entry

# IPTC's words for the source of a picture (cv.iptc.org/newscodes/digitalsourcetype). The second: with parts of another.
DigitalSource = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
TRAINED: DigitalSource = "trainedAlgorithmicMedia"
COMPOSITE: DigitalSource = "compositeWithTrainedAlgorithmicMedia"

MAX_KEYS, MAX_FRAMES, MAX_SHEET = 16, 100_000, 100  # of a state that is drawn again
MAX_FAVOURITES = 60
MAX_CLASSES = 100_000  # in one mix

MAX_COORDINATE = 1e6  # of the seed plane
MAX_PLACE = 1e4  # of the latent map, far beyond any

Coordinate = Annotated[float, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
SeedNumber = Annotated[int, Field(ge=0, lt=latents.SEEDS)]
Class = Annotated[int, Field(ge=0)]
# A class, a mix of classes, or None: the seed's own.
Classes = Class | Annotated[dict[Class, Annotated[float, Field(ge=0, le=1e6)]], Field(max_length=MAX_CLASSES)] | None
Move = Annotated[float, Field(ge=-MAX_ATTRIBUTE_MOVE, le=MAX_ATTRIBUTE_MOVE)]
BendName = Annotated[str, Field(pattern=rf"^(seed|[1-9][0-9]?\.({'|'.join(KNOBS)}))$")]
BendNumber = Annotated[float, Field(ge=-MAX_BEND_SEED, le=MAX_BEND_SEED)]


class DrawSettings(Entry):
    """How every state but Favourites is drawn. `m`: the model; `t`: truncation; `attributes`: moves in standard
    deviations, of attributes and of directions that somebody found; `bend`: what is done to the styles of stages
    (bundle/bend.py)."""

    m: Model
    t: Annotated[float, Field(ge=0, le=1e3)] = 1.0
    attributes: Annotated[dict[str, Move | OwnMove], Field(max_length=MAX_ATTRIBUTES)] = Field(default_factory=dict)
    bend: Annotated[dict[BendName, BendNumber], Field(max_length=MAX_BENDS)] = Field(default_factory=dict)


class Point(DrawSettings):
    """A point of the seed plane."""

    draw: Literal["point"] = "point"
    x: Coordinate
    y: Coordinate
    c: Classes = None


class Seed(DrawSettings):
    """A seed: every seed, where the plane reaches the first million only."""

    draw: Literal["seed"] = "seed"
    seed: SeedNumber
    c: Classes = None


class Sheet(DrawSettings):
    """The seeds from `seed` on, `columns` in a row, each of its own class unless `c` names one."""

    draw: Literal["sheet"] = "sheet"
    seed: SeedNumber
    count: Annotated[int, Field(ge=1, le=MAX_SHEET)]
    columns: Annotated[int, Field(ge=1, le=MAX_SHEET)]
    c: Classes = None


StateKey = SeedNumber | tuple[Coordinate, Coordinate] | MapPoint


class KeyframePath(DrawSettings):
    """A path through keys: seeds, points [x, y], or places ["pca", x, y] of the latent map. `classes`: of each key;
    empty: its own. `times`, `easing`, `seconds`: as bundle.paths.Timing has them; empty and 0: the keys are even."""

    keys: Annotated[tuple[StateKey, ...], Field(min_length=1, max_length=MAX_KEYS)]
    classes: Annotated[tuple[Classes, ...], Field(max_length=MAX_KEYS)] = ()
    path: PathMode
    loop: bool
    times: Annotated[tuple[float, ...], Field(max_length=MAX_KEYS)] = ()
    easing: Annotated[tuple[Easing, ...], Field(max_length=MAX_KEYS)] = ()
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = 0

    @field_validator("keys")
    @classmethod
    def _on_the_map(cls, keys: tuple[latents.Key, ...]) -> tuple[latents.Key, ...]:
        if not all(abs(at) <= MAX_PLACE for key in keys if isinstance(key, MapPoint) for at in key[1:]):
            raise ValueError("a place far beyond any map")
        return keys

    @field_validator("classes")
    @classmethod
    def _one_a_key(cls, classes: tuple[Classes, ...], info: Any) -> tuple[Classes, ...]:
        if classes and len(classes) != len(info.data.get("keys", ())):
            raise ValueError("one class for each key, or none")
        return classes

    @model_validator(mode="after")
    def _in_time(self) -> "KeyframePath":
        self.timed()  # raises an InputError, which is a ValueError
        return self

    def timed(self) -> Timing | None:
        """When the path is at its keys; None where they are even."""
        return timing(self.times, self.easing, self.seconds, len(self.keys), self.loop)


class MorphFrame(KeyframePath):
    """The picture at share `p` of a path's time."""

    draw: Literal["morph"] = "morph"
    p: Annotated[float, Field(ge=0, le=1)]


class Film(KeyframePath):
    """`frames` pictures along a path. `columns`: how many lie in a row of one picture; 0: one after the other in time.
    `fps`: frames a second; 0 where they do not move. `print`: a sheet for print, with captions."""

    draw: Literal["film"] = "film"
    frames: Annotated[int, Field(ge=1, le=MAX_FRAMES)]
    fps: Annotated[int, Field(ge=0, le=1000)] = 0
    columns: Annotated[int, Field(ge=0, le=MAX_FRAMES)] = 0
    print: bool = False


class Favourites(Entry):
    """Favourites of one bundle on one picture, `columns` in a row."""

    draw: Literal["favourites"] = "favourites"
    pictures: Annotated[tuple[Point, ...], Field(min_length=1, max_length=MAX_FAVOURITES)]
    columns: Annotated[int, Field(ge=1, le=MAX_FAVOURITES)]


State = Point | Seed | Sheet | MorphFrame | Film | Favourites
_STATES: TypeAdapter[State] = TypeAdapter(Annotated[State, Field(discriminator="draw")])


class Mark(Entry):
    """What a picture says of itself. `bundle`: its name, `sha256`: its fingerprint (OpenBundle.sha256); None where no
    bundle drew it, or the picture is a file of the bundle itself. `state`: what draws it again, as JSON has it."""

    source: DigitalSource
    bundle: str | None = None
    sha256: str | None = None
    state: dict[str, Any] | None = None


def trained(bundle: OpenBundle, state: State | Mapping[str, Any] | None = None) -> Mark:
    """The mark of a picture that is a model's as a whole."""
    return _mark(TRAINED, bundle, state)


def composite(bundle: OpenBundle, state: State | Mapping[str, Any] | None = None) -> Mark:
    """The mark of a picture that is partly a model's, and partly another one: a repair."""
    return _mark(COMPOSITE, bundle, state)


def of_sheet(bundle: str, model: Model, count: int, columns: int) -> Mark:
    """The mark of a bundle's own sample sheet, whose bytes are a part of the bundle's sha256."""
    sheet = Sheet(m=model, seed=0, count=count, columns=columns)
    return Mark(source=TRAINED, bundle=bundle, state=plain_state(sheet))


def _mark(source: DigitalSource, bundle: OpenBundle, state: State | Mapping[str, Any] | None) -> Mark:
    plain = plain_state(state) if isinstance(state, Entry) else dict(state or {})
    return Mark(source=source, bundle=bundle.info.name, sha256=bundle.sha256, state=plain or None)


def plain_state(state: State) -> dict[str, Any]:
    """A state as JSON has it, without what goes without saying."""
    return {"draw": state.draw} | state.model_dump(mode="json", exclude_defaults=True)


def known_state(mark: Mark) -> State | None:
    """The checked state of a mark, which may be a stranger's; None without one that is drawn from numbers alone."""
    try:
        return _STATES.validate_python(mark.state)
    except ValidationError:
        return None


def classes_of(chosen: Classes, classes: int) -> np.ndarray | None:
    """Class weights [K] of a state's class or mix; None where the seed decides. Raises InputError."""
    shares = _shares(chosen)
    return None if shares is None else latents.class_weights(shares, classes)


def key_classes(path: KeyframePath, classes: int) -> np.ndarray | None:
    """Class weights [keys, K] of a path; None where each key has its own class. Raises InputError."""
    chosen = [_shares(one) for one in path.classes]
    named = any(shares is not None for shares in chosen)
    return latents.key_class_rows(chosen, path.keys, classes) if named else None


def _shares(chosen: Classes) -> dict[int, float] | None:
    return {chosen: 1.0} if isinstance(chosen, int) else chosen
