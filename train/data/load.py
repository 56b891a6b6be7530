"""Any source of pictures -> uint8 tensors, labels and class names, with a report before training.

Sources: a Hugging Face data-set id, a folder or zip of images (sub-folders become classes), parquet files, and two
sets made here: `shapes` (drawn, with known factors) and `stacked_mnist` (three digits as red, green and blue).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bundle.errors import UserError
from bundle.pictures import background_colour, check_background
from bundle.schema import Fit
from train.data import shapes, stacked_mnist
from train.data.attributes import attributes_note, choose_attributes, matrix
from train.data.cache import Cache
from train.data.checks import check_count, check_variety, copies, few_pictures
from train.data.dataset import DataInfo, Pictures, describe, set_name, synthetic_set
from train.data.open_source import open_source
from train.data.packed import key_of
from train.data.picture_set import read_set
from train.data.pixel_format import DEFAULT_PIXELS, PixelFormat, check_pixel_format, format_of_run
from train.data.places import path_of
from train.data.reading import DEFAULT_READING, ClassesFrom, Reading
from train.data.scan import LARGEST_DEFAULT, Scan, choose_format, default_size
from train.data.scan_report import scan_report
from train.picture_size import PictureSize, check_size, sides_of
from train.progress_bar import say


class Loaded(NamedTuple):
    """What a source gives: the facts about its pictures, those that are trained on, and those that are held out."""

    info: DataInfo
    train: Pictures
    test: Pictures


OLDER_READINGS: tuple[ClassesFrom, ...] = ("folder", "outermost")
"""How folders were read before files of labels, shards, masks and splits beside other folders were known."""


def load(
    source: str,
    size: PictureSize | None = None,
    quiet: bool = False,
    fit: Fit = "crop",
    background: str | None = None,
    largest: int = LARGEST_DEFAULT,
    reading: Reading = DEFAULT_READING,
    pixels: PixelFormat = DEFAULT_PIXELS,
    cache: Cache | None = None,
) -> Loaded:
    """Reads a source: (info, train, test). Without a test split, a tenth is held out.

    `size`: as --size takes it; None = squares of the smallest power of two, at most `largest`, that holds the median
    picture. `quiet`: no report.
    `reading`: which labels and columns are taken. `pixels`: what is known of grey or colour and of black and white.
    `cache`: where the pictures are packed if they are too many for memory; None: they come into memory all the same.
    `fit` and `background` as in bundle.pictures.Framing; background None is white for colour and black for grey sets.
    Raises UserError for no data, fewer than 20 readable pictures, pictures that are all the same, or a size the
    networks cannot take.
    """
    if size is not None:
        check_size(size)
    check_background(background)
    check_pixel_format(pixels)
    synthetic = synthetic_set(source)
    if synthetic and not quiet and Path(source).exists():
        say(f"note: {source} is the set that is made here; write ./{source} for the pictures in this folder.")
    if synthetic == "shapes":
        return load_shapes(size, quiet, pixels, reading)
    if synthetic == "stacked_mnist":
        choose_attributes(reading.attributes, {})  # it has none
        return load_stacked(source.partition(":")[2] or "ylecun/mnist", size, quiet, fit, background, pixels)
    opened = open_source(source, reading)
    asked = (size or ("at most", largest), fit, background, reading, pixels)
    found = read_set(
        set_name(source),
        opened,
        asked,
        lambda: choose_format(opened, size, fit, background, largest, pixels),
        cache,
        quiet,
    )
    train, test, wanted, scan = found.train, found.test, found.wanted, found.scan
    shown = shown_name(source)
    framing, scaling = wanted.framing, wanted.framing.scaling
    black_white = scaling if isinstance(scaling, tuple) else None
    facts = (fit, framing.background, reading, black_white, framing.border)
    info = describe(shown, train, test, found.classes, *facts, opened.attributes)
    if found.pack:  # whoever reads these pictures again asks so
        found.pack.answers_to(key_of(opened, known_as(info)))
    if not quiet:
        alike = [] if found.pack else copies(train.images, test.images)  # a pack is large: reading it again takes long
        notes = (*opened.notes, *found.notes, *wanted.notes, *notes_on(info, scan, size is None), *alike)
        print(scan_report(scan, info, notes), flush=True)
    check_count(source, scan, len(train), len(test))
    check_variety(source, train.images, test.images)
    return Loaded(info, train, test)


def shown_name(source: str) -> str:
    """What a run calls a source: a folder or file by its name, as a run folder names no folder of this computer; one
    that is called as a set that is made here as ./NAME."""
    path = path_of(source)
    if not path.exists():
        return source
    name = path.resolve().name or "pictures"  # the root of a disk has none
    return f"./{name}" if synthetic_set(name) else name


def notes_on(info: DataInfo, scan: Scan, sized_here: bool) -> list[str]:
    """Lines for the report on a size that the budget made small, attributes, and few pictures. `sized_here`: whether
    nobody asked for a size."""
    notes = []
    if sized_here and scan.sizes and (larger := default_size(scan.sizes)) > info.height:
        notes.append(f"{info.height} px, as the budget is short: --size {larger} draws them larger")
    if info.attributes:
        notes.append(attributes_note(info.attributes))
    return notes + few_pictures(info.train_images + info.test_images)


def known_as(info: DataInfo) -> tuple[object, ...]:
    """What is asked of pictures that are known, as `load` asks it."""
    return info.size, info.fit, info.background, info.reading, format_of_run(info)


def load_again(source: str, known: DataInfo, cache: Cache | None = None) -> Loaded:
    """As `load`, without a report, with the size, framing, reading and range that pictures are known to have had."""
    pixels = format_of_run(known)

    def load_with(reading: Reading, quiet: bool) -> Loaded:
        return load(source, known.size, quiet, known.fit, known.background, reading=reading, pixels=pixels, cache=cache)

    return load_with(known.reading, True) if known.reading_recorded else load_older(source, load_with, known, True)


def load_older(source: str, load_with: Callable[[Reading, bool], Loaded], known: DataInfo, quiet: bool) -> Loaded:
    """The pictures of a run from before readings were recorded: read as today or, where those are not the ones that it
    knew, in the first way of OLDER_READINGS that gives its counts and classes; of a table from the column that was
    taken then. Says so when it is one of these.

    load_with: `load` with a reading, and whether it is quiet. Raises UserError as `load` where no reading fits.
    """
    found: Loaded | None = None
    problem: UserError | None = None
    try:
        if column := image_column_then(source, known):
            found = load_with(replace(known.reading, image_column=column), quiet)
            if same_counts(found.info, known):
                say_read_as_then(known, f"--image-column {column}")
                return found
        found = load_with(known.reading, quiet)
        if same_counts(found.info, known):
            return found
    except UserError as error:
        problem = error
    for way in OLDER_READINGS:
        with suppress(UserError):
            older = load_with(replace(known.reading, classes_from=way), True)
            if same_counts(older.info, known):
                say_read_as_then(known, f"--classes-from {way}")
                return older
    if found is None:
        raise problem or UserError(f"{known.source} cannot be read.")
    return found


def image_column_then(source: str, known: DataInfo) -> str | None:
    """The column of a table that was taken for the pictures before readings were recorded, where today it is another;
    a set that is made here has none."""
    if synthetic_set(source):
        return None
    with suppress(UserError):
        return open_source(source, known.reading).older_image_column
    return None


def say_read_as_then(known: DataInfo, flag: str) -> None:
    """Says that pictures are not read as today; `flag`: how."""
    say(f"note: today {known.source} is read otherwise than when the run was begun; it is read as then: {flag}.")


def same_counts(found: DataInfo, known: DataInfo) -> bool:
    """Whether pictures have the classes and counts of those that are known."""
    return all(getattr(found, name) == getattr(known, name) for name in ("classes", "train_images", "test_images"))


def load_shapes(size: PictureSize | None, quiet: bool, pixels: PixelFormat, reading: Reading) -> Loaded:
    """The drawn set of train.data.shapes, in colour unless `pixels` wants grey; its classes are the names of the
    shapes, unless `reading` wants none; the other factors can be attributes."""
    by_classes, channels = reading.classes, pixels.channels or 3
    sides = sides_of(size) if size else shapes.SIDES
    drawn = [shapes.factors(shapes.TRAIN), shapes.factors(shapes.TEST)]
    infos = tuple(column.info for column in choose_attributes(reading.attributes, shapes.cells(drawn[0]), ["shape"])[0])
    train, test = (
        Pictures(shapes.draw_many(factors, sides, channels), shape_labels(factors, by_classes),
                 torch.from_numpy(matrix(infos, shapes.cells(factors), len(factors))).float() if infos else None)
        for factors in drawn
    )  # fmt: skip
    classes = shapes.FACTORS["shape"] if by_classes else ()
    info = describe("shapes", train, test, classes, background=background_colour("RGB", None),
                    reading=Reading(by_classes, attributes=reading.attributes), border=pixels.border,
                    attributes=infos)  # fmt: skip
    if not quiet:
        counts = ", ".join(f"{name} ({len(values)})" for name, values in shapes.FACTORS.items())
        print(f"shapes: {info.train_images} training and {info.test_images} held-out pictures, drawn here")
        colours = "grey" if channels == 1 else "RGB"
        print(f"  {info.width}x{info.height} {colours}; factors and their values: {counts}", flush=True)
    return Loaded(info, train, test)


def shape_labels(factors: np.ndarray, by_classes: bool) -> Tensor:
    """The shape of each drawn picture, int64 [N], by its factors int64 [N, 6]; -1 without classes."""
    return torch.from_numpy(factors[:, 0].copy()) if by_classes else torch.full((len(factors),), -1)


def load_stacked(
    copy: str, size: PictureSize | None, quiet: bool, fit: Fit, background: str | None, pixels: PixelFormat
) -> Loaded:
    """Stacked MNIST (see train.data.stacked_mnist) from a copy of MNIST. Raises UserError when the copy is not grey, or
    stacked digits are to be."""
    if pixels.channels == 1:
        raise UserError(
            "stacked_mnist lays three digits over one another as red, green and blue: leave out --channels 1."
        )
    found = load(copy, size, True, fit, background, pixels=replace(pixels, channels=None))
    digits, splits = found.info, (found.train, found.test)
    if digits.channels != 1:
        raise UserError(f"{copy} has pictures in colour; stacked_mnist needs grey digits.")
    counts = stacked_mnist.TRAIN_IMAGES, stacked_mnist.TEST_IMAGES
    train, test = (
        Pictures(stacked_mnist.stack(split.images[:], count, seed), torch.full((count,), -1))
        for seed, (split, count) in enumerate(zip(splits, counts, strict=True))
    )
    info = describe(
        "stacked_mnist", train, test, (), fit, digits.background, value_range=digits.value_range, border=digits.border
    )
    if not quiet:
        print(f"stacked_mnist: {info.train_images} training and {info.test_images} held-out pictures")
        print(f"  three digits of {copy} as red, green and blue, {info.width}x{info.height}; no classes", flush=True)
    return Loaded(info, train, test)
