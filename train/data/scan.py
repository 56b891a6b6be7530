"""Reading a source in two passes: the first decides on size, mode and range of values, the second reads and counts."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bundle import pictures
from bundle.deep_pixels import EACH
from bundle.picture_files import TRAINING, has_more_frames, opened
from bundle.pictures import Framing
from bundle.schema import Fit
from train.data.file_kinds import kind_of_content
from train.data.pillow_warnings import pillow_warnings
from train.data.pixel_format import (
    AS_LOOKED,
    LOOKED_AT,
    Look,
    PixelFormat,
    is_coloured,
    is_sixteen_bit_colour,
    mode_of,
)
from train.data.source import Row, Source, Split
from train.progress_bar import with_bar

LARGEST_DEFAULT = 128


@dataclass
class Scan:
    """Counts gathered while reading; `bad`: name and reason of every picture that cannot be read; `warned`: name and
    warning of those that can; `several`: of those with more frames or pages than the first; `coloured`: of those in
    colour that are read as grey, where nobody asked for it."""

    read: int = 0
    transparent: int = 0
    several: int = 0
    coloured: int = 0
    warned: list[str] = field(default_factory=list)
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
    """What every picture of a set is brought to. `looked_at_all`: whether every picture decided on it. `notes`: lines
    for the report. `older_white`: of arrays that are read as versions before value ranges did, the number that is
    white."""

    framing: Framing
    looked_at_all: bool
    notes: tuple[str, ...] = ()
    older_white: int = 255


def choose_format(
    source: Source,
    size: int | None,
    fit: Fit,
    background: str | None,
    largest: int = LARGEST_DEFAULT,
    pixels: PixelFormat = AS_LOOKED,
) -> PictureFormat:
    """Decides on the format of a set: on its size by the headers of all files, on grey or colour and on the range of
    values by the pixels of up to LOOKED_AT pictures.

    largest: side that is chosen at most where `size` is None. Raises UserError when black is not below white.
    """
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    whites: Counter[int] = Counter()
    look, index = Look(), 0
    count = source.train.count + (source.test.count if source.test else 0)
    every = -(-count // LOOKED_AT)
    for split in filter(None, (source.train, source.test)):
        for row in with_bar(split.rows(), "looking at pictures", split.count, "pictures"):
            index += 1
            try:
                data = row.read()
                with pillow_warnings():
                    mode, extent = header(data)
                    if index % every == 0:
                        look_at(data, look)
                if pixels.older and not isinstance(data, bytes):
                    peak = float(data[np.isfinite(data)].max(initial=0))
                    whites[1 if peak <= 1 else 255] += peak > 0
            except Exception:  # the second pass reports it
                continue
            modes[mode] += 1
            sizes[extent] += 1
    mode, of_files = mode_of(modes, look, pixels)
    final = size or (default_size(sizes, largest) if sizes else largest)
    scaling = look.scaling(pixels)
    framing = Framing(mode, final, final, fit, pictures.paper(of_files, background), scaling, pixels.border)
    notes = look.notes(scaling, pixels, count)
    if (mode, of_files) == ("L", "RGB") and pixels.channels is None:
        notes.append("grey pictures saved in colour are trained as grey (--channels 3 trains them in colour)")
    known = every == 1 or pixels.channels is not None
    return PictureFormat(framing, known, tuple(notes), 1 if whites[1] > whites[255] else 255)


def header(data: bytes | np.ndarray) -> tuple[str, tuple[int, int]]:
    """(mode, (width, height)) of a picture. Raises what Pillow raises, or ValueError for an array of another form."""
    if not isinstance(data, bytes):
        return pictures.array_facts(data)
    image = opened(data, TRAINING)
    return image.mode, image.size


def look_at(data: bytes | np.ndarray, look: Look) -> None:
    """Shows a picture to the look at its set. Raises as `header` does."""
    if isinstance(data, bytes):
        look.at_file(opened(data, TRAINING), is_sixteen_bit_colour(data))
    else:
        look.at_array(data)


def read_picture(row: Row, wanted: PictureFormat, scan: Scan) -> np.ndarray | None:
    """One picture as uint8 [C, S, S], counted in the scan; None when it cannot be read."""
    data: bytes | np.ndarray = b""
    try:
        with pillow_warnings() as warned:
            data = row.read()
            image = opened(data, TRAINING) if isinstance(data, bytes) else array_picture(data, wanted)
            mode, extent = image.mode, image.size  # of the file: a large JPEG is decoded smaller
            several = has_more_frames(image)
            picture, clear = pictures.frame(image, wanted.framing)
            unforeseen = not wanted.looked_at_all and wanted.framing.mode == "L" and mode in pictures.COLOUR_MODES
            coloured = unforeseen and is_coloured(image)
    except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
        scan.bad.append(f"{row.name} ({why_unreadable(data, e)})")
        return None
    scan.warned += [f"{row.name} ({message.splitlines()[0]})" for message in warned if message]
    scan.read += 1
    scan.transparent += clear
    scan.several += several
    scan.coloured += coloured
    scan.modes[mode] += 1
    scan.sizes[extent] += 1
    scan.labels[row.label] += 1
    return picture.transpose(2, 0, 1)


def array_picture(values: np.ndarray, wanted: PictureFormat) -> Image.Image:
    """An array as a picture. Raises ValueError for what is none."""
    scaling = wanted.framing.scaling
    if scaling == EACH:
        return pictures.from_array_of(values, wanted.older_white)
    return pictures.from_array(values, scaling or (0.0, 255.0))


def why_unreadable(data: bytes | np.ndarray, problem: Exception) -> str:
    """One line; for files of a kind that is known, what to do with them."""
    kind = kind_of_content(data) if isinstance(data, bytes) else None
    if kind:
        return f"a {kind.called}: {kind.instead}"
    return (str(problem) or type(problem).__name__).splitlines()[0]


def read_split(split: Split, wanted: PictureFormat, scan: Scan, title: str) -> tuple[Tensor, Tensor]:
    """Every readable picture of a split, in order: images uint8 [N, C, S, S], labels int64 [N]."""
    framing = wanted.framing
    images = np.empty((split.count, framing.channels, framing.height, framing.width), np.uint8)
    labels: list[int] = []
    for row in with_bar(split.rows(), title, split.count, "pictures"):
        values = read_picture(row, wanted, scan)
        if values is not None:
            images[len(labels)] = values
            labels.append(row.label)
    return torch.from_numpy(images[: len(labels)]), torch.tensor(labels, dtype=torch.int64)
