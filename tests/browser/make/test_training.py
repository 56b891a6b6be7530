"""Make, in a real Chromium: train, play while it learns, keep, delete; narrow and wide; with a real training."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bundle.sessions import choose_provider
from demo.make import plan
from demo.make.limits import OWN_MACHINE
from demo.make.maker import Maker
from demo.make.projects import Projects
from demo.routes.make_routes import make_routes
from demo.serving.served_bundle import open_bundles
from tests.browser.conftest import NARROW, WIDE
from tests.support import tiny
from tests.support.demo_page import launched
from tests.support.quick_maker import narrow

Page = Any  # playwright's, which need not be installed
PICTURES = 24
TRAINING_MS = 240_000  # on a machine that does other work besides
SHOTS = os.environ.get("TWOFOLD_SHOTS")  # a folder for pictures of the page, to be looked at


def picture(seed: int) -> Image.Image:
    """A disc of a colour, somewhere."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    disc = (x - random.integers(8, 24)) ** 2 + (y - random.integers(8, 24)) ** 2 < 49
    return Image.fromarray(np.where(disc[..., None], random.integers(0, 200, 3), 255).astype(np.uint8))


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Maker, str]]:
    """A server with Make, on a project whose pictures are there: (its maker, its address). It trains the VAE alone."""
    root = tmp_path_factory.mktemp("made")
    tiny.build(root / "served" / "digits", name="digits")
    steps, command = plan.steps, plan.training_command
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "training_command", lambda *of, **named: narrow(command(*of, **named)))
        patch.setattr(plan, "steps", lambda *of: steps(*of)[:1])
        models, unavailable = open_bundles(root / "served", choose_provider("cpu"))
        made = Maker(Projects(root / "home"), models, choose_provider("cpu"), OWN_MACHINE, root / "served")
        name = made.projects.create("Discs")
        folder = made.projects.folder(name) / "pictures" / "discs"
        folder.mkdir(parents=True)
        for i in range(PICTURES):
            picture(i).save(folder / f"{i:06d}.png")
        made.projects.change(name, size=32)
        made.start()
        files = tmp_path_factory.mktemp("gradio")
        with launched(models, unavailable, files=files, routes=make_routes(made), make=True) as url:
            yield made, url
            made.close()


def at(page: Page, shown: str) -> None:
    """Nothing of Make is cut off or scrolls sideways, narrow or wide, light or dark; pictures of it where asked for."""
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        page.wait_for_timeout(100)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], (shown, viewport, wide)
        if SHOTS:
            for theme in ("light", "dark"):
                page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
                page.screenshot(path=Path(SHOTS) / f"{shown}-{viewport['width']}-{theme}.png", full_page=True)
            page.evaluate("document.body.classList.remove('dark')")
    page.set_viewport_size(WIDE)


def test_train_play_keep_and_delete(browser: Any, maker: tuple[Maker, str]):
    made, address = maker
    (name,) = made.projects.names()
    page = browser.new_page(viewport=WIDE)
    page.set_default_timeout(TRAINING_MS)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{address}?tab=make")
    make = page.locator("#tf-make")
    make.get_by_text("is measured in the first seconds").wait_for()
    at(page, "before")
    make.get_by_role("button", name="Train", exact=True).click()

    # It learns: the maker's own pictures, rebuilt; and all of it is there again after the page was closed.
    rebuilt = make.get_by_role("img", name="VAE: Above, pictures of yours")
    rebuilt.wait_for()
    page.goto("about:blank")
    page.goto(f"{address}?tab=make")
    rebuilt.wait_for()
    make.get_by_text("This machine will get to about").wait_for()
    make.get_by_text("Compare two moments").click()
    make.get_by_role("slider", name="Earlier moment").wait_for()
    at(page, "training")

    # It is played while it learns, and says so.
    make.get_by_role("button", name="Play it now").click()
    page.wait_for_function("name => Twofold.state.b === name", arg=name)
    page.locator(".tf-travel").wait_for()
    page.get_by_text("still learning", exact=True).wait_for()
    assert page.get_by_role("combobox", name="Pictures (bundle)").locator("option:checked").inner_text() == (
        "Discs (still learning)"
    )
    at(page, "playing")

    # Paused, named, downloaded.
    page.get_by_role("tab", name="Make").click()
    make.get_by_role("button", name="Pause").click()
    make.get_by_text("Paused. Nothing is lost").wait_for()
    make.get_by_label("Name of the generator").fill("Round things")
    make.get_by_label("Words for the model card").fill("Discs that I drew.")
    make.get_by_role("button", name="Write it down").click()
    make.get_by_role("button", name="Written down").wait_for()
    at(page, "keeping")
    with page.expect_download() as download:
        make.get_by_role("link", name="Download the generator").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as kept:
        card = kept.read("Round-things/README.md").decode()
    assert "# Round things" in card and "> Discs that I drew." in card

    # Served from now on, then deleted with all that it takes.
    make.get_by_role("button", name="Serve it from now on").click()
    make.get_by_role("button", name="Serve this version from now on").wait_for()
    assert (made.shelf / name / "bundle.json").exists()
    make.get_by_role("button", name="Delete this project").click()
    make.get_by_role("button", name=f"Really delete its {PICTURES} pictures").click()
    page.wait_for_function("name => !Twofold.bundle(name)", arg=name)
    make.get_by_text("1. Bring pictures").wait_for()
    assert not (made.projects.home / name).exists() and not (made.shelf / name).exists()
    assert page.evaluate("Twofold.state.b") == "digits" and troubles == []
    page.close()
