"""What can be said of a picture's file: is it marked, by which bundle, and does that draw the same picture again?

Nothing more is claimed than is known. Anybody can take a mark away or write one: a file without a mark is "no mark",
never "real", and a mark is believed only as far as the bundle draws the same pixels.
"""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageSequence

from bundle.errors import BundleError, ImageError, InputError
from bundle.marks import xmp
from bundle.marks.film_times import film_times
from bundle.marks.formats import CHUNK, PNG_BEGINS, format_of
from bundle.marks.mark import TRAINED, Mark
from bundle.marks.redraw import Drawing, OtherFrames, Redraw, difference, drawn_again
from bundle.model import BundleModel
from bundle.picture_files import BROKEN, Limits, check_pixels, too_large

MOST_COMPARED = 240  # frames of a film
FILM_PIXELS = 4  # times as many as one picture may have, in all frames of a film
MAX_DIFFERENCE = 1  # grey level by which the same picture may differ: another processor rounds differently
FORMATS = ("PNG", "WEBP", "GIF")
MARKED_FILE = Limits(400_000_000, 50_000_000, 0, 0, FORMATS)
FROM_PICTURES = ("repair", "reconstruct", "invert", "posterior", "difference")  # words of states that need another one
MARKED = {
    True: "Marked as drawn by a model (trainedAlgorithmicMedia).",
    False: "Marked as partly drawn by a model (compositeWithTrainedAlgorithmicMedia).",
}
NO_MARK = "No mark of a generated picture was found."
NO_CLAIM = "That says nothing about where the picture comes from: marks can be removed, and screenshots lose them."
CUT = "The file is damaged or was cut off; a mark may have stood in what is missing."
LONG = f"It holds a block of metadata of more than {xmp.LONGEST_READ // 1000} kB, which no mark is; that was not read."
TORN = "It holds a block of metadata that cannot be read."
ZIP = "This is a ZIP: unpack it. Each of its pictures has its own mark."
NO_BUNDLE_NAMED = "The mark names no bundle of Twofold, so nothing here can check it."
TOO_MANY = "The picture has too many pixels to be compared."
UNCHECKED = "Anybody can write a mark: what it says could not be checked."
FORGED = "The picture was changed after it was marked, or the mark was taken from another one."

Place = Literal["here", "other version", "absent"]
Again = Literal["same", "same so far", "different", "not compared"]


@dataclass(frozen=True)
class Finding:
    """`mark`: None where there is none. `place`: whether the bundle that it names is at hand. `again`: whether that
    draws the same picture, "same so far" where only the first frames of a film were compared. `difference`: by how many
    grey levels it differs at most. `sentences`: all of it in words."""

    mark: Mark | None
    place: Place
    again: Again
    difference: int | None
    sentences: tuple[str, ...]


def named(reading: xmp.XmpReading) -> str | None:
    """The bundle that a mark names."""
    return reading.mark.bundle if reading.mark else None


def finding(
    data: bytes,
    reading: xmp.XmpReading,
    model: BundleModel | None,
    limits: Limits = MARKED_FILE,
    redraw: Redraw = drawn_again,
) -> Finding:
    """What can be said of a file's bytes. `reading`: what xmp.read finds in them; `model`: the bundle of the name that
    the mark gives, where it is at hand; `redraw`: how states are drawn. Raises ImageError beyond the limits."""
    if len(data) > limits.bytes:
        raise ImageError(too_large(limits.bytes))
    mark = reading.mark
    if mark is None:
        return Finding(None, "absent", "not compared", None, tuple(_without_mark(data, reading)))
    told = [MARKED[mark.source == TRAINED]]
    if mark.bundle is None:
        by = f"The mark was written by {reading.tool}." if reading.tool else ""
        return _uncompared(mark, "absent", *told, by, NO_BUNDLE_NAMED, UNCHECKED)
    if mark.sha256:
        told.append(f"The mark names the bundle '{mark.bundle}' (sha256 {mark.sha256[:16]}…).")
    else:
        told.append(f"The mark names the bundle '{mark.bundle}'.")
    if model is None:
        return _uncompared(mark, "absent", *told, "That bundle is not here.", UNCHECKED)
    place: Place = "here" if mark.sha256 in (None, model.runner.bundle.sha256) else "other version"
    if place == "other version":
        told.append("The bundle of this name that is here is another version of it.")
    try:
        largest, frames = _compared(data, mark, model, limits, redraw)
    except _NotCompared as why:
        return _uncompared(mark, place, *told, str(why), UNCHECKED)
    except _Different as why:
        told.append(f"The bundle draws another picture: {why}.")
        return Finding(mark, place, "different", None, (*told, *_doubt(mark, model)))
    if largest <= MAX_DIFFERENCE and frames > MOST_COMPARED:
        told.append(
            f"The first {MOST_COMPARED} of its {frames} frames are those that the bundle draws: the largest difference "
            f"is {largest} of 255 grey levels. The others were not compared."
        )
        return Finding(mark, place, "same so far", largest, tuple(told))
    if largest <= MAX_DIFFERENCE:
        told.append(f"The bundle draws the same picture again: the largest difference is {largest} of 255 grey levels.")
        return Finding(mark, place, "same", largest, tuple(told))
    told.append(f"The bundle draws another picture: the largest difference is {largest} of 255 grey levels.")
    return Finding(mark, place, "different", largest, (*told, *_doubt(mark, model)))


