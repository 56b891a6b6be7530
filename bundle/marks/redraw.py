"""The pictures of a state, drawn again by a bundle, and how far a file's pictures are from them."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bundle import images, latents, paths
from bundle.marks.mark import (
    Favourites,
    Film,
    KeyframePath,
    Mark,
    MorphFrame,
    Point,
    Seed,
    Sheet,
    State,
    classes_of,
    key_classes,
    known_state,
)
from bundle.model import BundleModel
from bundle.schema import BundleIndex


@dataclass(frozen=True)
class Drawing:
    """What a mark's state draws, in `height` x `width` pixels. `pictures()` draws one uint8 [H, W, C] after the other,
    `frames` in all; `fps`: frames a second of a film, else 0. Drawing raises InputError and BundleError for what the
    bundle lacks, as the state may be a stranger's."""

    height: int
    width: int
    pictures: Callable[[], Iterator[np.ndarray]]
    frames: int = 1
    fps: int = 0


Redraw = Callable[[BundleModel, Mark], Drawing | None]


class OtherFrames(Exception):
    """A file has another number of pictures than were drawn again."""


def drawn_again(model: BundleModel, mark: Mark) -> Drawing | None:
    """What the state of a mark draws; None where it is not drawn from numbers alone, or is a sheet for print."""
    state = known_state(mark)
    if state is None or (isinstance(state, Film) and state.print):
        return None
    frames, fps = (state.frames, state.fps) if isinstance(state, Film) and not state.columns else (1, 0)
    return Drawing(*_extent(model.info, state), lambda: _pictures(model, state), frames, fps)


def _pictures(model: BundleModel, state: State) -> Iterator[np.ndarray]:
    """One picture for each frame of a film; rows of one picture are put together."""
    match state:
        case Point():
            yield _point(model, state)
        case Favourites(pictures=points, columns=columns):
            yield images.sheet(np.stack([_point(model, point) for point in points]), columns)
        case Seed(seed=seed):
            weights = classes_of(state.c, model.class_count)
            yield from images.to_uint8(model.sample([seed], weights, state.t, state.m, state.attributes, state.bend))
        case Sheet():
            yield _sheet(model, state)
        case MorphFrame(p=share):
            yield from _frames(model, state, np.array([share]))
        case Film(columns=0):
            yield from _frames(model, state, paths.path_shares(state.frames, state.loop))
        case Film(columns=columns):
            frames = list(_frames(model, state, paths.path_shares(state.frames, state.loop)))
            yield images.sheet(np.stack(frames), columns)


def _extent(info: BundleIndex, state: State) -> tuple[int, int]:
    """The (height, width) of the pictures of a state."""
    height, width = info.image.height, info.image.width
    match state:
        case Favourites(pictures=points, columns=columns):
            return height * -(-len(points) // columns), width * columns
        case Sheet(count=count, columns=columns) | Film(frames=count, columns=columns) if columns:
            return height * -(-count // columns), width * columns
    return height, width


def _point(model: BundleModel, point: Point) -> np.ndarray:
    weights = classes_of(point.c, model.class_count)
    return images.to_uint8(model.at(point.x, point.y, weights, point.t, point.m, point.attributes, point.bend))[0]


def _sheet(model: BundleModel, sheet: Sheet) -> np.ndarray:
    seeds = [(sheet.seed + i) % latents.SEEDS for i in range(sheet.count)]
    weights = classes_of(sheet.c, model.class_count)
    drawn = model.sample_many(seeds, weights, sheet.t, sheet.m, sheet.attributes, sheet.bend)
    return images.sheet(images.to_uint8(drawn), sheet.columns)


def _frames(model: BundleModel, path: KeyframePath, shares: np.ndarray) -> Iterator[np.ndarray]:
    weights, timed = key_classes(path, model.class_count), path.timed()
    along = (weights, path.path, path.loop, path.t, path.m, path.attributes, path.bend, timed)
    for part in model.frame_parts(shares):
        yield from images.to_uint8(model.morph_at(path.keys, part, *along))


def difference(found: Iterator[np.ndarray], again: Iterator[np.ndarray]) -> int:
    """The largest difference, in grey levels of 255, between a file's pictures uint8 [H, W, 3] and those that were
    drawn again, which may be smaller by a whole factor. Raises OtherFrames."""
    largest = 0
    for one, other in itertools.zip_longest(found, again):
        if one is None or other is None:
            raise OtherFrames
        factor = one.shape[0] // other.shape[0]
        large = other.repeat(factor, axis=0).repeat(factor, axis=1)
        largest = max(largest, int(np.abs(one.astype(np.int16) - large).max()))
    return largest
