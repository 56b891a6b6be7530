"""Grey or colour, and which numbers are black and white: as somebody said, or found by looking at a set's pixels."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from bundle import pictures
from bundle.deep_pixels import EACH, Scaling, is_deep, numbers, value_range
from bundle.errors import UserError
from bundle.pictures import BACKGROUNDS, BORDER, COLOUR_MODES, Mode
from train.data.dataset import DataInfo
from train.data.wording import plural

Channels = Literal[1, 3]
WHITE, BLACK = BACKGROUNDS["RGB"], BACKGROUNDS["L"]
SAMPLED = 1000  # pictures whose pixels decide, spread evenly over a set
NUMBERS_KEPT = 2048  # numbers of each that are kept
GREY_WITHIN = 8  # levels that red, green and blue of a grey pixel may differ by
DRAFT_SIDE = 128  # pixels: where there are JPEGs, they need not be decoded larger
FAR_UNDER = 0.25  # share of white
SAMPLED_TRANSPARENT = 100  # pictures with transparent parts whose drawn parts decide on the background
NEARLY = 20  # levels from black or white within which a drawing does not show on it


@dataclass(frozen=True)
class PixelFormat:
    """What is known of the pixels of a set before it is read; None: found from it.

    `border`: see bundle.pictures.Framing. `deep_colour`: whether colours of more than 8 bits are read whole, and not by
    their upper 8 bits. `older`: the set is read as versions before value ranges did. `range_of_run`: whether a run or a
    bundle has recorded the range from black to white.
    """

    channels: Channels | None = None
    black: float | None = None
    white: float | None = None
    border: int | None = BORDER
    deep_colour: bool = True
    older: bool = False
    range_of_run: bool = False


DEFAULT_PIXELS = PixelFormat()
"""What is read where nobody says anything."""


class HasPixelFormat(Protocol):
    """Settings that say what is known of the pixels."""

    @property
    def channels(self) -> Channels | None: ...
    @property
    def black(self) -> float | None: ...
    @property
    def white(self) -> float | None: ...


def format_of(settings: HasPixelFormat, run: DataInfo | None, given: Set[str]) -> PixelFormat:
    """What is known of the pixels before a training: what its settings say, or how its run has read them before, but
    for the settings that a user gave now."""
    if run is None:
        return PixelFormat(settings.channels, settings.black, settings.white)
    known = format_of_run(run)
    return replace(
        known,
        channels=settings.channels if "channels" in given else known.channels,
        black=settings.black if "black" in given else known.black,
        white=settings.white if "white" in given else known.white,
    )


def format_of_run(data: DataInfo) -> PixelFormat:
    """How the pixels of a run or a bundle were read, so that they are read so again."""
    black, white = data.value_range or (None, None)
    older = data.value_range is None and data.border is None  # neither was recorded
    ranged = data.value_range is not None  # such a run has read deep colours whole
    return PixelFormat(1 if data.channels == 1 else 3, black, white, data.border, ranged, older, ranged)


def check_pixel_format(wanted: PixelFormat) -> None:
    """Raises UserError when black is not below white."""
    if wanted.black is not None and wanted.white is not None and wanted.black >= wanted.white:
        raise UserError(f"--black {wanted.black:g} must be below --white {wanted.white:g}.")


@dataclass
class PixelStatistics:
    """What the pixels of a set show. `sampled`: pictures decoded; `deep`: those of more than 8 bits; `low`, `high`:
    their least and their largest finite number; `missing`: how many of them have a number that is NaN or infinite;
    `coloured`: whether any picture is."""

    sampled: int = 0
    coloured: bool = False
    deep: int = 0
    deep_modes: Counter[str] = field(default_factory=Counter)
    low: float = np.inf
    high: float = -np.inf
    missing: int = 0
    whole_numbers: list[np.ndarray] = field(default_factory=list)
    """Some numbers of each deep picture that holds whole numbers."""
    floats: list[np.ndarray] = field(default_factory=list)
    """Some numbers of each that holds floats."""
    binary: list[bool] = field(default_factory=list)
    """Of arrays of bytes: whether they hold 0 and 1 only."""
    drawn: list[float] = field(default_factory=list)
    """Of pictures with transparent parts: the mean grey of the others, 0 to 255."""
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add_file(self, image: Image.Image) -> None:
        """Looks at a picture that was opened and not yet decoded. Raises what Pillow raises."""
        if image.has_transparency_data and not is_deep(image) and len(self.drawn) < SAMPLED_TRANSPARENT:
            self.add_transparency(image)
        if is_deep(image):
            image.load()
            self.add_numbers(numbers(image), image.mode)
        elif image.mode in COLOUR_MODES and not self.coloured:
            image.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
            self.coloured = is_coloured(image)
        self.sampled += 1

    def add_transparency(self, image: Image.Image) -> None:
        """Looks at what is drawn on transparent parts, if there are any. Raises what Pillow raises."""
        grey, alpha = np.asarray(image.convert("RGBA").convert("LA")).transpose(2, 0, 1)
        opaque = alpha >= 128
        if opaque.any() and not opaque.all():
            self.drawn.append(float(grey[opaque].mean()))

    def background(self, usual: str) -> str:
        """The colour under transparent parts: the usual one, white or black, unless most drawings are as bright or as
        dark as it and would not show."""
        if not self.drawn:
            return usual
        middle = float(np.median(self.drawn))
        if usual == WHITE:
            return BLACK if middle > 255 - NEARLY else WHITE
        return WHITE if middle < NEARLY else BLACK

    def add_array(self, values: np.ndarray) -> None:
        """Looks at a picture that is an array. Raises ValueError for what is no picture."""
        values = pictures.without_alpha(pictures.to_hwc(values))
        if values.dtype.kind == "b" or values.dtype == np.uint8:
            self.binary.append(bool(values.max() <= 1))
        else:
            self.add_numbers(values.astype(np.float64), str(values.dtype))
        if values.shape[2] == 3 and not self.coloured:
            colours = values.astype(np.float64)
            pixels = colours[np.isfinite(colours).all(axis=2)]
            spread = (pixels.max(axis=1) - pixels.min(axis=1)).max(initial=0)
            self.coloured = bool(spread > GREY_WITHIN / 255 * np.abs(pixels).max(initial=0))
        self.sampled += 1

    def add_numbers(self, values: np.ndarray, mode: str) -> None:
        """Keeps some of the numbers of a deep picture."""
        finite = values[np.isfinite(values)]
        self.missing += finite.size < values.size
        if not finite.size:
            return
        self.deep += 1
        self.deep_modes[mode] += 1
        self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))
        few = finite if finite.size <= NUMBERS_KEPT else self.random.choice(finite, NUMBERS_KEPT)
        kept = self.floats if mode == "F" or "float" in mode else self.whole_numbers
        kept.append(few)

    def numbers(self) -> np.ndarray:
        """The numbers that were kept; of sets with whole numbers and floats those of the more frequent kind."""
        kept = max(self.floats, self.whole_numbers, key=len)
        return np.concatenate(kept) if kept else np.empty(0)

    def scaling(self, wanted: PixelFormat) -> Scaling:
        """The range of the set; None where its pictures have 8 bits, and no run has recorded another range of them."""
        if wanted.older:
            return EACH
        if self.deep:
            black, white = value_range(self.numbers())
        elif self.binary and all(self.binary):
            black, white = 0.0, 1.0
        elif self.binary and wanted.range_of_run:  # from when arrays of bytes were read as deeper
            black, white = 0.0, 255.0
        else:
            return None
        black, white = (found if said is None else said for found, said in
                        ((black, wanted.black), (white, wanted.white)))  # fmt: skip
        if black >= white and wanted.black is None:
            raise UserError(f"--white {white:g} must be above black, which is {black:g} in these pictures: give "
                            "--black too.")  # fmt: skip
        if black >= white and wanted.white is None:
            raise UserError(f"--black {black:g} must be below white, which is {white:g} in these pictures: give "
                            "--white too.")  # fmt: skip
        check_pixel_format(wanted)
        return black, white

    def notes(self, scaling: Scaling, wanted: PixelFormat, count: int) -> list[str]:
        """Lines for the report: which numbers are black and white, and why that may be wrong."""
        lines = deep_notes(self, scaling, wanted, count) if self.deep and isinstance(scaling, tuple) else []
        if scaling is None and (wanted.black, wanted.white) != (None, None):
            lines.append("note: --black and --white hold for pictures of more than 8 bits, and there are none")
        return lines


def is_coloured(image: Image.Image) -> bool:
    """Whether red, green and blue of any pixel differ by more than GREY_WITHIN levels; transparent parts are white."""
    sheet = np.asarray(pictures.flat(image, "RGB", "#ffffff")[0]).astype(np.int16)
    return bool((sheet.max(axis=2) - sheet.min(axis=2)).max() > GREY_WITHIN)


def mode_of(modes: Counter[str], stats: PixelStatistics, wanted: PixelFormat) -> tuple[Mode, Mode]:
    """(mode in which a set is trained, mode that its files have, which decides on the background)."""
    files: Mode = "RGB" if COLOUR_MODES & set(modes) else "L"
    if wanted.channels is not None:
        return ("L" if wanted.channels == 1 else "RGB"), files
    return ("RGB" if files == "RGB" and (stats.coloured or not stats.sampled) else "L"), files


def deep_notes(stats: PixelStatistics, scaling: tuple[float, float], wanted: PixelFormat, count: int) -> list[str]:
    """The lines of `PixelStatistics.notes` about pictures of more than 8 bits; `count`: pictures of the set."""
    black, white = scaling
    modes = ", ".join(stats.deep_modes)
    some = f", in {stats.sampled} of {count} pictures," if stats.sampled < count else ""
    lines = [f"numbers of {modes} pictures: {stats.low:g} to {stats.high:g}{some} -> black {black:g}, white {white:g}, "
             "the same for all (--black, --white)"]  # fmt: skip
    bright = float(np.quantile(stats.numbers(), 0.999))
    if {"I;16", "uint16"} & set(stats.deep_modes) and wanted.white is None and white < 32768:
        lines.append(f"note: these files could hold 65535, and 99.9 % of their numbers are at most {bright:g}")
    if bright - black < FAR_UNDER * (white - black):
        advice = f"; try --white {bright:g}" if bright > black else ""
        lines.append(f"warning: 99.9 % of the numbers are at most {bright:g}, far under white: the pictures are dark"
                     f"{advice}")  # fmt: skip
    if stats.missing:
        lines.append(f"{plural(stats.missing, 'picture')} with pixels that are no number or infinite: NaN is drawn "
                     "black, infinities as black or white")  # fmt: skip
    if stats.whole_numbers and stats.floats:
        lines.append("warning: the set mixes whole numbers and floats, and one range holds for both")
    return lines
