"""A small set of pictures, drawn here: three classes of shapes, 16 x 16, grey."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw


def draw_shape(kind: int, rng: np.random.Generator, size: int = 16, mode: str = "L") -> Image.Image:
    """A disc, a square or a bar of random size and place on black."""
    image = Image.new(mode, (size, size), 0)
    x, y = rng.integers(2, size // 2, 2)
    r = int(rng.integers(4, size // 2))
    box = (int(x), int(y), int(x) + r, int(y) + (r if kind < 2 else 2))
    pen = ImageDraw.Draw(image)
    ink = int(rng.integers(160, 256)) if mode == "L" else tuple(int(v) for v in rng.integers(100, 256, 3))
    (pen.ellipse if kind == 0 else pen.rectangle)(box, fill=ink)
    return image


def draw_folder(folder: Path, count: int = 150, classes: bool = True) -> Path:
    """`count` PNG files; sub-folders disc, square, bar where there are classes."""
    rng = np.random.default_rng(0)
    for i in range(count):
        home = folder / ("disc", "square", "bar")[i % 3] if classes else folder
        home.mkdir(parents=True, exist_ok=True)
        draw_shape(i % 3, rng).save(home / f"{i:04d}.png")
    return folder


@pytest.fixture(scope="session")
def shapes(tmp_path_factory) -> Path:
    """A folder of 150 pictures in three classes."""
    return draw_folder(tmp_path_factory.mktemp("shapes"))
