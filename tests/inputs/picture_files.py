"""Picture files: formats, modes, damage."""

from functools import partial
from pathlib import Path

import numpy as np

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder, draw_shape

picture_files = partial(case, "Picture files")


@picture_files("a file that is no picture, named `.png`")
def no_picture(home: Path) -> str:
    (draw_folder(home, classes=False) / "text.png").write_text("not a picture")
    return said(home)


@picture_files("grey and colour files together")
def grey_and_colour(home: Path) -> str:
    draw_shape(0, np.random.default_rng(0), mode="RGB").save(draw_folder(home, classes=False) / "rgb.png")
    return said(home)


@picture_files("transparent pictures")
def transparent(home: Path) -> str:
    draw_folder(home, classes=False)
    shape = draw_shape(0, np.random.default_rng(0)).convert("LA")
    shape.putpixel((0, 0), (0, 0))
    shape.save(home / "clear.png")
    return said(home)
