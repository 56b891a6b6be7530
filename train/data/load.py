"""Any source of pictures -> uint8 tensors, labels and class names, with a report before training.

Sources: a Hugging Face data-set id, a folder or zip of images (sub-folders become classes), parquet files, and two
sets made here: `shapes` (drawn, with known factors) and `stacked_mnist` (three digits as red, green and blue).
"""

from pathlib import Path

import torch

from bundle.errors import UserError
from bundle.pictures import check_background, paper
from bundle.schema import Fit
from train.data import shapes, stacked_mnist
from train.data.checks import MINIMUM_IMAGES, check_labels, check_variety
from train.data.dataset import DataInfo, Pictures, describe
from train.data.reading import AS_FOUND, Reading
from train.data.scan import LARGEST_DEFAULT, Scan, choose_format, default_size, read_split
from train.data.scan_report import scan_report
from train.data.sources import open_source
from train.data.splits import hold_out
from train.picture_size import PictureSize, check_size, sides_of

Loaded = tuple[DataInfo, Pictures, Pictures]


def load(
    source: str,
    size: PictureSize | None = None,
    quiet: bool = False,
    fit: Fit = "crop",
    background: str | None = None,
    largest: int = LARGEST_DEFAULT,
    reading: Reading = AS_FOUND,
) -> Loaded:
    """Reads a source into memory: (info, train, test). Without a test split, a tenth is held out.

    `size`: as --size takes it; None = squares of the smallest power of two, at most `largest`, that holds the median
    picture. `quiet`: no report. `reading`: which labels and columns are taken.
    `fit` and `background` as in bundle.pictures.Framing; background None is white for colour and black for grey sets.
    Raises UserError for no data, fewer than 100 readable pictures, pictures that are all the same, or a size the
    networks cannot take.
    """
    if size is not None:
        check_size(size)
    check_background(background)
    name, _, copy = source.partition(":")
    if source == "shapes":
        return load_shapes(size, quiet)
    if name == "stacked_mnist":
        return load_stacked(copy or "ylecun/mnist", size, quiet, fit, background)
    opened, scan = open_source(source, reading), Scan()
    wanted = choose_format(opened, size, fit, background, largest)
    train = Pictures(*read_split(opened.train, wanted, scan, "reading pictures"))
    test = Pictures(*read_split(opened.test, wanted, scan, "reading test pictures")) if opened.test else None
    if scan.read < MINIMUM_IMAGES:
        bad = f" ({len(scan.bad)} unreadable, first {scan.bad[0]})" if scan.bad else ""
        raise UserError(f"{source} has {scan.read} readable pictures{bad}; at least {MINIMUM_IMAGES} are needed.")
    if not len(train):
        raise UserError(f"{source} has no readable training picture; the first problem was {scan.bad[0]}.")
    check_variety(source, train.images)
    if not test:
        train, test = hold_out(train)
    check_labels(source, train.labels, opened.classes)
    path = Path(source).expanduser()
    shown = path.resolve().name if path.exists() else source  # a run folder names no folder of this computer
    info = describe(shown, train, test, opened.classes, fit, wanted.framing.background)
    if not quiet:
        wider = default_size(scan.sizes)
        smaller = size is None and wider > info.height
        notes = [f"{info.height} px, as the budget is short: --size {wider} draws them larger"] if smaller else []
        print(scan_report(scan, info, (*opened.notes, *notes)), flush=True)
    return info, train, test


def load_shapes(size: PictureSize | None, quiet: bool) -> Loaded:
    """The drawn set of train.data.shapes; its classes are the names of the shapes."""
    sides = sides_of(size) if size else shapes.SIDES
    train, test = (
        Pictures(shapes.draw_many(factors, sides), torch.from_numpy(factors[:, 0].copy()))
        for factors in (shapes.factors(shapes.TRAIN), shapes.factors(shapes.TEST))
    )
    info = describe("shapes", train, test, shapes.FACTORS["shape"], background=paper("RGB", None))
    if not quiet:
        counts = ", ".join(f"{name} ({len(values)})" for name, values in shapes.FACTORS.items())
        print(f"shapes: {info.train_images} training and {info.test_images} test pictures, drawn here")
        print(f"  {info.width}x{info.height} RGB; factors and their values: {counts}", flush=True)
    return info, train, test


def load_stacked(copy: str, size: PictureSize | None, quiet: bool, fit: Fit, background: str | None) -> Loaded:
    """Stacked MNIST (see train.data.stacked_mnist) from a copy of MNIST. Raises UserError when the copy is not grey."""
    digits, *splits = load(copy, size, True, fit, background)
    if digits.channels != 1:
        raise UserError(f"{copy} has pictures in colour; stacked_mnist needs grey digits.")
    counts = stacked_mnist.TRAIN_IMAGES, stacked_mnist.TEST_IMAGES
    train, test = (
        Pictures(stacked_mnist.stack(split.images, count, seed), torch.full((count,), -1))
        for seed, (split, count) in enumerate(zip(splits, counts, strict=True))
    )
    info = describe("stacked_mnist", train, test, (), fit, digits.background)
    if not quiet:
        print(f"stacked_mnist: {info.train_images} training and {info.test_images} test pictures")
        print(f"  three digits of {copy} as red, green and blue, {info.width}x{info.height}; no classes", flush=True)
    return info, train, test
