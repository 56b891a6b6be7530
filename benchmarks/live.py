"""How live the live canvas is: `python -m benchmarks.live artifacts/mnist`.

Starts the server on a bundle, opens the page in headless Chromium, drags on the picture in circles, and prints
pictures per second, model time, round trip, and the seconds from the printed address to a usable page. Needs
playwright and a Chromium (`--chromium`); the browser shares the processor with the server.
"""

import argparse
import math
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.browser import chromium, served

RADIUS = 120  # pixels, of the circle that is dragged
LAP = 2.0  # seconds for one circle


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to drag (default: %(default)s)")
    parser.add_argument("--provider", default="auto")
    parser.add_argument("--chromium", help="the browser's program (default: the one installed)")
    options = parser.parse_args()
    began = time.perf_counter()
    with served(options.bundle, options.provider) as server:
        print(f"start to printed address      {time.perf_counter() - began:6.2f} s")
        with chromium(options.chromium) as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            opened = time.perf_counter()  # starting the browser is not the page's doing
            page.goto(server.address)
            page.wait_for_function("window.Twofold?.stats.shown > 0")
            print(f"opened to usable page         {time.perf_counter() - opened:6.2f} s")
            page.wait_for_timeout(1000)
            report(page, options.seconds)
    return 0


def report(page: Page, seconds: float) -> None:
    """Drag, then print what the page has counted."""
    box = page.locator(".tf-travel").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + RADIUS, y)
    page.mouse.down()
    page.evaluate("Object.assign(Twofold.stats, {shown: 0, model: [], round: []})")
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        angle = 2 * math.pi * passed / LAP
        page.mouse.move(x + RADIUS * math.cos(angle), y + RADIUS * math.sin(angle))
    stats = page.evaluate("Twofold.stats")
    passed = time.perf_counter() - began
    page.mouse.up()
    print(f"pictures per second           {stats['shown'] / passed:6.1f}")
    for name, key in (("model time", "model"), ("round trip", "round")):
        values = sorted(stats[key])
        high = values[int(0.95 * (len(values) - 1))]
        print(f"{name}, median and 95 %   {statistics.median(values):6.1f} ms {high:6.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
