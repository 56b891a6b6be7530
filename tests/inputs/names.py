"""Names: mistyped folders, and data sets of the Hugging Face Hub."""

import contextlib
import time
from functools import partial
from pathlib import Path

import pytest

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder

names = partial(case, "Names")


@names("a mistyped folder")
def slip(home: Path) -> str:
    draw_folder(home / "pets", 3)
    assert "Did you mean" not in said(home / "zebra")
    with contextlib.chdir(home):
        assert "Did you mean pets?" in said("pest") and "Did you mean pets?" in said("Pets/")
    return said(home / "pest")


@names("a mistyped folder on the way")
def slip_on_the_way(home: Path) -> str:
    draw_folder(home / "data" / "pets", 3)
    with contextlib.chdir(home):
        printed = said("dta/pets")
        assert "Did you mean data/pets?" in printed
    return printed


@names("`C:\\pets`, `a/b/c`")
def paths(home: Path) -> str:
    assert "does not exist: it is not" in said("C:\\pets")
    return said("a/b/c")


@names("the name of a data set without a network")
def no_network(home: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        patch.setattr(
            "huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9"
        )  # the port that discards: nobody is there
        began = time.monotonic()
        printed = said("nobody/no-such-set")
        with contextlib.chdir(home):
            (home / "data").mkdir()
            assert "data/zebra does not exist, though the folder data does" in said("data/zebra")
        assert time.monotonic() - began < 10
    return printed


@names("`--data ''`")
def nothing(home: Path) -> str:
    with contextlib.chdir(draw_folder(home)):
        assert "--data is empty" in said(" ")
        return said("")
