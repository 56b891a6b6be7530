"""A server on tiny bundles and a Chromium to visit it with; skips where there is none."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlparse

import pytest

from benchmarks.browser import FLAGS, LIGHT, MISSING, WHOLE, installed
from bundle.sessions import choose_provider
from demo.routes.uploads import Uploads
from demo.serving.served_bundle import open_bundles
from export import class_directions
from tests.support import attributes, tiny
from tests.support.demo_page import launched

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
TIMEOUT_MS = 15_000
UNPLUGGED = "net::ERR_INTERNET_DISCONNECTED"  # Gradio's own heartbeat says so, where a test has pulled the plug


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over the bundles digits (10 classes, grey), plain (no classes, colour, attributes), learner (with
    snapshots of its training) and torn (damaged)."""
    root = tmp_path_factory.mktemp("served")
    class_directions.add(tiny.build(root / "digits", name="digits"))
    attributes.add(tiny.build(root / "plain", name="plain", classes=0, channels=3), ("bright", "slanted, a lot"))
    tiny.add_snapshots(tiny.build(root / "learner", name="learner"))
    (tiny.build(root / "torn", name="torn") / "critic.onnx").write_bytes(b"torn")
    models, unavailable = open_bundles(root, choose_provider("cpu"))
    uploads, files = Uploads(models), tmp_path_factory.mktemp("gradio")
    with launched(models, unavailable, files=files, routes=uploads.routes(), uploads=True) as url:
        yield url
    uploads.close()


@pytest.fixture(scope="package")  # no longer: its event loop is in the way of tests that run one of their own
def launch() -> Iterator[Callable[..., Any]]:
    """Starts a Chromium with flags besides the usual ones: the headless shell where it is installed, unless `whole`."""
    if installed(LIGHT) is None:
        pytest.skip(MISSING)
    reason = "playwright is not installed (pip install playwright)"
    sync_api = pytest.importorskip("playwright.sync_api", reason=reason)

    def start(*flags: str, whole: bool = False) -> Any:
        path = installed(WHOLE if whole else LIGHT)
        if path is None:
            pytest.skip(MISSING)
        return playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])

    with sync_api.sync_playwright() as playwright:
        yield start


@pytest.fixture(scope="package")
def browser(launch: Callable[..., Any]) -> Iterator[Any]:
    opened = launch()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_context(browser: Any) -> Iterator[Any]:
    """What most visits of a file share: the browser's cache, without which each compiles Gradio anew."""
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def visit(browser: Any, shared_context: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page, after `script` if there is one; at the end nothing may have gone wrong in it, and no other host
    been asked. Settings other than the viewport make a context of their own. What was stored is gone afterwards.
    `refused`: what stands in the addresses of requests that the server is right to refuse."""
    own_contexts, pages, troubles = [], [], []

    def open_page(
        query: str = "", script: str = "", viewport: Any = WIDE, refused: str | None = None, **settings: Any
    ) -> Any:
        def failed(url: str, text: str) -> None:
            if refused is None or refused not in url:
                troubles.append(text)

        context = shared_context
        if settings:
            context = browser.new_context(viewport=viewport, **settings)
            context.set_default_timeout(TIMEOUT_MS)
            own_contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size(viewport)
        page.add_init_script(script)
        page.on(
            "console",
            lambda m: failed(m.location["url"], m.text) if m.type == "error" and UNPLUGGED not in m.text else None,
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: None if at_home(r.url, address) else troubles.append(f"foreign: {r.url}"))
        page.on("response", lambda r: failed(r.url, f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.goto(address + query)
        page.wait_for_function("window.Twofold?.stats.shown > 0")
        return page

    yield open_page
    for page in pages:
        stored = {"origin": address.rstrip("/"), "storageTypes": "local_storage"}
        page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", stored)
        page.close()
    for context in own_contexts:
        context.close()
    shared_context.clear_cookies()
    shared_context.clear_permissions()
    shared_context.set_offline(False)
    assert not troubles


def at_home(url: str, address: str) -> bool:
    return urlparse(url).scheme in ("data", "blob") or urlparse(url).netloc == urlparse(address).netloc