def _doubt(mark: Mark, model: BundleModel) -> tuple[str, ...]:
    """What a different picture proves: nothing, unless this is the very bundle that the mark names. Another version of
    it may draw other pictures."""
    return (FORGED,) if mark.sha256 == model.runner.bundle.sha256 else ()


class _NotCompared(Exception):
    """Why pictures are not compared, a sentence."""


class _Different(Exception):
    """Why pictures cannot be the same, the end of a sentence."""


def _uncompared(mark: Mark, place: Place, *told: str) -> Finding:
    return Finding(mark, place, "not compared", None, tuple(filter(None, told)))


def _without_mark(data: bytes, reading: xmp.XmpReading) -> Iterator[str]:
    if data.startswith(b"PK\x03\x04"):
        yield ZIP
        return
    yield NO_MARK
    if reading.source:
        yield f"Its metadata call it {reading.source}, which nobody checked."
    yield NO_CLAIM
    if reading.long:
        yield LONG
    if reading.torn:
        yield TORN
    if not _whole(data):
        yield CUT


def _whole(data: bytes) -> bool:
    """Whether a file of a format that is marked here has its end; of other files nobody knows."""
    match format_of(data):
        case "PNG":
            return _chunks_end(data)
        case "WEBP":
            return len(data) >= 8 + int.from_bytes(data[4:8], "little")
        case "GIF":
            return data.rstrip(b"\0").endswith(b";")
        case "MP4":
            return _boxes_end(data)
    return True


def _chunks_end(data: bytes) -> bool:
    """Whether the chunks of a PNG come to its last one; whatever lies behind that belongs to no picture."""
    at = len(PNG_BEGINS)
    while at + CHUNK <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += CHUNK + int.from_bytes(data[at : at + 4])
    return False


def _boxes_end(data: bytes) -> bool:
    """Whether the boxes of an MP4 end where the file ends."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        if size == 1:  # a long size follows
            size = int.from_bytes(data[at + 8 : at + 16])
        if size == 0:  # to the end of the file
            return True
        if size < 8:
            return False
        at += size
    return at == len(data)


# --- drawing it again --------------------------------------------------------------------------------


def _compared(data: bytes, mark: Mark, model: BundleModel, limits: Limits, redraw: Redraw) -> tuple[int, int]:
    """The largest difference in grey levels, among the first MOST_COMPARED frames, and how many frames there are.
    Raises _NotCompared, _Different; Busy passes."""
    try:
        drawing = redraw(model, mark)
        if drawing is None:
            raise _NotCompared(_why_not(mark))
        kind = format_of(data)
        if kind is None:
            raise _NotCompared("Only PNG, WebP and GIF are compared; this file is of another format.")
        if kind == "MP4":
            raise _NotCompared("MP4 stores pixels with losses, so they are not compared.")
        with Image.open(io.BytesIO(data), formats=limits.formats) as image:
            check_pixels(image, limits.pixels)
            if image.format == "GIF" and model.info.image.channels == 3:
                raise _NotCompared("GIF reduces pictures to 256 colours, so they are not compared.")
            _check_extent(image, drawing)
            shown = [max(1, round(time * drawing.fps / 1000)) for time in film_times(data, kind)]
            # A PNG may have a picture beside those of its film, which readers of stills show.
            if sum(shown) != drawing.frames or getattr(image, "n_frames", 1) != len(shown):
                raise OtherFrames
            found = _frames(image, shown, FILM_PIXELS * limits.pixels)
            compared = (itertools.islice(frames, MOST_COMPARED) for frames in (found, drawing.pictures()))
            return difference(*compared), drawing.frames
    except OtherFrames as error:
        raise _Different("it has another number of frames") from error
    except (BundleError, InputError) as error:
        raise _NotCompared(f"The bundle cannot draw what the mark asks for: {error}") from error
    except (Image.DecompressionBombError, ImageError) as error:
        raise _NotCompared(TOO_MANY) from error
    except BROKEN as error:
        raise _NotCompared("Its pixels cannot be read: the file is damaged or was cut off.") from error


def _why_not(mark: Mark) -> str:
    word = (mark.state or {}).get("draw")
    if word in FROM_PICTURES:
        return "It was made from another picture, without which it cannot be drawn again."
    if word == "favourites":
        return "It shows favourites that one bundle alone does not draw: drop it on Play, which opens them."
    if word is None:
        return "The mark does not say what draws the picture again."
    return "The mark asks for a kind of picture that cannot be drawn again here; About in the demo draws more of them."


def _check_extent(image: Image.Image, drawing: Drawing) -> None:
    factor = image.height // drawing.height
    if not factor or (image.height, image.width) != (factor * drawing.height, factor * drawing.width):
        raise _Different("it has another size")


def _frames(image: Image.Image, shown: list[int], pixels_left: int) -> Iterator[np.ndarray]:
    """The frames uint8 [H, W, 3], transparent parts on black. `shown`: for how many each of the file stands, as
    encoders store equal ones as one that stays longer. Raises _NotCompared where those that are read have more pixels
    in all than `pixels_left`."""
    for frame, times in zip(ImageSequence.Iterator(image), shown, strict=False):
        pixels_left -= image.width * image.height
        if pixels_left < 0:
            raise _NotCompared(TOO_MANY)
        yield from itertools.repeat(_pixels(frame), times)


def _pixels(frame: Image.Image) -> np.ndarray:
    if frame.has_transparency_data:
        layer = frame.convert("RGBA")
        frame = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
    return np.asarray(frame.convert("RGB"))
