"""The folder for uploads stays small, and what is not an upload leaves no file."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.visitor import Visitor
from bundle import images
from bundle.sessions import choose_provider
from demo.serving.housekeeping import MIN_AGE, Janitor
from demo.serving.served_bundle import open_bundles
from tests.support.demo_page import launched
from tests.support.waiting import wait_until

pytestmark = pytest.mark.serving

LATER = 2 * 3600


def inside(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An upload in a folder of its own, an empty folder, and a link to a folder outside."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious.txt").write_text("mine")
    folder = tmp_path / "own"
    (folder / "a1" / "deep").mkdir(parents=True)
    (folder / "a1" / "deep" / "picture.png").write_bytes(bytes(100))
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    return folder


def test_what_is_young_stays_and_what_is_old_goes_with_its_folders(folder: Path):
    remembered = {str(folder / "a1" / "deep" / "picture.png"), str(folder.parent)}
    janitor = Janitor(folder, remembered=[remembered])
    before = inside(folder)
    assert janitor.sweep() == 0 and inside(folder) == before
    janitor.sweep(time.time() + LATER)
    assert folder.is_dir() and [name for name in inside(folder) if name != "link"] == []
    assert (folder.parent / "elsewhere" / "precious.txt").read_text() == "mine"
    assert remembered == {str(folder.parent)}


def test_the_oldest_go_where_there_is_too_much(folder: Path):
    for i in range(6):
        (folder / f"{i}.png").write_bytes(bytes(1000))
        time.sleep(0.02)  # so that each is younger than the one before
    soon = time.time() + MIN_AGE + 1
    Janitor(folder, max_files=3).sweep()
    assert len([name for name in inside(folder) if name.endswith(".png")]) == 7  # all of them may be in use
    Janitor(folder, max_files=3).sweep(soon)
    assert [name for name in inside(folder) if name.endswith(".png")] == ["3.png", "4.png", "5.png"]
    Janitor(folder, max_bytes=2500).sweep(soon)
    assert [name for name in inside(folder) if name.endswith(".png")] == ["4.png", "5.png"]


def test_the_thread_ends_when_it_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.serving.housekeeping.INTERVAL", 0.01)
    janitor = Janitor(folder, max_age=-1)
    janitor.start()
    wait_until(lambda: not (folder / "a1" / "deep" / "picture.png").exists())
    janitor.stop()


@pytest.fixture
def visitor(tiny_bundle: Path, tmp_path: Path) -> Iterator[Visitor]:
    (tmp_path / "gradio").mkdir()
    bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
    with launched(bundles, unavailable, files=tmp_path / "gradio") as address:
        yield Visitor(address)


def test_two_hundred_interactions_leave_no_file(visitor: Visitor, tmp_path: Path):
    """Only uploads are files at all; when their hour is over, nothing is left of them."""
    folder = tmp_path / "gradio"
    rng = np.random.default_rng(1)
    for i in range(37):
        assert visitor.get("live/tiny", x=i / 7, m="gan").status_code == 200
        assert visitor.get("live/tiny/morph", keys="1,2", p=i / 40).status_code == 200
        assert visitor.call("sample", [i], "", "", "", 1).value["images"]
        assert visitor.ask("rebuild/tiny", {"test": i % 24}).value["seen"]
        wish = {"keys": [i, 1], "path": "linear", "frames": 2, "fps": 5, "t": 1, "format": "gif"}
        assert visitor.ask("morph/tiny", wish).value["href"]
    assert inside(folder) == []
    for _ in range(15):
        data = images.png(rng.integers(0, 256, (32, 32, 1), dtype=np.uint8))
        assert visitor.ask("rebuild/tiny", {"parts": "seen"}, data).value["seen"]
        picture = visitor.picture(data)
        assert len(visitor.call("classify", picture, "tiny").value) == 10
    assert sum(path.is_file() for path in folder.rglob("*")) >= 15
    Janitor(folder).sweep(time.time() + LATER)
    assert inside(folder) == []
    assert folder.is_dir()
