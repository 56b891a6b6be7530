"""Make from the dropped pictures to a deleted project, in Chromium: `python -m benchmarks.make`.

Serves artifacts/ with --make, drops photographs on the tab Make, and watches what a visitor sees: seconds until the
scan is shown, until the VAE's first rebuilt pictures, until the first samples of the GAN, until the generator can be
played; pictures a second of a drag on Play before and beside the training; memory of the demo; whether a reload keeps
everything, and whether a delete leaves anything. Then 3 000 files, scanned and shown. Prints each figure beside what is
to be reached; stored in benchmarks/results/make.json and make_scan.json. Needs playwright, a Chromium, and a folder of
photographs (--photographs); without one they are drawn.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import tyro
from PIL import Image
from playwright.sync_api import Page, TimeoutError

from benchmarks import results
from benchmarks.browser import Server, chromium, started, wait_for_a_picture
from benchmarks.live import dragged, network_of

# Figure -> (what is to be reached, whether less is better).
TO_REACH: dict[str, tuple[float, bool]] = {
    "scan_s": (30.0, True),
    "rebuilt_s": (60.0, True),
    "gan_s": (300.0, True),
    "drag_pictures_per_second": (30.0, False),
    "memory_mb": (450.0, True),
    "left_behind_files": (0.0, True),
    "lost_by_reloads": (0.0, True),
}
PATIENCE = 600_000.0  # ms, for what takes long
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    runs: int = 10
    """How many times everything is done; 0: only files are scanned."""
    photographs: Path | None = None
    """A folder of pictures to drop. Default: drawn ones."""
    count: int = 50
    """How many are dropped."""
    files: int = 3000
    """How many files are scanned at the end; 0: none."""
    short: bool = False
    """Once, without GAN and with 300 files: whether the measurement itself works."""
    chromium: str | None = None
    """The browser's program; default: the one installed."""


def drawn(folder: Path, count: int, side: int = 320) -> Path:
    """A folder of drawn photographs: a disc before a gradient, each with a colour, a place and noise of its own."""
    folder.mkdir(parents=True)
    y, x = np.mgrid[:side, :side] / side
    for i in range(count):
        random = np.random.default_rng(i)
        ground = random.integers(0, 255, 3) * x[..., None] + random.integers(0, 255, 3) * (1 - x[..., None])
        near = (x - random.uniform(0.3, 0.7)) ** 2 + (y - random.uniform(0.3, 0.7)) ** 2 < random.uniform(0.02, 0.06)
        pixels = np.where(near[..., None], random.integers(0, 255, 3), ground) + random.normal(0, 6, (side, side, 1))
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{i:05d}.jpg", quality=90)
    return folder


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


def photographs(settings: Settings, home: Path, count: int) -> list[Path]:
    """So many pictures: of the folder that was named, or drawn. SystemExit where that folder has too few."""
    if settings.photographs is None:
        folder = home / f"drawn-{count}"
        return pictures_in(folder if folder.exists() else drawn(folder, count))
    found = pictures_in(settings.photographs)
    if len(found) < count:
        sys.exit(f"error: {settings.photographs} holds {len(found)} pictures, and {count} are needed.")
    return found[:count]


@dataclass
class Visit:
    """A page on a server whose projects lie in `home`."""

    page: Page
    server: Server
    home: Path

    def open(self) -> None:
        """Opens the tab Make."""
        self.page.goto(f"{self.server.address}/?tab=make")
        self.page.locator("#tf-make .tf-make").wait_for(timeout=PATIENCE)

    def loses(self, there: str) -> bool:
        """Reloads; whether what was there is not there again."""
        self.page.reload()
        try:
            self.page.locator("#tf-make").locator(there).first.wait_for(timeout=60_000)
        except TimeoutError:
            return True
        return False

    def memory(self) -> float:
        """Resident memory of the demo in MB, without what it started."""
        return psutil.Process(self.server.pid).memory_info().rss / 1e6

    def drop(self, files: list[Path]) -> float:
        """Drops files on the tab; seconds until all of them are scanned and shown."""
        began = time.monotonic()
        self.page.locator("#tf-make input[type=file]").first.set_input_files([str(path) for path in files])
        self.page.get_by_text(f"{len(files):,} pictures are chosen").wait_for(timeout=PATIENCE)
        self.page.locator("#tf-make .tf-make-tile").first.wait_for(timeout=PATIENCE)
        return time.monotonic() - began


