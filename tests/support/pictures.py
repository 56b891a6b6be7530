"""Small sets of pictures, drawn here: discs, squares and bars on black, in folders as a user would have them."""

import functools
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from bundle.marks.formats import PNG_XMP

KINDS = ("disc", "square", "bar")


def draw_shape(kind: int, rng: np.random.Generator, size: int = 16, mode: str = "L") -> Image.Image:
    """One of KINDS, of random size, place and brightness (or colour, with mode "RGB"), `size` pixels a side."""
    image = Image.new(mode, (size, size), 0)
    x, y = rng.integers(2, size // 2, 2)
    r = int(rng.integers(4, size // 2))
    box = (int(x), int(y), int(x) + r, int(y) + (r if kind < 2 else 2))
    pen = ImageDraw.Draw(image)
    ink = int(rng.integers(160, 256)) if mode == "L" else tuple(int(v) for v in rng.integers(100, 256, 3))
    (pen.ellipse if kind == 0 else pen.rectangle)(box, fill=ink)
    return image


def draw_folder(folder: Path, count: int = 150, classes: bool = True, mode: str = "L") -> Path:
    """Writes `count` PNG files of 16 x 16 and returns `folder`; with `classes`, each kind has a sub-folder."""
    homes = [folder / kind for kind in KINDS[:count]] if classes else [folder]
    for home in homes:
        home.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(drawn(count, mode)):
        (homes[i % len(homes)] / f"{i:04d}.png").write_bytes(picture)
    return folder


@functools.cache  # many tests begin with the same pictures
def drawn(count: int, mode: str) -> tuple[bytes, ...]:
    """PNG files of the KINDS in turn."""
    rng, files = np.random.default_rng(0), []
    for i in range(count):
        file = io.BytesIO()
        draw_shape(i % 3, rng, mode=mode).save(file, "PNG")
        files.append(file.getvalue())
    return tuple(files)


def with_huge_metadata() -> bytes:
    """A small PNG whose XMP has 10 MB, which no mark has."""
    info = PngInfo()
    info.add_itxt(PNG_XMP, "<x:xmpmeta>" + "x" * 10_000_000 + "</x:xmpmeta>")
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
