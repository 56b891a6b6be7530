"""Sizes: which can be had, and what is said of the others."""

from functools import partial
from pathlib import Path

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder

sizes = partial(case, "Sizes")


def report(home: Path, size: str) -> str:
    """What is said of small square pictures at this size."""
    return said(draw_folder(home / "set", 150), size=size)


@sizes("`--size 40x24`")
def wide(home: Path) -> str:
    return report(home, "40x24")


@sizes("`--size 64x64`")
def square(home: Path) -> str:
    return report(home, "64x64")


@sizes("`--size 97x64`, which no network can draw")
def odd(home: Path) -> str:
    return report(home, "97x64")


@sizes("`--size 54`")
def odd_square(home: Path) -> str:
    return report(home, "54")


@sizes("`--size 512`")
def large(home: Path) -> str:
    return report(home, "512")


@sizes("`--size wide`, which is no size")
def no_size(home: Path) -> str:
    return report(home, "wide")
