"""What loading a set of pictures gives: tensors of its two splits, and the facts that a run keeps about them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from bundle.printable import printable
from bundle.schema import BundleIndex, Fit
from train.data.attributes import AttributeInfo
from train.data.mapped_images import Images, MappedImages
from train.data.reading import DEFAULT_READING, Reading, stored_reading
from train.picture_size import PictureSize, given_size

# Title and licence of a set, by the last part of its name: to be known before pictures made from it are shared.
LICENCES = {
    "mnist": ("MNIST digits", "LeCun, Cortes, Burges; CC BY-SA 3.0"),
    "fashion_mnist": ("Fashion-MNIST", "Zalando Research, MIT"),
    "cifar10": ("CIFAR-10", "Krizhevsky 2009, no licence stated"),
    "mednist": ("MedNIST", "B. Erickson (Mayo Clinic) and others, CC BY-SA 4.0"),
    "noto_emoji": ("Noto Emoji", "Google, Apache 2.0 and OFL 1.1"),
    "stacked_mnist": ("Stacked MNIST", "LeCun, Cortes, Burges; CC BY-SA 3.0"),
    "shapes": ("Shapes", "drawn by Twofold, Apache 2.0"),
}
SyntheticSet = Literal["shapes", "stacked_mnist"]
"""Sets that are made here, and are no files."""
SYNTHETIC: tuple[SyntheticSet, ...] = get_args(SyntheticSet)


@dataclass(frozen=True)
class DataInfo:
    """What a run knows about its pictures; stored in run.json.

    `channels`: 1 or 3; `height`, `width`: in pixels; `classes`: their names, none where the set has no classes.
    """

    source: str
    title: str
    licence: str
    channels: int
    height: int
    width: int
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    fit: Fit = "crop"
    background: str | None = None
    """Colour under transparent and padded parts, #rrggbb; None in runs from before it was recorded."""
    reading: Reading = DEFAULT_READING
    """Which labels and columns were taken."""
    reading_recorded: bool = True
    """False in runs and bundles from before it was: `reading` is then what they are most likely to have had."""
    value_range: tuple[float, float] | None = None
    """The numbers that are black and white in pictures of more than 8 bits; None where there are none, and in runs from
    before it was recorded."""
    border: int | None = None
    """Pixels that a picture may lack to keep its own; None in older runs: a quarter of the side."""
    attributes: tuple[AttributeInfo, ...] = ()
    """What is known of the pictures beside their class, where --attributes asked for it."""

    @property
    def sides(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def size(self) -> PictureSize:
        """As --size takes it: 64 for squares of 64 pixels, else width x height as in "96x64"."""
        return given_size(self.height, self.width)

    def as_json(self) -> dict:
        """As run.json holds it."""
        facts = asdict(self) | {"classes": list(self.classes)}
        if not facts.pop("reading_recorded"):
            del facts["reading"]
        return facts

    @staticmethod
    def from_json(value: dict) -> "DataInfo":
        """Inverse of `as_json`, also for runs that knew squares only. Raises KeyError or TypeError for anything
        else."""
        sides = {"height": value["size"], "width": value["size"]} if "size" in value else {}
        value = {name: fact for name, fact in value.items() if name != "size"} | sides
        reading = value.get("reading", {"classes": bool(value["classes"])})  # older runs took all classes they found
        known = value.get("value_range")
        typed = {
            "classes": tuple(value["classes"]),
            "reading": Reading(**reading),
            "reading_recorded": "reading" in value,
            "value_range": None if known is None else (float(known[0]), float(known[1])),
            "attributes": tuple(
                AttributeInfo(**(one | {"words": tuple(one["words"]) if one["words"] else None}))
                for one in value.get("attributes", ())
            ),
        }
        return DataInfo(**(value | typed))

    @staticmethod
    def of_bundle(index: BundleIndex) -> "DataInfo":
        """The pictures that a bundle's index describes. Raises UserError when the settings of how they were read are
        damaged."""
        about = index.dataset
        settings = [stage.settings for stage in index.training.values()]
        return DataInfo(
            source=about.source,
            title=index.title,
            licence=about.licence,
            channels=index.image.channels,
            height=index.image.height,
            width=index.image.width,
            classes=about.classes,
            train_images=about.train_images,
            test_images=about.test_images,
            fit=about.fit,
            background=about.background,
            reading=stored_reading(bool(about.classes), settings),
            reading_recorded=any(found and "classes" in found for found in settings),
            value_range=about.value_range,
            border=about.border,
        )


@dataclass(frozen=True)
class Pictures:
    """One split: images uint8 [N, C, H, W], labels int64 [N] (-1 where there are no classes), attributes float32
    [N, A], NaN for gaps (None where there are none)."""

    images: Images
    labels: Tensor
    attributes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor | slice) -> "Pictures":
        """The pictures of these rows, int64 [M], or of a slice, which copies none; those in files stay there."""
        images = self.images.chosen(rows) if isinstance(self.images, MappedImages) else self.images[rows]
        return Pictures(images, self.labels[rows], None if self.attributes is None else self.attributes[rows])

    def in_memory(self) -> "Pictures":
        """These pictures, read from their files if they are in any."""
        return Pictures(self.images[:], self.labels, self.attributes)

    @property
    def pixels(self) -> np.ndarray:
        """All images in memory, uint8 [N, C, H, W]."""
        return self.images[:].numpy()

    def and_then(self, others: "Pictures") -> "Pictures":
        """These pictures and behind them others of the same set."""
        values = None
        if self.attributes is not None and others.attributes is not None:
            values = torch.cat([self.attributes, others.attributes])
        images: Images
        if isinstance(self.images, MappedImages) and isinstance(others.images, MappedImages):
            images = self.images.and_then(others.images)
        else:
            images = torch.cat([self.images[:], others.images[:]])
        return Pictures(images, torch.cat([self.labels, others.labels]), values)


