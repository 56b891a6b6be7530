"""Any image source -> uint8 tensors, labels and class names, with a report before training.

Sources: a Hugging Face data-set id, a folder or zip of images (sub-folders become classes), parquet files, and two
sets made here: `shapes` (drawn, with known factors) and `stacked_mnist` (three digits as red, green and blue).
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from bundle.errors import UserError
from bundle.pictures import check_background, fills_square, fit, paper
from train.data import shapes, stacked_mnist
from train.data.scan import Scan, default_size, first_look, read_split
from train.data.sources import open_source
from train.models.layers import resolutions
from train.settings import Fit

__all__ = ["DataInfo", "Pictures", "batch_indices", "check_labels", "default_size", "fit", "load", "one_hot"]

MINIMUM_IMAGES = 100
LARGEST_SIZE = 256
# What people need to know before they share pictures made from a set; by the last part of its name.
LICENCES = {
    "mnist": ("MNIST digits", "LeCun, Cortes, Burges; CC BY-SA 3.0"),
    "fashion_mnist": ("Fashion-MNIST", "Zalando Research, MIT"),
    "cifar10": ("CIFAR-10", "Krizhevsky 2009, no licence stated"),
    "mednist": ("MedNIST", "B. Erickson (Mayo Clinic) and others, CC BY-SA 4.0"),
    "noto_emoji": ("Noto Emoji", "Google, Apache 2.0 and OFL 1.1"),
    "stacked_mnist": ("Stacked MNIST", "LeCun, Cortes, Burges; CC BY-SA 3.0"),
    "shapes": ("Shapes", "drawn by Twofold, Apache 2.0"),
}


@dataclass(frozen=True)
class DataInfo:
    """What a run knows about its pictures; stored in run.json."""

    source: str
    title: str
    licence: str
    channels: int
    size: int
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    fit: Fit = "crop"
    background: str | None = None
    """Colour under transparent and padded parts, #rrggbb; None in runs from before it was recorded."""

    def as_json(self) -> dict:
        return asdict(self) | {"classes": list(self.classes)}

    @staticmethod
    def from_json(value: dict) -> "DataInfo":
        return DataInfo(**(value | {"classes": tuple(value["classes"])}))


@dataclass(frozen=True)
class Pictures:
    """One split: images uint8 [N, C, S, S], labels int64 [N] (-1 where there are no classes)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)


def held_out(whole: Pictures) -> tuple[Pictures, Pictures]:
    """(train, test): a tenth is held out, the same one each time."""
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))
    held = max(len(order) // 10, 1)
    test, train = order[:held], order[held:]
    return Pictures(whole.images[train], whole.labels[train]), Pictures(whole.images[test], whole.labels[test])


def load(
    source: str, size: int | None = None, quiet: bool = False, fit: Fit = "crop", background: str | None = None
) -> tuple[DataInfo, Pictures, Pictures]:
    """Reads a source into memory: (info, train, test). Without a test split, a tenth is held out.

    `fit` and `background` as in bundle.pictures.square; background None is white for colour and black for grey sets.
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
    opened, scan = open_source(source), Scan()
    form = first_look(opened, size, fit, background)
    train = Pictures(*read_split(opened.train, form, scan, "reading pictures"))
    test = Pictures(*read_split(opened.test, form, scan, "reading test pictures")) if opened.test else None
    if scan.read < MINIMUM_IMAGES:
        bad = f" ({len(scan.bad)} unreadable, first {scan.bad[0]})" if scan.bad else ""
        raise UserError(f"{source} has {scan.read} readable pictures{bad}; at least {MINIMUM_IMAGES} are needed.")
    if not len(train):
        raise UserError(f"{source} has no readable training picture; the first problem was {scan.bad[0]}.")
    check_variety(source, train.images)
    if not test:
        train, test = held_out(train)
    check_labels(source, train.labels, opened.classes)
    name = Path(source).expanduser().resolve().name
    info = describe(
        name if Path(source).expanduser().exists() else source, train, test, opened.classes, fit, form.background
    )
    if not quiet:
        print(report(scan, info, opened.notes), flush=True)
    return info, train, test


def load_shapes(size: int | None, quiet: bool) -> tuple[DataInfo, Pictures, Pictures]:
    """The drawn set of train.data.shapes; its classes are the names of the shapes."""
    splits = []
    for indices in (shapes.TRAIN, shapes.TEST):
        values = shapes.factors(indices)
        splits.append(Pictures(shapes.draw_many(values, size or shapes.SIZE), torch.from_numpy(values[:, 0].copy())))
    info = describe("shapes", *splits, shapes.FACTORS["shape"], background=paper("RGB", None))
    if not quiet:
        counts = ", ".join(f"{name} ({len(values)})" for name, values in shapes.FACTORS.items())
        print(f"shapes: {info.train_images} training and {info.test_images} test pictures, drawn here")
        print(f"  {info.size}x{info.size} RGB; factors and their values: {counts}", flush=True)
    return info, *splits


