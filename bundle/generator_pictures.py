"""A trial run of a generator from elsewhere: which output is the picture, and what its numbers mean."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from bundle.adapter import adapt, fixed_values, in_order, own_rows, to_image
from bundle.array_files import MAX_TILES, SHEET_COLUMNS
from bundle.errors import BundleError, UserError, first_line
from bundle.feeds import Feed, Rows
from bundle.generator_inputs import CHANNELS, Given
from bundle.images import to_uint8
from bundle.latents import class_rows, from_normal, seed_latents
from bundle.schema import MAX_SIDE, Adapter, ClassInput, Layout, PixelValues, Prior
from bundle.sessions import choose_provider, open_session

PICTURE_NAMES = ("image", "img", "picture", "sample", "fake", "rgb", "output")
MOST_CLASSES_TRIED = 4000  # where whole numbers name the classes and nobody says how many there are
SHEET_PIXELS = 4_200_000  # of the sample sheet, unless one row has more: 64 pictures of 256 px, 16 of 512, 8 of 1 024
SHEET_SECONDS = 20.0  # in which it should be drawn; a slow generator gets fewer rows
RUN_PIXELS = 16 * 256 * 256  # of the pictures of one run, so that large ones do not fill the memory
FLAT = 1e-4  # of the whole range: pictures that vary less show nothing
LEAST_SHOWN = 2 / 255  # of the range that a flag gives: pictures that vary less there are not what it says
MOST_OUTSIDE = 0.5  # share of all numbers that may lie outside the range, where no flag says which it is
RANGES: dict[PixelValues, tuple[float, float]] = {"0..1": (0, 1), "-1..1": (-1, 1), "0..255": (0, 255)}

RunSession = Callable[[Sequence[str] | None, Rows], list[np.ndarray]]


@dataclass(frozen=True)
class Trial:
    """What a trial run tells. `pictures`: uint8 [N, H, W, C], of seeds 0, 1, …; `class_count`: 0 without
    classes; `notes`: what was guessed or clipped, a sentence each."""

    adapter: Adapter
    class_count: int
    pictures: np.ndarray
    notes: tuple[str, ...]


def try_generator(data: bytes, adapter: Adapter, outputs: Sequence[str], prior: Prior, given: Given) -> Trial:
    """Runs the graph by the inputs of `adapter` and finds the rest of it. Raises BundleError when it draws no pictures,
    UserError for a flag that does not fit."""
    if given.output and given.output not in outputs:
        raise UserError(f"--output {given.output}: this file gives {', '.join(outputs[:8])}.")
    try:
        session = open_session(data, choose_provider("cpu"))
    except Exception as error:  # onnxruntime's errors share no base class
        raise BundleError(f"This file does not run ({first_line(error)}).") from error

    def run(names: Sequence[str] | None, feed: Rows) -> list[np.ndarray]:
        try:
            return session.run(names, feed)
        except Exception as error:
            raise BundleError(f"This file does not run ({first_line(error)}).") from error

    count = _class_count(run, adapter, given) if adapter.classes else 0
    one = own_feed(adapter, [0], count, prior)
    began = time.perf_counter()
    drawn = dict(zip(outputs, run(list(outputs), one), strict=True))
    seconds = (time.perf_counter() - began) / (adapter.batch or 1)
    name, layout = find_picture(drawn, given)
    notes = []
    if len(outputs) > 1 and not given.output:
        notes.append(f"Of its {len(outputs)} outputs, '{name}' is the picture; --output NAME says another.")
    if layout != "NCHW" and not given.layout:
        notes.append(f"'{name}' is taken as {layout}; --layout says otherwise.")
    adapter = adapter.model_copy(update={"image": name, "layout": layout})
    _, _, height, width = in_order(drawn[name], adapter).shape
    if height * width > RUN_PIXELS // 16 and not adapter.batch:
        adapter = adapter.model_copy(update={"rows": max(1, RUN_PIXELS // (height * width))})
    tiles = sheet_tiles(height, width, seconds)
    raw = _raw_pictures(run, adapter, tiles, count, prior)
    if not np.isfinite(raw).all():
        raise BundleError("This generator gives values that are not finite numbers.")
    values = given.values or guess_range(raw, drawn[name].dtype)
    notes += _about_range(raw, values, given)
    adapter = adapter.model_copy(update={"values": values})
    plain = adapter.model_copy(update={"layout": "NCHW"})  # they are in order already
    return Trial(adapter, count, to_uint8(to_image(raw, plain)), tuple(notes))


def own_feed(adapter: Adapter, seeds: Sequence[int], class_count: int, prior: Prior) -> Rows:
    """What the graph is given for some seeds, filled up to its batch where that is fixed."""
    count = adapter.batch or len(seeds)
    feed = _conventional(adapter, [*seeds, *[seeds[-1]] * (count - len(seeds))], class_count, prior)
    return own_rows(feed, adapter) | {entry.name: fixed_values(entry, count) for entry in adapter.fixed}


def _conventional(adapter: Adapter, seeds: Sequence[int], class_count: int, prior: Prior) -> Rows:
    feed = {"z": from_normal(seed_latents(seeds, math.prod(adapter.z_shape)), prior)}
    if (rows := class_rows(None, seeds, class_count)) is not None:
        feed["classes"] = rows
    return feed


def _raw_pictures(run: RunSession, adapter: Adapter, tiles: int, class_count: int, prior: Prior) -> np.ndarray:
    """The generator's own numbers for seeds 0, 1, …, float32 [N, C, H, W]."""
    raw: list[np.ndarray] = []

    def recorded(feed: Feed) -> list[np.ndarray]:
        raw.append(run([adapter.image], dict(feed))[0])
        return [raw[-1]]

    some = adapter.model_copy(update={"rows": adapter.rows or 16})
    adapt(recorded, some)(_conventional(adapter, range(tiles), class_count, prior))
    return np.concatenate([in_order(part, adapter) for part in raw])[:tiles]