def one_run(visit: Visit, settings: Settings) -> dict[str, float]:
    """Everything once, on a project of its own, which is ended once all was seen."""
    page, found = visit.page, {}
    network = network_of(page)
    page.goto(visit.server.address)
    wait_for_a_picture(page)
    found["drag_alone"] = dragged(page, network, "before", 0, 5.0)["pictures_per_second"]
    visit.open()
    files = photographs(settings, visit.home.parent, settings.count)
    make, dropped = page.locator("#tf-make"), time.monotonic()
    found["shown_s"] = visit.drop(files)
    lost = [visit.loses(".tf-make-tile")]
    make.get_by_role("button", name="Train", exact=True).click()
    make.locator(".tf-run-live figure").first.wait_for(timeout=PATIENCE)
    found["rebuilt_s"] = time.monotonic() - dropped
    lost.append(visit.loses(".tf-run-live figure"))
    asked = time.monotonic()
    make.get_by_role("button", name="Play it now").click()
    page.get_by_text("still learning", exact=True).wait_for(timeout=PATIENCE)
    found["playable_s"] = time.monotonic() - asked
    page.wait_for_timeout(1000)
    found["drag_pictures_per_second"] = dragged(page, network, "beside the training", 0, 5.0)["pictures_per_second"]
    found["memory_mb"] = visit.memory()
    page.get_by_role("tab", name="Make").click()
    if not settings.short:
        make.get_by_role("img", name="GAN:").first.wait_for(timeout=PATIENCE)
        found["gan_s"] = time.monotonic() - dropped
    make.get_by_role("button", name="Pause").click()
    make.get_by_text("Paused. Nothing is lost").wait_for(timeout=PATIENCE)
    lost.append(visit.loses("text=Paused. Nothing is lost"))
    found["lost_by_reloads"] = float(sum(lost))
    delete(visit)
    left = [path for path in visit.home.rglob("*") if path.is_file() and path.name != "speed.json"]
    found["left_behind_files"] = float(len(left))
    found["processes_left"] = float(len(psutil.Process(visit.server.pid).children(recursive=True)))
    return found


def delete(visit: Visit) -> None:
    """Deletes the project that is shown."""
    make = visit.page.locator("#tf-make")
    make.get_by_role("button", name="Delete this project").click()
    make.get_by_role("button", name="Really delete").click()
    make.get_by_text("1. Bring pictures").wait_for(timeout=PATIENCE)


def scanned(visit: Visit, settings: Settings, count: int) -> float:
    """Seconds until so many files are scanned and shown."""
    visit.open()
    took = visit.drop(photographs(settings, visit.home.parent, count))
    delete(visit)
    return took


@contextmanager
def visiting(settings: Settings) -> Iterator[Visit]:
    """A page on a server of its own, with no project yet."""
    with tempfile.TemporaryDirectory() as folder, chromium(settings.chromium) as browser:
        home = Path(folder) / "made"
        words = ["demo/app.py", "--make", "--make-folder", str(home), "--port"]
        with started(words, "Twofold is at") as server:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            yield Visit(page, server, home)


def measure_runs(settings: Settings) -> dict:
    """Everything that a visitor does, again and again on one server; prints each figure as it comes."""
    found: dict = {"hardware": results.hardware(), "runs": []}
    with visiting(settings) as visit:
        for number in range(settings.runs):
            row = timed(lambda: one_run(visit, settings))
            found["runs"].append(row)
            say(f"run {number + 1} of {settings.runs}", row)
    return found


def measure_scan(settings: Settings) -> dict:
    """Many files at once, in a browser of its own: the tools by which a run counts pictures slow every request down."""
    with visiting(settings) as visit:
        row = {"scan_s": round(scanned(visit, settings, settings.files), 1)}
    say(f"{settings.files} files", row)
    return {"hardware": results.hardware(), "files": settings.files, **row}


def timed(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What `work` found, rounded, with the seconds that it took."""
    began = time.monotonic()
    return {name: round(value, 1) for name, value in work().items()} | {"seconds": round(time.monotonic() - began)}


def say(title: str, row: dict[str, float]) -> None:
    """Prints a row, each figure beside what is to be reached."""
    print(title)
    for name, value in row.items():
        goal = ""
        if name in TO_REACH:
            limit, less = TO_REACH[name]
            reached = value <= limit if less else value >= limit
            goal = f"   {'at most' if less else 'at least'} {limit:g}: {'reached' if reached else 'NOT REACHED'}"
        print(f"  {name:28s}{value:9.1f}{goal}", flush=True)


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    if settings.short:  # nothing that it finds is worth keeping
        settings = replace(settings, runs=1, files=300)
        measure_runs(settings)
        measure_scan(settings)
        return 0
    code = results.measure_and_store("make", lambda: measure_runs(settings)) if settings.runs else 0
    if code or not settings.files:  # Ctrl-C, for one, ends all of it
        return code
    return results.measure_and_store("make_scan", lambda: measure_scan(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
