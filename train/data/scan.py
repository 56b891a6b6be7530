"""Two looks at a source: the first one at headers decides on size and mode, the second one reads and counts."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from bundle import pictures
from train.data.source import Row, Source, Split
from train.settings import Fit

LARGEST_DEFAULT = 128


@dataclass
class Scan:
    """Counts gathered while reading."""

    read: int = 0
    transparent: int = 0
    modes: Counter = field(default_factory=Counter)
    sizes: Counter = field(default_factory=Counter)
    labels: Counter = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def default_size(sizes: Counter) -> int:
    """The smallest power of two, 16 to 128, that holds the median picture's longer side."""
    longer = sorted(max(size) for size in sizes.elements())
    median = longer[len(longer) // 2]
    return next((s for s in (16, 32, 64) if s >= median), LARGEST_DEFAULT)


@dataclass(frozen=True)
class Look:
    """What the first look decides: how the pictures of a set are framed, and, where they are arrays, the number that
    means white, 1 or 255."""

    framing: pictures.Framing
    white: int


def first_look(source: Source, size: int | None, how: Fit, background: str | None) -> Look:
    """Decides from the headers of a set's files; grey only if every picture is."""
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    peaks: Counter[int] = Counter()
    for split in filter(None, (source.train, source.test)):
        for row in tqdm(split.rows(), "looking at pictures", split.count, unit=" pictures", leave=False):
            try:
                data = row.read()
                if isinstance(data, bytes):
                    image = pictures.opened(data, pictures.TRAINING)
                    mode, extent = image.mode, image.size
                else:
                    mode, extent, peak = pictures.array_facts(data)
                    peaks[1 if peak <= 1 else 255] += peak > 0
            except Exception:  # said in the second round
                continue
            modes[mode] += 1
            sizes[extent] += 1
    kind: pictures.Mode = "RGB" if pictures.COLOUR_MODES & set(modes) else "L"
    final = size or (default_size(sizes) if sizes else LARGEST_DEFAULT)
    framing = pictures.Framing(kind, final, how, pictures.paper(kind, background))
    return Look(framing, 1 if peaks[1] > peaks[255] else 255)


def read_picture(row: Row, look: Look, scan: Scan) -> np.ndarray | None:
    """One picture as uint8 [C, S, S], counted; None when it cannot be read, with name and reason in the scan."""
    try:
        data = row.read()
        if isinstance(data, bytes):
            image = pictures.opened(data, pictures.TRAINING)
        else:
            image = pictures.from_array(data, look.white)
        mode, extent = image.mode, image.size  # before it is decoded: a large JPEG shrinks on the way
        picture, clear = pictures.frame(image, look.framing)
    except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
        scan.bad.append(f"{row.name} ({(str(e) or type(e).__name__).splitlines()[0]})")
        return None
    scan.read += 1
    scan.transparent += clear
    scan.modes[mode] += 1
    scan.sizes[extent] += 1
    scan.labels[row.label] += 1
    return picture.transpose(2, 0, 1)


def read_split(split: Split, look: Look, scan: Scan, title: str) -> tuple[Tensor, Tensor]:
    """Every readable picture of a split, in order: images uint8 [N, C, S, S], labels int64 [N]."""
    size = look.framing.size
    images = np.empty((split.count, look.framing.channels, size, size), np.uint8)
    labels: list[int] = []
    for row in tqdm(split.rows(), title, split.count, unit=" pictures", leave=False):
        values = read_picture(row, look, scan)
        if values is not None:
            images[len(labels)] = values
            labels.append(row.label)
    return torch.from_numpy(images[: len(labels)]), torch.tensor(labels, dtype=torch.int64)
