"""Any source of pictures as a folder of picture files, for whoever cannot read the source itself.

    python -m train.data.unpack SOURCE FOLDER --most 2000

FOLDER/CLASS/NUMBER.ENDING holds at most so many pictures, spread over the whole source; FOLDER/metadata.csv its
attributes. What is read, and how, is as for --data of a training.
"""

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image

from bundle.command_line import exit_code
from bundle.errors import UserError
from bundle.pictures import from_array
from train.data import shapes
from train.data.attributes import AttributeInfo
from train.data.reading import Reading
from train.data.source import Row, Source
from train.data.sources import open_source

TOLD_EVERY = 25  # pictures
ATTRIBUTES = "metadata.csv"


@dataclass(frozen=True)
class UnpackSettings:
    """What to unpack, and where."""

    source: Annotated[str, tyro.conf.Positional]
    """As --data of a training takes it: a folder, a zip, parquet, a data set of the Hub, shapes."""
    folder: Annotated[Path, tyro.conf.Positional]
    """Folder for the pictures; made when missing."""
    most: int = 2000
    """Pictures at most."""


@dataclass(frozen=True)
class Unpacked:
    """One picture: its class, "" for none, its file's bytes, and its attributes as words, "" for gaps."""

    label: str
    data: bytes
    attributes: tuple[str, ...]


def main(settings: UnpackSettings) -> int:
    """Unpacks, and prints how far it is. Raises UserError for a source that cannot be read, OSError."""
    if settings.source == "shapes":
        names, count, pictures = shapes_names(), min(settings.most, len(shapes.TRAIN)), drawn_shapes(settings.most)
    else:
        opened = opened_with_attributes(settings.source)
        names = [info.name for info in opened.attributes]
        count = min(settings.most, size_of(opened))
        pictures = unpacked(opened, settings.most)
    settings.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, picture in enumerate(pictures):
        path = settings.folder / picture.label.replace("/", " ").strip(". ") / f"{i + 1:06d}.img"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.data)
        rows.append([path.relative_to(settings.folder).as_posix(), *picture.attributes])
        if i % TOLD_EVERY == 0 or i + 1 == count:
            print(f"{i + 1} of {count}", flush=True)
    if not rows:
        raise UserError(f"{settings.source} holds no picture that can be read.")
    if names:
        with (settings.folder / ATTRIBUTES).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([["file_name", *names], *rows])
    return 0


def opened_with_attributes(source: str) -> Source:
    """A source with whatever attributes it has. Raises UserError."""
    try:
        return open_source(source, Reading(attributes="all"))
    except UserError:  # mostly since there are none
        return open_source(source)


def size_of(source: Source) -> int:
    """How many pictures both splits hold."""
    return source.train.count + (source.test.count if source.test else 0)


def unpacked(source: Source, most: int) -> Iterator[Unpacked]:
    """At most so many pictures of a source, spread over all of it; those that cannot be read are passed over."""
    count = size_of(source)
    wanted = set(np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()) if count else set()
    for i, row in enumerate(all_rows(source)):
        if i in wanted and (data := file_of(row)) is not None:
            label = source.classes[row.label] if row.label >= 0 else ""
            words = tuple(word_of(*pair) for pair in zip(source.attributes, row.attributes, strict=False))
            yield Unpacked(label, data, words)


def all_rows(source: Source) -> Iterator[Row]:
    """The rows of both splits."""
    yield from source.train.rows()
    if source.test:
        yield from source.test.rows()


def file_of(row: Row) -> bytes | None:
    """The bytes of a picture's file, or those of a PNG of its pixels; None where neither can be had."""
    try:
        found = row.read()
        return found if isinstance(found, bytes) else png(from_array(found, range_of(found)))
    except (OSError, ValueError):
        return None


def range_of(pixels: np.ndarray) -> tuple[float, float]:
    """The numbers that are black and white in an array of one picture: the smallest usual range that holds it."""
    largest = float(np.nanmax(pixels))
    return 0.0, 255.0 if pixels.dtype == np.uint8 or 1 < largest <= 255 else 1.0 if largest <= 1 else 65535.0


def png(image: Image.Image) -> bytes:
    """A picture as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def word_of(info: AttributeInfo, value: float) -> str:
    """An attribute's value as it stands in a CSV."""
    if not np.isfinite(value):
        return ""
    return info.words[int(value)] if info.words else f"{value:g}"


def shapes_names() -> list[str]:
    """The factors of `shapes` but the shape, which is the class."""
    return [name for name in shapes.FACTORS if name != "shape"]


def drawn_shapes(most: int) -> Iterator[Unpacked]:
    """Pictures of the drawn set, its shapes as classes and its other factors as attributes."""
    factors = shapes.factors(shapes.TRAIN[:most])
    cells = shapes.cells(factors)
    for i, pixels in enumerate(shapes.draw(factors)):
        words = tuple(str(cells[name][i]) for name in shapes_names())
        yield Unpacked(cells["shape"][i], png(Image.fromarray(pixels.transpose(1, 2, 0))), words)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(tyro.cli(UnpackSettings)), "Stopped."))
