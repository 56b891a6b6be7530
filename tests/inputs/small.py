"""Small sets and classes: what is left out, and what is refused after the report."""

import shutil
from functools import partial
from pathlib import Path

from PIL import Image

from tests.inputs.cases import case, said
from tests.inputs.tables import parquet, ramps
from tests.support.pictures import draw_folder

small = partial(case, "Small sets and classes")


@small("60 classes of 3 pictures")
def sixty_of_three(home: Path) -> str:
    return said(parquet(home, image=ramps(180), label=[i // 3 for i in range(180)]))


@small("a class of one picture")
def lonely(home: Path) -> str:
    printed = said(parquet(home, image=ramps(), label=["odd", *["left", "right"] * 59, "left"]))
    assert "2 classes: left (60), right (59)" in printed
    return printed


@small("labels that hardly repeat")
def identifiers(home: Path) -> str:
    return said(parquet(home, image=ramps(), label=[f"picture {i}" for i in range(120)]))


@small("few pictures with a label")
def few_labels(home: Path) -> str:
    labels = [*["left", "right"] * 8, *[None] * 134]
    return said(parquet(home, image=ramps(150), label=labels))


@small("fewer than 20 pictures")
def few(home: Path) -> str:
    return said(draw_folder(home, 14))


@small("20 to 99 pictures")
def fairly_few(home: Path) -> str:
    return said(draw_folder(home, 40))


@small("many pictures that are copies of others")
def copies(home: Path) -> str:
    for path in list(draw_folder(home, 6, classes=False).glob("*.png")):
        for i in range(9):
            shutil.copy(path, path.with_stem(f"{path.stem}-{i}"))
    return said(home)


@small("pictures that are all the same")
def all_the_same(home: Path) -> str:
    Image.new("RGB", (20, 20), "teal").save(home / "0.png")
    for i in range(1, 120):
        shutil.copy(home / "0.png", home / f"{i}.png")
    return said(home)