def set_name(source: str) -> str:
    """What a source is called: the last part of its path or id, without .zip or .parquet."""
    name = source.rstrip("/").split("/")[-1]
    return Path(name).stem if name.lower().endswith((".zip", ".parquet")) else name


def known_name(source: str) -> str:
    """The name, in lower case, under which what is known of a set stands in a table such as LICENCES; empty where
    pictures from elsewhere are only called as a set that is made here."""
    name = set_name(source).lower()
    return "" if name in SYNTHETIC and source != name else name


def synthetic_set(source: str) -> SyntheticSet | None:
    """Which of the sets that are made here `source` names, if any: shapes, or stacked_mnist and stacked_mnist:COPY."""
    name = source.partition(":")[0] if source.startswith("stacked_mnist:") else source
    return next((one for one in SYNTHETIC if one == name), None)


def describe(
    source: str,
    train: Pictures,
    test: Pictures,
    classes: tuple[str, ...] = (),
    fit: Fit = "crop",
    background: str | None = None,
    reading: Reading = DEFAULT_READING,
    value_range: tuple[float, float] | None = None,
    border: int | None = None,
    attributes: tuple[AttributeInfo, ...] = (),
) -> DataInfo:
    """The facts about two splits; title and licence come from LICENCES, else the title is the name of the source. Names
    that are no UTF-8 are escaped."""
    name = set_name(source)
    title, licence = LICENCES.get(known_name(source), (name, "not stated"))
    _, channels, height, width = train.images.shape
    return DataInfo(
        source=printable(source),
        title=printable(title),
        licence=licence,
        channels=channels,
        height=height,
        width=width,
        classes=tuple(printable(name) for name in classes),
        train_images=len(train),
        test_images=len(test),
        fit=fit,
        background=background,
        reading=reading,
        value_range=value_range,
        border=border,
        attributes=attributes,
    )


def one_hot(labels: Tensor, classes: int) -> Tensor | None:
    """Labels int64 [N] -> weights float32 [N, K], or None for a model without classes."""
    return torch.nn.functional.one_hot(labels, classes).float() if classes else None