def find_picture(drawn: Rows, given: Given) -> tuple[str, Layout]:
    """The output that is the picture, and the order of its dimensions: the largest one where there are several."""
    found: dict[str, Layout] = {}
    for name, array in drawn.items():
        layout = given.layout or guess_layout(array.shape)
        if given.output in (None, name) and _channels(array.shape, layout) in CHANNELS and _numeric(array):
            found[name] = layout
    if not found:
        shown = ", ".join(f"'{n}' is {a.dtype} [{', '.join(map(str, a.shape))}]" for n, a in list(drawn.items())[:5])
        flags = {"--output": given.output, "--layout": given.layout}
        said = " ".join(f"{flag} {value}" for flag, value in flags.items() if value)
        if said:
            raise BundleError(f"With {said} there is no picture, which must have 1 or 3 channels; {shown}.")
        raise BundleError(f"Pictures must have 1 or 3 channels and at most {MAX_SIDE} pixels a side; {shown}.")
    best = max(found, key=lambda n: (drawn[n].size, any(word in n.lower() for word in PICTURE_NAMES)))
    return best, found[best]


def guess_layout(shape: tuple[int, ...]) -> Layout:
    """The order of the dimensions of a picture of this shape."""
    return next((layout for layout in get_args(Layout) if _channels(shape, layout) in CHANNELS), "NCHW")


def _channels(shape: tuple[int, ...], layout: Layout) -> int:
    """The channels of a picture of this shape; 0 where it is none."""
    if len(shape) != len(layout):
        return 0
    sides = {"NCHW": shape[2:], "NHWC": shape[1:3], "NHW": shape[1:]}[layout]
    if not all(1 < side <= MAX_SIDE for side in sides):
        return 0
    return {"NCHW": shape[1], "NHWC": shape[-1], "NHW": 1}[layout]


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" or array.dtype == np.uint8


def guess_range(raw: np.ndarray, dtype: np.dtype[Any]) -> PixelValues:
    """What black and white are, by where nearly all numbers lie. Raises BundleError where no range fits."""
    if dtype == np.uint8:
        return "0..255"
    low, high = (float(value) for value in np.quantile(raw, (0.01, 0.99)))
    if high > 16 and low > -high / 8:
        return "0..255"
    return "-1..1" if low < -0.25 * max(high, 0) and low < -0.01 else "0..1"


def _about_range(raw: np.ndarray, values: PixelValues, given: Given) -> list[str]:
    """What is said of the numbers. Raises BundleError when they show nothing, or lie mostly outside their range, and
    UserError when a flag leaves nothing of them to see."""
    low, high = float(raw.min()), float(raw.max())
    black, white = RANGES[values]
    if high - low < FLAT * (white - black):
        raise BundleError(f"These pictures are of one colour: their values run from {low:.4g} to {high:.4g}.")
    if given.values and min(high, white) - max(low, black) < LEAST_SHOWN * (white - black):
        raise UserError(
            f"With --values {values} these pictures are of one colour: their values run from {low:.4g} to {high:.4g}."
        )
    spill = float(((raw < black) | (raw > white)).mean())
    if spill > MOST_OUTSIDE and not given.values:
        raise BundleError(
            f"Pictures must lie in [0, 1], [-1, 1] or [0, 255]; these run from {low:.3g} to {high:.3g}. If they are "
            "meant so, say what is black and white: --values 0..1, -1..1 or 0..255."
        )
    notes = [] if given.values or values != "0..255" else ["Its values are taken as 0 to 255; --values says otherwise."]
    slack = FLAT * (white - black)  # what arithmetic may add to tanh's 1
    if low < black - slack or high > white + slack:
        notes.append(
            f"Its values run from {low:.3g} to {high:.3g}; the {spill:.1%} of them outside {values} are clipped."
        )
    return notes


def sheet_tiles(height: int, width: int, seconds: float) -> int:
    """How many pictures the sample sheet shows: whole rows, as far as size and time allow; `seconds`: for one."""
    most = min(SHEET_PIXELS // (height * width), int(SHEET_SECONDS / max(seconds, 1e-6)), MAX_TILES)
    return max(1, most // SHEET_COLUMNS) * SHEET_COLUMNS


def _class_count(run: RunSession, adapter: Adapter, given: Given) -> int:
    """How many classes there are: by the width of a row of weights, by their names, or by the first number that the
    graph refuses. Raises UserError where none of them tells."""
    entry = adapter.classes
    assert entry is not None
    if entry.form == "one-hot":
        count = math.prod(entry.shape)
        if given.classes and len(given.classes) != count:
            raise UserError(f"--classes names {len(given.classes)}; '{entry.name}' takes {count}.")
        return count
    if given.classes:
        return len(given.classes)

    def takes(number: int) -> bool:
        try:
            run(None, _labelled(adapter, entry, number))
        except BundleError:
            return False
        return True

    run(None, _labelled(adapter, entry, 0))  # whose error, if any, is about something else
    low, high, most = 0, 1, min(MOST_CLASSES_TRIED, int(np.iinfo(entry.type).max))
    while takes(high):
        low, high = high, min(2 * high, most)
        if low == most:
            raise UserError(f"How many classes does '{entry.name}' take? Name them: --classes cat,dog,….")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    return high


def _labelled(adapter: Adapter, entry: ClassInput, number: int) -> Rows:
    """One row of z with this class number."""
    feed = own_feed(adapter.model_copy(update={"classes": None}), [0], 0, "normal")
    rows = len(feed[adapter.z])
    return feed | {entry.name: np.full((rows, *entry.shape), number, entry.type)}
