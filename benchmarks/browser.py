"""What measurements and tests of the page share: a server on bundles of its own, a headless Chromium, a drag."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the tests that drive a browser are skipped where playwright is missing
    from playwright.sync_api import Browser, CDPSession, FloatRect, Locator, Page

REPOSITORY = Path(__file__).resolve().parents[1]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",  # a GPU imitated in software redraws the whole window for each picture: 60 ms each
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
)


# What Debian and others call a Chromium. A whole one is what people have, so it is what measurements use; the headless
# shell is its engine without its windows, loads a page in half the processor time, and has no graphics card.
WHOLE = ("chromium", "chromium-browser")
LIGHT = ("chromium-headless-shell", *WHOLE)
DEVICE_TIMEOUT = 120_000  # ms
MISSING = "no chromium is installed (apt install chromium)"


def installed(names: Sequence[str]) -> str | None:
    """The path of the first of these programs that is installed."""
    return next(filter(None, map(shutil.which, names)), None)


@dataclass(frozen=True)
class Server:
    """A running server: the address that it printed, and its process."""

    address: str
    pid: int


@contextmanager
def started(words: list[str], greeting: str) -> Iterator[Server]:
    """What `python WORDS PORT` serves, once it prints `greeting` and an address. SystemExit when it does not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *words, str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if greeting not in line:
                sys.exit("error: the server did not start.")
            yield Server(line.split()[-1], server.pid)
        finally:
            server.terminate()


def served(bundles: Path, provider: str) -> AbstractContextManager[Server]:
    """The page over a bundle or a folder of bundles, once its address is printed. SystemExit when it is not."""
    words = ["demo/app.py", "--bundles", str(bundles.resolve()), "--provider", provider, "--port"]
    return started(words, "Twofold is at")


@contextmanager
def chromium(executable: str | None = None) -> "Iterator[Browser]":
    """A headless Chromium: the one named, or the one installed. SystemExit with a sentence when there is none."""
    found = installed([executable] if executable else WHOLE)
    if found is None:
        sys.exit(f"error: {executable} is no program: name another one with --chromium." if executable else
                 f"error: {MISSING}.")  # fmt: skip
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def wait_for_a_picture(page: "Page") -> None:
    """Waits until the page shows its first picture."""
    page.wait_for_function("window.Twofold?.stats.shown > 0")


def drawn_on_the_device(page: "Page") -> str:
    """Waits until the page draws on the visitor's device and has chosen how; returns its words about that."""
    page.wait_for_function("Twofold.onDevice", timeout=DEVICE_TIMEOUT)
    way = page.locator(".tf-device-speed").filter(has_text=" ms per picture").filter(has_not_text="Testing")
    way.wait_for(timeout=DEVICE_TIMEOUT)
    return way.inner_text()


def box_of(element: "Locator") -> "FloatRect":
    """Where an element is in the window: x, y, width and height in pixels. RuntimeError when it is not shown."""
    box = element.bounding_box()
    if box is None:
        raise RuntimeError(f"{element} is not shown.")
    return box


def drag(page: "Page", selector: str, *points: tuple[float, float]) -> None:
    """Press at the first point and draw a line through the others, in shares of the element."""
    target = page.locator(selector).first
    target.scroll_into_view_if_needed()
    box = box_of(target)
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def network_of(page: "Page") -> "CDPSession":
    """Chromium's own view of a page's network. One session a page, or the delay of a first one stays. The cache is off:
    it has the pictures of an earlier lap."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return session
