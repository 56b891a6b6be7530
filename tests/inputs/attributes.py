"""Attributes: columns beside the class."""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tests.inputs.cases import case, said
from train.data.reading import Reading

attributes = partial(case, "Attributes")
COUNT = 240


def draw(folder: Path, count: int = COUNT) -> Path:
    """Grey pictures, each of another shade or noise, and a metadata.csv with columns of every kind; returns the
    folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = ["file_name,label,glasses,age,style,id,same,--flag,odd\x07name"]
    for i in range(count):
        pixels = (i * 240 // count + rng.integers(0, 3, (16, 16))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")
        age = "" if i % 5 == 0 else str(i)
        lines.append(f"{i:03}.png,{i % 2},{('no', 'yes')[i % 3 == 0]},{age},{'abc'[i % 3]},w{i},1,{i % 7},{i % 7}")
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def asked(home: Path, wish: str, count: int = COUNT) -> str:
    """What reading says where --attributes is this."""
    return said(draw(home / "set", count), size=16, reading=Reading(attributes=wish))


@attributes("`--attributes all`")
def everything(home: Path) -> str:
    return asked(home, "all")


@attributes("a column with gaps")
def gaps(home: Path) -> str:
    return asked(home, "age")


@attributes("a column of two words")
def two_words(home: Path) -> str:
    return asked(home, "glasses")


@attributes("a column of more than two words")
def three_words(home: Path) -> str:
    return asked(home, "style")


@attributes("a column of 1 000 words")
def thousand_words(home: Path) -> str:
    return asked(home, "id", 1000)


@attributes("a column with one value only")
def one_value(home: Path) -> str:
    return asked(home, "same")


@attributes("a column named like a flag")
def like_a_flag(home: Path) -> str:
    return asked(home, "--flag")


@attributes("a name with odd characters")
def odd_name(home: Path) -> str:
    return asked(home, "odd\x07name")


@attributes("a name that no column has")
def unknown(home: Path) -> str:
    return asked(home, "glases")


@attributes("the column of the classes")
def the_class(home: Path) -> str:
    return asked(home, "label")


@attributes("too few pictures")
def too_few(home: Path) -> str:
    return asked(home, "age", 110)


@attributes("more than 32 names")
def too_many(home: Path) -> str:
    folder = draw(home / "set")
    names = [f"a{i}" for i in range(33)]
    rows = [f"{i:03}.png,{','.join(str(i + k) for k in range(33))}" for i in range(COUNT)]
    (folder / "metadata.csv").write_text("\n".join([f"file_name,{','.join(names)}", *rows]), encoding="utf-8")
    return said(folder, size=16, reading=Reading(attributes=",".join(names)))


@attributes("pictures without columns")
def no_columns(home: Path) -> str:
    folder = draw(home / "set")
    (folder / "metadata.csv").unlink()
    return said(folder, size=16, reading=Reading(attributes="smile"))
