"""Reading a source in two passes: the first decides on size and mode by the headers, the second reads and counts."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bundle import pictures
from bundle.picture_files import TRAINING, opened
from bundle.pictures import Framing, Mode
from bundle.schema import Fit
from train.data.source import Row, Source, Split
from train.picture_size import PictureSize, sides_of
from train.progress_bar import with_bar

LARGEST_DEFAULT = 128


@dataclass
class Scan:
    """Counts gathered while reading; `bad`: name and reason of every picture that cannot be read."""

    read: int = 0
    transparent: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def default_size(sizes: Counter[tuple[int, int]], largest: int = LARGEST_DEFAULT) -> int:
    """The smallest power of two, 16 to `largest`, that holds the median picture's longer side."""
    longer = sorted(max(size) for size in sizes.elements())
    median = longer[len(longer) // 2]
    return next((s for s in (16, 32, 64) if median <= s <= largest), largest)


@dataclass(frozen=True)
class PictureFormat:
    """What every picture of a set is brought to; `white`: where pictures are arrays, the number that means white,
    1 or 255."""

    framing: Framing
    white: int


def choose_format(
    source: Source, size: PictureSize | None, fit: Fit, background: str | None, largest: int = LARGEST_DEFAULT
) -> PictureFormat:
    """Decides on the format of a set by the headers of its files: grey only if every picture is.

    largest: side that is chosen at most where `size` is None.
    """
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    whites: Counter[int] = Counter()
    for split in filter(None, (source.train, source.test)):
        for row in with_bar(split.rows(), "looking at pictures", split.count, "pictures"):
            try:
                data = row.read()
                if isinstance(data, bytes):
                    image = opened(data, TRAINING)
                    mode, extent = image.mode, image.size
                else:
                    mode, extent, peak = pictures.array_facts(data)
                    whites[1 if peak <= 1 else 255] += peak > 0
            except Exception:  # the second pass reports it
                continue
            modes[mode] += 1
            sizes[extent] += 1
    kind: Mode = "RGB" if pictures.COLOUR_MODES & set(modes) else "L"
    sides = sides_of(size or (default_size(sizes, largest) if sizes else largest))
    framing = Framing(kind, *sides, fit, pictures.paper(kind, background))
    return PictureFormat(framing, 1 if whites[1] > whites[255] else 255)


def read_picture(row: Row, wanted: PictureFormat, scan: Scan) -> np.ndarray | None:
    """One picture as uint8 [C, H, W], counted in the scan; None when it cannot be read."""
    try:
        data = row.read()
        image = opened(data, TRAINING) if isinstance(data, bytes) else pictures.from_array(data, wanted.white)
        mode, extent = image.mode, image.size  # of the file: a large JPEG is decoded smaller
        picture, clear = pictures.frame(image, wanted.framing)
    except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
        scan.bad.append(f"{row.name} ({(str(e) or type(e).__name__).splitlines()[0]})")
        return None
    scan.read += 1
    scan.transparent += clear
    scan.modes[mode] += 1
    scan.sizes[extent] += 1
    scan.labels[row.label] += 1
    return picture.transpose(2, 0, 1)


def read_split(split: Split, wanted: PictureFormat, scan: Scan, title: str) -> tuple[Tensor, Tensor]:
    """Every readable picture of a split, in order: images uint8 [N, C, H, W], labels int64 [N]."""
    framing = wanted.framing
    images = np.empty((split.count, framing.channels, framing.height, framing.width), np.uint8)
    labels: list[int] = []
    for row in with_bar(split.rows(), title, split.count, "pictures"):
        values = read_picture(row, wanted, scan)
        if values is not None:
            images[len(labels)] = values
            labels.append(row.label)
    return torch.from_numpy(images[: len(labels)]), torch.tensor(labels, dtype=torch.int64)
