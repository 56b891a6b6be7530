"""Reading a source in two passes: the first decides on size, mode and range of values, the second reads and counts."""

import contextlib
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
from train.data.deep_colour import deep_header, opened_whole
from train.data.file_kinds import kind_of_content
from train.data.pillow_warnings import WarningCollector, pillow_warnings
from train.data.pixel_format import (
    BLACK,
    DEFAULT_PIXELS,
    SAMPLED,
    PixelFormat,
    PixelStatistics,
    is_coloured,
    mode_of,
)
from train.data.source import Row, Source, Split
from train.picture_size import PictureSize, sides_of
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
    """What every picture of a set is brought to. `decided`: whether grey or colour is sure for every picture. `notes`:
    lines for the report. `older_white`: of arrays that are read as versions before value ranges did, the number that is
    white. `deep_colour`: see PixelFormat."""

    framing: Framing
    decided: bool
    notes: tuple[str, ...] = ()
    older_white: int = 255
    deep_colour: bool = True


@dataclass
class Survey:
    """What the first pass gathers. `count`: pictures of the set. `peaks`: how often the largest number of an array was
    at most 1, and how often above, as versions before value ranges counted it."""

    count: int
    modes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    stats: PixelStatistics = field(default_factory=PixelStatistics)
    peaks: Counter[int] = field(default_factory=Counter)

    def add(self, data: bytes | np.ndarray, closely: bool, deep_colour: bool, warned: WarningCollector) -> None:
        """Counts one picture by its header; `closely` decodes it and looks at its pixels too. Raises what Pillow
        raises, or ValueError for an array that is no picture."""
        if isinstance(data, bytes) and not closely:
            mode, extent = header_of(data, deep_colour)
        else:
            found = opened_data(data, deep_colour)
            if isinstance(found, Image.Image):
                mode, extent = found.mode, found.size
                with warned.decoding(found):
                    self.stats.add_file(found)
            else:
                mode, extent = pictures.array_facts(found)
                peak = float(found[np.isfinite(found)].max(initial=0))
                self.peaks[1 if peak <= 1 else 255] += peak > 0
                if closely:
                    self.stats.add_array(found)
        self.modes[mode] += 1
        self.sizes[extent] += 1


def opened_data(data: bytes | np.ndarray, deep_colour: bool) -> Image.Image | np.ndarray:
    """A picture's file, not yet decoded; or its pixels where they are an array or, with `deep_colour`, in colour with
    more than 8 bits. Raises OSError for no picture, ImageError beyond the limits."""
    if not isinstance(data, bytes):
        return data
    return opened_whole(data) if deep_colour else opened(data, TRAINING)


def header_of(data: bytes, deep_colour: bool) -> tuple[str, tuple[int, int]]:
    """(mode, (width, height)) of a picture's file as `opened_data` gives it, before it is turned; none of its pixels is
    decoded. Raises as `opened_data`."""
    if deep_colour and (found := deep_header(data)):
        return found
    image = opened(data, TRAINING)
    return image.mode, image.size


