"""What grows in a server that runs for long: `python -m benchmarks.soak artifacts`.

Starts one server, uses it in every way (live pictures, morphs, endpoints with uploads, the page's own events, reports,
and pages in Chromium where it is installed), and reports what has grown: resident memory, uploaded files, sessions.
Then several visitors drag at the same time, and the pictures per second of each are counted. Prints the figures, and
with --keep stores them in benchmarks/results/soak.json. Exit code 1 when a limit is exceeded.
"""

import importlib.util
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import numpy as np
import tyro

from benchmarks import results
from benchmarks.browser import WHOLE, chromium, installed, served, wait_for_a_picture
from benchmarks.visitor import Answer, Visitor
from bundle import images
from bundle.errors import UserError
from bundle.exit_codes import exit_code

if TYPE_CHECKING:  # Chromium takes part only where playwright is installed
    from playwright.sync_api import Browser

GROWTH = 50.0  # MB that resident memory may grow after the warm-up
LEAST_RATE = 10.0  # pictures a second that each of several visitors has at least
PAGE_EVERY = 100  # interactions between two pages in Chromium
PATIENCE = 60.0  # seconds until all visitors must be ready to drag


@dataclass(frozen=True)
class Settings:
    """What to do, and for how long."""

    bundles: Annotated[Path, tyro.conf.Positional]
    """A bundle, or a folder of bundles."""
    interactions: int = 2000
    """Interactions after the warm-up."""
    warm_up: int = 500
    """Interactions before memory is read for the first time."""
    visitors: int = 5
    """Visitors who drag at once."""
    seconds: float = 10.0
    """For how long they drag."""
    browser: bool = True
    """Open pages in Chromium too, where it and playwright are installed."""
    keep: bool = False
    """Store the figures in benchmarks/results/soak.json."""


class Interactions:
    """All kinds of interactions, one after the other, over all bundles, each with new arguments."""

    def __init__(self, visitor: Visitor, seed: int, bundles: Mapping[str, Sequence[str]]):
        """`bundles`: the models of each."""
        self.visitor, self._rng = visitor, np.random.default_rng(seed)
        self._bundles = list(bundles.items())
        self._kinds: list[Callable[[str, str], object]] = [
            self.live, self.live, self.morph, self.sample, self.live, self.reconstruct, self.live, self.repair,
            self.morph, self.invert, self.live, self.rebuild, self.report, self.export, self.interpolate, self.page,
        ]  # fmt: skip

    def __call__(self, number: int) -> None:
        """Runs the interaction of this number. SystemExit when the server does not answer as it should."""
        name, models = self._bundles[number // len(self._kinds) % len(self._bundles)]
        kind = self._kinds[number % len(self._kinds)]
        answer = kind(name, models[int(self._rng.integers(len(models)))])
        if isinstance(answer, Answer) and answer.error:
            sys.exit(f"error: {kind.__name__} of {name} was refused: {answer.error}")

    def _seed(self) -> int:
        return int(self._rng.integers(2**32))

    def _picture(self) -> dict:
        return self.visitor.picture(images.png(self._rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)))

    def live(self, name: str, model: str) -> None:
        x, y = self._rng.uniform(-100, 100, 2)
        self.visitor.get(f"live/{name}", x=x, y=y, m=model, f="raw").raise_for_status()

    def morph(self, name: str, model: str) -> None:
        keys = f"{self._seed()},{self._seed()},{self._seed()}"
        share = self._rng.uniform()
        self.visitor.get(f"live/{name}/morph", keys=keys, p=share, m=model, path="spline").raise_for_status()

    def sample(self, name: str, model: str) -> Answer:
        return self.visitor.call("sample", [self._seed() for _ in range(4)], name, model, "", 0.9)

    def interpolate(self, name: str, model: str) -> Answer:
        seeds = [self._seed(), self._seed()]
        return self.visitor.call("interpolate", seeds, name, model, "", 1, "spherical", True, 12, "webp", 20)

    def reconstruct(self, name: str, model: str) -> Answer:
        return self.visitor.call("reconstruct", self._picture(), name)

    def repair(self, name: str, model: str) -> Answer:
        return self.visitor.call("repair", self._picture(), self._picture(), name, model)

    def invert(self, name: str, model: str) -> Answer:
        return self.visitor.call("invert", self._picture(), name, 1, 0)

    def report(self, name: str, model: str) -> Answer:
        return self.visitor.call("report", name)

    def rebuild(self, name: str, model: str) -> Answer:
        return self.visitor.ask(f"rebuild/{name}", {"test": 0})

    def export(self, name: str, model: str) -> Answer:
        wish = {
            "m": model,
            "keys": [self._seed(), self._seed()],
            "t": 1,
            "frames": 12,
            "fps": 12,
            "format": "gif",
            "path": "linear",
        }
        return self.visitor.ask(f"morph/{name}", wish)

    def page(self, name: str, model: str) -> None:
        """What a new visitor loads, without a browser: the page, with a session of its own."""
        new = Visitor(self.visitor.address)
        new.get("").raise_for_status()
        new.call("report", name)
        new.client.close()


