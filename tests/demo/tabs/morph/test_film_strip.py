"""Film strips: every frame of a morph on one sheet of paper, with its keys."""

import io

import numpy as np
import pytest
from PIL import Image

from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import film_strip
from tests.demo.tabs.morph.test_morph_export import drawn, file_of


def test_a_film_strip_fits_on_paper_and_names_its_keys(bundles: dict[str, ServedBundle]):
    data, last = file_of(bundles, format="film-strip")
    assert last["about"] == "14 frames through seed 3, (7.25, 0.5), seed 4294967295"
    with Image.open(io.BytesIO(data)) as file:
        assert file.size[0] == film_strip.WIDTH and file.size[1] <= film_strip.HEIGHT
        assert round(file.info["dpi"][0]) == film_strip.DPI
        paper = np.asarray(file.convert("L"))
    expected = drawn(bundles["tiny"])
    side, found = 0, []
    for y, x in cells(paper):
        side = side or next(n for n in range(600, 0, -1) if same(paper, y, x, n, expected[0, ..., 0]))
        found.append(paper[y + side // 64 : y + side : side // 32, x + side // 64 : x + side : side // 32, None])
    assert side % 32 == 0 and side >= 320 and (np.stack(found) == expected).all()


def cells(paper: np.ndarray) -> list[tuple[int, int]]:
    """Where the frames lie, from the plan."""
    plan = film_strip.layout(14, 32, 32, film_strip.HEIGHT - top(paper) - film_strip.MARGIN, 3)
    return [
        (top(paper) + i // plan.columns * plan.row, film_strip.MARGIN + i % plan.columns * plan.cell) for i in range(14)
    ]


def top(paper: np.ndarray) -> int:
    """The first row of frames: below the edge line, which runs from the margin on without a gap."""
    dark = (paper[:, film_strip.MARGIN : film_strip.MARGIN + 300] < 160).all(axis=1)
    return int(np.flatnonzero(dark)[0]) + 4  # the key's frame is three lines outside


def same(paper: np.ndarray, y: int, x: int, side: int, frame: np.ndarray) -> bool:
    if side % 32:
        return False
    return bool((paper[y : y + side, x : x + side] == frame.repeat(side // 32, 0).repeat(side // 32, 1)).all())


@pytest.mark.parametrize(
    ("count", "height", "width"),
    [
        (2, 28, 28),
        (60, 32, 32),
        (240, 32, 32),
        (240, 64, 64),
        (240, 256, 256),
        (240, 64, 96),
        (9, 96, 64),
        (4, 16, 400),
    ],
)
def test_every_film_strip_fits_on_one_sheet(count: int, height: int, width: int):
    room = film_strip.HEIGHT - 3 * film_strip.MARGIN
    plan = film_strip.layout(count, height, width, room, 3)
    assert -(-count // plan.columns) * plan.row <= room
    assert plan.columns * plan.cell - film_strip.GAP <= film_strip.WIDTH - 2 * film_strip.MARGIN
    assert plan.width >= 90 and abs(plan.height - plan.width * height / width) <= 0.5  # 7.6 mm