def survey(source: Source, deep_colour: bool = True) -> Survey:
    """The first pass: headers of all pictures, pixels of up to SAMPLED that are spread evenly over the set."""
    splits = [split for split in (source.train, source.test) if split]
    found = Survey(sum(split.count for split in splits))
    every = -(-found.count // SAMPLED)
    with pillow_warnings() as warned:  # the second pass tells them, as it does what is unreadable
        for split in splits:
            for i, row in enumerate(with_bar(split.rows(), "looking at pictures", split.count, "pictures")):
                with contextlib.suppress(Exception):
                    found.add(row.read(), i % every == 0, deep_colour, warned)
    return found


def choose_format(
    source: Source,
    size: PictureSize | None,
    fit: Fit,
    background: str | None,
    largest: int = LARGEST_DEFAULT,
    pixels: PixelFormat = DEFAULT_PIXELS,
) -> PictureFormat:
    """Decides on the format of a set: on its size by all headers, on grey or colour and the range of values by pixels.

    largest: side that is chosen at most where `size` is None. Raises UserError when black is not below white.
    """
    seen = survey(source, pixels.deep_colour)
    mode, of_files = mode_of(seen.modes, seen.stats, pixels)
    sides = sides_of(size or (default_size(seen.sizes, largest) if seen.sizes else largest))
    scaling = seen.stats.scaling(pixels)
    usual = pictures.background_colour(of_files, background)
    under = usual if background or pixels.older else seen.stats.background(usual)
    framing = Framing(mode, *sides, fit, under, scaling, pixels.border)
    notes = seen.stats.notes(scaling, pixels, seen.count)
    if (mode, of_files) == ("L", "RGB") and pixels.channels is None:
        notes.append("grey pictures saved in colour are trained as grey (--channels 3 trains them in colour)")
    if under != usual:
        shade = "dark" if usual == BLACK else "bright"
        notes.append(f"transparent parts lie on {under}, as most drawings are as {shade} as {usual} (--background)")
    decided = seen.count <= SAMPLED or pixels.channels is not None
    older_white = 1 if seen.peaks[1] > seen.peaks[255] else 255
    # Where no picture that was looked at is deep, there is no range: others are read by their upper 8 bits.
    deep_colour = pixels.deep_colour and seen.stats.deep > 0
    return PictureFormat(framing, decided, tuple(notes), older_white, deep_colour)


def read_picture(row: Row, wanted: PictureFormat, scan: Scan, warned: WarningCollector) -> np.ndarray | None:
    """One picture as uint8 [C, H, W], counted in the scan; None when it cannot be read. `warned` as of
    `pillow_warnings`."""
    data: bytes | np.ndarray = b""
    try:
        data = row.read()
        found = opened_data(data, wanted.deep_colour)
        image = found if isinstance(found, Image.Image) else array_picture(found, wanted)
        mode, extent = image.mode, image.size  # of the file: a large JPEG is decoded smaller
        several = has_more_frames(image)
        with warned.decoding(image):
            picture, transparent = pictures.frame(image, wanted.framing)
        unforeseen = not wanted.decided and wanted.framing.mode == "L" and mode in pictures.COLOUR_MODES
        coloured = unforeseen and is_coloured(image)
    except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
        scan.bad.append(f"{row.name} ({'; '.join([why_unreadable(data, e), *warned.take()])})")
        return None
    scan.warned += [f"{row.name} ({message})" for message in warned.take()]
    scan.read += 1
    scan.transparent += transparent
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
        return pictures.from_array_up_to(values, wanted.older_white)
    return pictures.from_array(values, scaling)


def why_unreadable(data: bytes | np.ndarray, problem: Exception) -> str:
    """One line; for files of a kind that is known, what to do with them."""
    kind = kind_of_content(data) if isinstance(data, bytes) else None
    if kind:
        return f"a {kind.called}: {kind.instead}"
    return (str(problem) or type(problem).__name__).splitlines()[0]


def read_split(split: Split, wanted: PictureFormat, scan: Scan, title: str) -> tuple[Tensor, Tensor, Tensor | None]:
    """Every readable picture of a split, in order: images uint8 [N, C, H, W], labels int64 [N], attributes float32
    [N, A] (None without attributes)."""
    framing = wanted.framing
    images = np.empty((split.count, framing.channels, framing.height, framing.width), np.uint8)
    labels: list[int] = []
    known: list[tuple[float, ...]] = []
    with pillow_warnings() as warned:
        for row in with_bar(split.rows(), title, split.count, "pictures"):
            values = read_picture(row, wanted, scan, warned)
            if values is not None:
                images[len(labels)] = values
                labels.append(row.label)
                known.append(row.attributes)
    attributes = torch.tensor(known) if any(known) else None
    return torch.from_numpy(images[: len(labels)]), torch.tensor(labels, dtype=torch.int64), attributes