def footprint(visitor: Visitor, uploads: Path) -> dict[str, float]:
    """What may grow: MB of resident memory, files and folders for uploads, sessions."""
    lines = visitor.get("metrics").text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    found = [path.is_dir() for path in uploads.rglob("*")]
    return {
        "memory_mb": round(float(figures["process_resident_memory_bytes"]) / 1e6, 1),
        "open_files": int(float(figures["process_open_fds"])),
        "upload_files": found.count(False),
        "upload_folders": found.count(True),
        "sessions": int(float(figures["twofold_sessions"])),
    }


def drag_rates(address: str, visitors: int, seconds: float) -> list[float]:
    """Pictures per second of each of several visitors who drag at once; each asks again when a picture arrives.
    SystemExit when one of them is not let in."""
    counts = [0] * visitors
    ready = threading.Barrier(visitors + 1, timeout=PATIENCE)

    def drag(at: int) -> None:
        visitor = Visitor(address)
        try:
            (name, *_) = visitor.get("healthz").raise_for_status().json()["bundles"]
            ready.wait()
        except (httpx.HTTPError, ValueError, KeyError, threading.BrokenBarrierError):
            ready.abort()  # the others wait for nobody
            return
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            turn = counts[at] / 40
            x, y = 100 * at + np.cos(turn), np.sin(turn)
            counts[at] += visitor.get(f"live/{name}", x=x, y=y, f="raw").status_code == 200
        visitor.client.close()

    threads = [threading.Thread(target=drag, args=(at,)) for at in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        sys.exit(f"error: {address} did not let {visitors} visitors in.")
    for thread in threads:
        thread.join()
    return [round(count / seconds, 1) for count in counts]


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: watch(settings), "Stopped; nothing was stored.")


def watch(settings: Settings) -> int:
    """Serves the bundles, uses the server and shows what has grown; 1 when a limit is exceeded, else 0. Raises
    UserError."""
    if settings.visitors < 1 or not settings.seconds > 0:
        raise UserError("--visitors must be at least 1, and --seconds positive.")
    with tempfile.TemporaryDirectory() as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        program = installed(WHOLE) if settings.browser and importlib.util.find_spec("playwright") else None
        pages = chromium(program) if program else nullcontext()
        with served(settings.bundles, "cpu") as server, pages as browser:
            report = soak(Visitor(server.address), Path(uploads), browser, settings)
    show(report)
    if settings.keep:
        print(f"Stored in {results.write('soak', report)}.")
    grown = report["after"]["memory_mb"] - report["before"]["memory_mb"]
    return int(grown > GROWTH or min(report["pictures_per_second"]) < LEAST_RATE)


def soak(visitor: Visitor, uploads: Path, browser: "Browser | None", settings: Settings) -> dict:
    """Uses a running server, whose uploads lie in `uploads`, and returns what was measured, as JSON takes it."""
    bundles = {name: about["models"] for name, about in visitor.get("healthz").json()["bundles"].items()}
    interact = Interactions(visitor, 1, bundles)

    def use(first: int, count: int) -> None:
        for number in range(first, first + count):
            interact(number)
            if browser is not None and number % PAGE_EVERY == 0:
                context = browser.new_context()
                page = context.new_page()
                page.goto(visitor.address)
                wait_for_a_picture(page)
                context.close()

    use(0, settings.warm_up)
    before = footprint(visitor, uploads)
    began = time.monotonic()
    use(settings.warm_up, settings.interactions)
    seconds = time.monotonic() - began
    after = footprint(visitor, uploads)
    rates = drag_rates(visitor.address, settings.visitors, settings.seconds)
    health = visitor.get("healthz").json()
    return {
        "interactions": settings.interactions,
        "warm_up": settings.warm_up,
        "pages_in_chromium": browser is not None,
        "seconds": round(seconds, 1),
        "before": before,
        "after": after,
        "visitors": settings.visitors,
        "pictures_per_second": rates,
        "status": health["status"],
        "hardware": results.hardware(),
        "versions": health["versions"],
    }


def show(report: dict) -> None:
    """The figures as text."""
    print(f"{report['interactions']} interactions in {report['seconds']} s")
    for name, value in report["before"].items():
        print(f"{name:16} {value:10} before {report['after'][name]:10} after")
    rates = ", ".join(map(str, report["pictures_per_second"]))
    print(f"{report['visitors']} visitors at once    {rates} pictures a second each")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