def load_stacked(
    copy: str, size: int | None, quiet: bool, how: Fit, background: str | None
) -> tuple[DataInfo, Pictures, Pictures]:
    """Stacked MNIST (see train.data.stacked_mnist) from a copy of MNIST. Raises UserError when the copy is not grey."""
    digits, *splits = load(copy, size, True, how, background)
    if digits.channels != 1:
        raise UserError(f"{copy} has pictures in colour; stacked_mnist needs grey digits.")
    train, test = (
        Pictures(stacked_mnist.stack(split.images, count, seed), torch.full((count,), -1))
        for split, count, seed in zip(
            splits, (stacked_mnist.TRAIN_IMAGES, stacked_mnist.TEST_IMAGES), (0, 1), strict=True
        )
    )
    info = describe("stacked_mnist", train, test, (), how, digits.background)
    if not quiet:
        print(f"stacked_mnist: {info.train_images} training and {info.test_images} test pictures")
        print(f"  three digits of {copy} as red, green and blue, {info.size}x{info.size}; no classes", flush=True)
    return info, train, test


def describe(
    source: str,
    train: Pictures,
    test: Pictures,
    classes: tuple[str, ...],
    how: Fit = "crop",
    background: str | None = None,
) -> DataInfo:
    """What a run keeps about its pictures."""
    name = Path(source).stem if source.lower().endswith((".zip", ".parquet")) else source.rstrip("/").split("/")[-1]
    title, licence = LICENCES.get(name.lower(), (name, "not stated"))
    _, channels, size, _ = train.images.shape
    return DataInfo(
        source=source,
        title=title,
        licence=licence,
        channels=channels,
        size=size,
        classes=classes,
        train_images=len(train),
        test_images=len(test),
        fit=how,
        background=background,
    )


def report(scan: Scan, info: DataInfo, notes: tuple[str, ...] = ()) -> str:
    """What was found, a line each, before training."""
    sizes = ", ".join(f"{w}x{h} ({n})" for (w, h), n in scan.sizes.most_common(3))
    if len(scan.sizes) > 3:
        (w, h), *_, (width, height) = sorted(scan.sizes, key=lambda extent: extent[0] * extent[1])
        sizes = f"{len(scan.sizes)} different, {w}x{h} to {width}x{height}, most often {sizes}"
    colour = "grey" if info.channels == 1 else "RGB"
    long = any(w != h and not fills_square((w, h), info.size) for w, h in scan.sizes)
    small = any(max(w, h) < info.size and fills_square((w, h), info.size) for w, h in scan.sizes)
    how = (", long ones cropped to the middle" if long else "") + (", framed with their border" if small else "")
    if info.fit == "pad":
        how = f", padded with {info.background}" if long or small else ""
    lines = [
        f"{info.source}: {info.train_images} training and {info.test_images} test pictures",
        f"  sizes {sizes} -> {info.size}x{info.size}{how}",
        f"  modes {', '.join(f'{m} ({n})' for m, n in scan.modes.most_common())} -> {colour}",
    ]
    if scan.transparent:
        lines.append(f"  {scan.transparent} pictures with transparent parts, laid on {info.background}")
    if info.classes:
        counts = [scan.labels[i] for i in range(len(info.classes))]
        each = ", ".join(f"{name} ({n})" for name, n in list(zip(info.classes, counts, strict=True))[:12])
        span = f", …; {min(counts)} to {max(counts)} pictures each" if len(counts) > 12 else ""
        lines.append(f"  {len(info.classes)} classes: {each}{span}")
    else:
        lines.append("  no classes")
    lines += [f"  {note}" for note in notes]
    if scan.bad:
        more = ", …" if len(scan.bad) > 5 else ""
        lines.append(f"  skipped {len(scan.bad)} unreadable: {'; '.join(scan.bad[:5])}{more}")
    return "\n".join(lines)


def check_size(size: int) -> None:
    """Raises UserError unless the networks can draw `size` x `size` pictures."""
    try:
        resolutions(size)
    except ValueError as problem:
        raise UserError(f"--size {problem}; try 28, 32, 64, 96 or 100.") from None
    if len(resolutions(size)) < 2 or not 16 <= size <= LARGEST_SIZE:
        raise UserError(f"--size {size} cannot be drawn; try 28, 32, 64, 96 or 100 (at most {LARGEST_SIZE}).")


def check_variety(source: str, images: Tensor) -> None:
    """Raises UserError when all pictures are the same."""
    if bool((images == images[:1]).all()):
        raise UserError(f"All {len(images)} pictures of {source} are the same; there is nothing to learn from them.")


def check_labels(source: str, labels: Tensor, names: tuple[str, ...]) -> None:
    """Raises UserError for pictures without a label or classes with fewer than two, in a set that has classes."""
    if len(names) < 2:
        return
    if missing := int((labels < 0).sum()):
        raise UserError(f"{missing} training pictures of {source} have no label; label them or leave them out.")
    counts = torch.bincount(labels, minlength=len(names))
    if int(counts.min()) < 2:
        raise UserError(f"{source} has {int(counts.min())} training pictures of '{names[int(counts.argmin())]}'.")


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> Tensor:
    """The pictures of one epoch, shuffled, int64 [count]; kept, since every step of the epoch asks for it."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + epoch))


def batch_indices(count: int, batch: int, step: int, seed: int) -> Tensor:
    """Which pictures step `step` sees: whole shuffled epochs, a pure function, so that resuming is exact."""
    batch = min(batch, count)
    epoch, position = divmod(step, count // batch)
    return epoch_order(count, epoch, seed)[position * batch : (position + 1) * batch]


def one_hot(labels: Tensor, classes: int) -> Tensor | None:
    """Labels int64 [N] -> weights float32 [N, K], or None for a model without classes."""
    return torch.nn.functional.one_hot(labels, classes).float() if classes else None
