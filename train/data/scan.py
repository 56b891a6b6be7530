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
class Form:
    """What every picture of a set is brought to."""

    mode: str
    size: int
    how: Fit
    background: str
    largest: int
    """Where pictures are arrays: the number that means white, 1 or 255."""


def first_look(source: Source, size: int | None, how: Fit, background: str | None) -> Form:
    """Decides on the form of a set from its files' headers; grey only if every picture is."""
    modes, sizes, peaks = Counter(), Counter(), Counter()
    for split in filter(None, (source.train, source.test)):
        for row in tqdm(split.rows(), "looking at pictures", split.count, unit=" pictures", leave=False):
            try:
                data = row.read()
                if isinstance(data, bytes):
                    image = pictures.open_bytes(data)
                    mode, extent = image.mode, image.size
                else:
                    mode, extent, peak = pictures.array_facts(data)
                    peaks[1 if peak <= 1 else 255] += peak > 0
            except Exception:  # said in the second round
                continue
            modes[mode] += 1
            sizes[extent] += 1
    mode = "RGB" if pictures.COLOUR_MODES & set(modes) else "L"
    final = size or (default_size(sizes) if sizes else LARGEST_DEFAULT)
    return Form(mode, final, how, pictures.paper(mode, background), 1 if peaks[1] > peaks[255] else 255)


def read_picture(row: Row, form: Form, scan: Scan) -> np.ndarray | None:
    """One picture as uint8 [C, S, S], counted; None when it cannot be read, with name and reason in the scan."""
    try:
        data = row.read()
        if isinstance(data, bytes):
            image = pictures.open_bytes(data)
            mode, extent = image.mode, image.size
            image.draft(None, (2 * form.size, 2 * form.size))  # large JPEGs are decoded at a fraction of their size
            image.load()
        else:
            image = pictures.from_array(data, form.largest)
            mode, extent = image.mode, image.size
        sheet, clear = pictures.flat(pictures.upright(image), form.mode, form.background)
        values = pictures.square(sheet, form.size, form.how, form.background)
    except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
        scan.bad.append(f"{row.name} ({(str(e) or type(e).__name__).splitlines()[0]})")
        return None
    scan.read += 1
    scan.transparent += clear
    scan.modes[mode] += 1
    scan.sizes[extent] += 1
    scan.labels[row.label] += 1
    return values


def read_split(split: Split, form: Form, scan: Scan, title: str) -> tuple[Tensor, Tensor]:
    """Every readable picture of a split, in order: images uint8 [N, C, S, S], labels int64 [N]."""
    channels = 3 if form.mode == "RGB" else 1
    images = np.empty((split.count, channels, form.size, form.size), np.uint8)
    labels: list[int] = []
    for row in tqdm(split.rows(), title, split.count, unit=" pictures", leave=False):
        values = read_picture(row, form, scan)
        if values is not None:
            images[len(labels)] = values
            labels.append(row.label)
    return torch.from_numpy(images[: len(labels)]), torch.tensor(labels, dtype=torch.int64)
