"""A film strip for print: captioned frames in rows, as wide as a sheet of A4 at 300 dots an inch."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bundle import images
from bundle.marks import Mark, formats

DPI = 300
WIDTH, HEIGHT = 2480, 3508  # A4, portrait
MARGIN, GAP = 118, 16  # 10 mm; between frames
LARGEST = 560  # of a frame's longer side
MOST_COLUMNS = 20
SHARP = 3  # from this enlargement on, factors are whole, so that all pixels are squares of one size
TITLE, NUMBER, SMALLEST = 34, 25, 17  # font sizes in pixels; 25 are 6 points

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Caption:
    """The words under a frame: its number, and for a keyframe which key it is and of which class."""

    number: str
    key: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Layout:
    """Frames of `height` x `width` pixels in cells `cell` wide and `row` high, counted from the margin."""

    columns: int
    height: int
    width: int
    cell: int
    row: int


def printable(text: str) -> bool:
    """Whether Pillow's own font has these letters."""
    return all(" " <= letter <= "~" or "\u00a1" <= letter <= "\u017f" for letter in text)


def layout(count: int, height: int, width: int, room: int, lines: int) -> Layout:
    """The layout with the largest frames so that `count` of them, of height x width pixels, fit into `room` pixels of
    the sheet's height; of equal ones that with the fewest rows.

    If not even the smallest fit, the sheet becomes longer than A4. `lines`: of text under each frame.
    """
    layouts = [_in_columns(columns, height, width, lines) for columns in range(1, MOST_COLUMNS + 1)]
    fitting = [one for one in layouts if math.ceil(count / one.columns) * one.row <= room]
    if not fitting:
        return layouts[-1]
    most = max(count, fitting[0].columns)  # no columns that stay empty
    return max((one for one in fitting if one.columns <= most), key=lambda one: (one.width, one.columns))


def _in_columns(columns: int, height: int, width: int, lines: int) -> Layout:
    """The layout with this many columns, for frames of height x width pixels."""
    cell = (WIDTH - 2 * MARGIN + GAP) // columns
    shown = min(LARGEST * width // max(height, width), cell - GAP)
    if shown >= SHARP * width:
        shown -= shown % width
    high = round(shown * height / width)
    return Layout(columns, high, shown, cell, high + lines * (NUMBER + 8) + GAP)


def sheet(frames: np.ndarray, captions: Sequence[Caption], title: str, mark: Mark) -> bytes:
    """PNG of frames uint8 [N, H, W, C] on white paper, read row by row; no taller than what it holds needs; with its
    mark."""
    large, small = ImageFont.load_default(TITLE), ImageFont.load_default(NUMBER)
    heading = _wrapped(title, large, WIDTH - 2 * MARGIN)
    top = MARGIN + len(heading) * (TITLE + 12) + 30
    lines = 1 + any(caption.key for caption in captions) + any(caption.kind for caption in captions)
    count, height, width, _ = frames.shape
    plan = layout(count, height, width, HEIGHT - top - MARGIN, lines)
    rows = math.ceil(count / plan.columns)
    paper = Image.new("RGB", (WIDTH, top + rows * plan.row - GAP + MARGIN), "white")
    pen = ImageDraw.Draw(paper)
    for i, line in enumerate(heading):
        pen.text((MARGIN, MARGIN + i * (TITLE + 12)), line, fill="black", font=large)
    for i, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        left, up = MARGIN + i % plan.columns * plan.cell, top + i // plan.columns * plan.row
        paper.paste(_scaled(frame, plan), (left, up))
        right, below = left + plan.width, up + plan.height
        frame_edge = (left - 1, up - 1, right, below)
        pen.rectangle(frame_edge, outline="#888888")  # so that a white picture has an edge
        if caption.key:
            pen.rectangle((left - 4, up - 4, right + 3, below + 3), outline="black", width=3)
        below += 6
        for line in filter(None, (caption.number, caption.key, caption.kind)):
            words, font = _fitted(line, small, plan.cell - 6)
            pen.text((left, below), words, fill="black", font=font)
            below += NUMBER + 8
    buffer = io.BytesIO()
    paper.save(buffer, "PNG", dpi=(DPI, DPI), pnginfo=formats.png_info(mark))
    return buffer.getvalue()


def _scaled(frame: np.ndarray, plan: Layout) -> Image.Image:
    whole = plan.width % frame.shape[1] == 0
    how = Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
    return images.to_pillow(frame).resize((plan.width, plan.height), how)


def _fitted(text: str, font: Font, room: int) -> tuple[str, Font]:
    """The text and font that fit into `room` pixels: first a smaller font, then less text."""
    size = NUMBER
    while font.getlength(text) > room and size > SMALLEST:
        size -= 2
        font = ImageFont.load_default(size)
    while font.getlength(text) > room and len(text) > 1:
        text = text.rstrip("…")[:-1] + "…"
    return text, font


def _wrapped(text: str, font: Font, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > room and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
