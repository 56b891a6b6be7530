"""An exported page over four bundles, served by a plain file server and opened once for all tests of it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle.adopt import About, adopt
from bundle.generator_inputs import Given
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.browser.conftest import WIDE, at_home
from tests.support import foreign, generators, tiny
from tests.support.released import ARTIFACTS
from tests.support.static_site import hosted, written
from tests.support.static_visit import settle, tab, wait_for_script

Page = Any  # playwright's, which need not be installed
NO_CARD = "No available adapters."  # Chromium's own words, whenever a page asks for WebGPU in vain
NO_WORKER = "Service Worker registration blocked by Playwright"  # what keeps the page: test_offline.py


@pytest.fixture(scope="package")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released bundle (convolutions, ten classes, grey), a tiny one (no classes, colour), and two generators from
    elsewhere: five classes by number, channels last; no classes, one picture at a time, grey from 0 to 255."""
    root = tmp_path_factory.mktemp("bundles")
    shutil.copytree(ARTIFACTS / "mnist", root / "mnist")
    tiny.build(root / "plain", name="plain", classes=0, channels=3)
    (root / "foreign.onnx").write_bytes(foreign.exported())
    adopt(root / "foreign.onnx", root / "foreign", About("foreign", "Foreign"), Given(classes=tuple("abcde")))
    grey = generators.Net(lambda x: x * 127.5 + 127.5, channels=1)
    (root / "single.onnx").write_bytes(generators.exported(grey, generators.Z[:1], free=False))
    adopt(root / "single.onnx", root / "single", About("single", "Single", prior="truncated"))
    return root


@pytest.fixture(scope="package")
def models(bundles: Path) -> dict[str, ServedBundle]:
    return dict(open_bundles(bundles, choose_provider("cpu"))[0])


@pytest.fixture(scope="package")
def site(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the exported folder, served by Python's plain file server."""
    folders = [bundles / name for name in ("mnist", "plain", "foreign", "single")]
    with hosted(written(folders, tmp_path_factory.mktemp("static") / "site")) as address:
        yield address


@pytest.fixture(scope="package")
def opened(browser: Any, site: str) -> Iterator[tuple[Page, list[str]]]:
    """The page with all bundles loaded and the network taken away, and what went wrong in it so far."""
    context = browser.new_context(viewport=WIDE, service_workers="block")
    context.set_default_timeout(15_000)
    page, troubles = context.new_page(), []
    page.on(
        "console",
        lambda m: (
            troubles.append(m.text) if m.type in ("error", "warning") and m.text not in (NO_CARD, NO_WORKER) else None
        ),
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: None if at_home(r.url, site) else troubles.append(f"foreign: {r.url}"))
    page.on("response", lambda r: troubles.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.goto(site)
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    for name in ("foreign", "single", "plain"):
        page.get_by_label("Pictures (bundle)").select_option(name)
        settle(page)
    context.set_offline(True)
    page.on("request", lambda r: None if r.url.startswith("blob:") else troubles.append(f"late: {r.url}"))
    yield page, troubles
    context.close()


@pytest.fixture
def show(opened: tuple[Page, list[str]]) -> Iterator[Callable[..., Page]]:
    """Brings that page to a state on the tab Play; at the end nothing may have gone wrong or been asked for."""
    page, troubles = opened

    def state(**wanted: Any) -> Page:
        tab(page, "Play")
        page.evaluate("state => Twofold.set(state)", {"m": "gan", "c": 0, "t": 1, "x": 0, "y": 0} | wanted)
        settle(page)
        return page

    yield state
    assert not troubles
