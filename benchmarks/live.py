"""How fast the live canvas follows a drag: `python -m benchmarks.live artifacts/mnist`.

Starts the server on a bundle, opens the page in headless Chromium, and drags in circles on the picture: through the
live route, then on the device, then on a plain queued Gradio slider for comparison, each at several latencies added by
the browser. Prints pictures per second, model time, round trip, and the seconds from the printed address to a usable
page. Needs playwright and a Chromium (`--chromium`); the browser shares the processor with the server. Stored in
benchmarks/results/live.json.
"""

import math
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

import tyro
from playwright.sync_api import CDPSession, Page

from benchmarks import results
from benchmarks.browser import box_of, chromium, drawn_on_the_device, network_of, served, started, wait_for_a_picture
from benchmarks.served_settings import ServedSettings
from bundle import on_device
from demo.routes import device

RADIUS = 120  # pixels, of the circle that is dragged
LAP = 2.0  # seconds for one circle
# Moves the slider at every frame and counts the pictures that come.
SLIDE = """seconds => new Promise((done) => {
    const input = document.querySelector('#x input[type=range]');
    const put = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    let shown = 0, last = null;
    const began = performance.now();
    const tick = () => {
        const passed = (performance.now() - began) / 1000;
        const source = document.querySelector('#picture img')?.src ?? null;
        if (source !== last) { shown += 1; last = source; }
        if (passed > seconds) return done(shown / passed);
        put.call(input, 50 + 40 * Math.sin(passed));
        input.dispatchEvent(new Event('input', { bubbles: true }));
        requestAnimationFrame(tick);
    };
    tick();
})"""


@dataclass(frozen=True)
class Settings(ServedSettings):
    """What to measure."""

    seconds: float = 5.0
    """Seconds of each drag."""
    latencies: tuple[int, ...] = (0, 60, 150)
    """Milliseconds that the browser adds to every request."""
    chromium: str | None = None
    """The browser's program; default: the one installed."""


def measure(settings: Settings) -> dict:
    """Measures everything, by latency."""
    found: dict = {"bundle": settings.bundle.resolve().name, "hardware": results.hardware()}
    began = time.perf_counter()
    with ExitStack() as stack:
        server = stack.enter_context(served(settings.bundle, settings.provider))
        found["start_s"] = printed("start to printed address, s", time.perf_counter() - began)
        words = ["-m", "benchmarks.queued", str(settings.bundle.resolve()), settings.provider]
        queued = stack.enter_context(started(words, "Queued is at"))
        browser = stack.enter_context(chromium(settings.chromium))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        opened = time.perf_counter()  # starting the browser is not the page's doing
        page.goto(server.address)
        wait_for_a_picture(page)
        found["usable_s"] = printed("opened to usable page, s", time.perf_counter() - opened)
        page.wait_for_timeout(1000)
        network = network_of(page)
        found["route"] = [dragged(page, network, "live route", ms, settings.seconds) for ms in settings.latencies]
        if on_device.installed(device.WEB):
            delay(network, 0)
            page.get_by_role("switch", name="On my device").check()
            print(drawn_on_the_device(page))
            found["device"] = [
                dragged(page, network, "on the device", ms, settings.seconds) for ms in settings.latencies
            ]
        else:
            print(f"Not measured on the device: {on_device.HOW_TO_GET_IT}")
        page.close()
        slider = browser.new_page(viewport={"width": 1440, "height": 900})
        slider.goto(queued.address)
        slider.locator("#x input[type=range]").wait_for()
        slow = network_of(slider)
        found["queued_slider"] = [slid(slider, slow, ms, settings.seconds) for ms in settings.latencies]
    return found


def delay(network: CDPSession, latency: int) -> None:
    """Delays every answer by so many milliseconds."""
    conditions = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", conditions)


def dragged(page: Page, network: CDPSession, name: str, latency: int, seconds: float) -> dict[str, float]:
    """Drags in circles; returns what the page counted."""
    delay(network, latency)
    box = box_of(page.locator(".tf-travel"))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + RADIUS, y)
    page.mouse.down()
    page.evaluate("Object.assign(Twofold.stats, {shown: 0, modelMs: [], roundMs: []})")
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        angle = 2 * math.pi * passed / LAP
        page.mouse.move(x + RADIUS * math.cos(angle), y + RADIUS * math.sin(angle))
    stats = page.evaluate("Twofold.stats")
    passed = time.perf_counter() - began
    page.mouse.up()
    page.wait_for_timeout(1000)
    row = {"latency_ms": latency, "pictures_per_second": round(stats["shown"] / passed, 1)}
    clocked = {"model_ms": stats["modelMs"], "round_ms": stats["roundMs"]}
    row |= {key: round(statistics.median(times), 1) for key, times in clocked.items() if times}
    clocks = f"model {row.get('model_ms', 0):5.1f} ms   round trip {row.get('round_ms', 0):6.1f} ms"
    print(f"{name:16s} +{latency:3d} ms {row['pictures_per_second']:6.1f} pictures/s   {clocks}", flush=True)
    return row


def slid(page: Page, network: CDPSession, latency: int, seconds: float) -> dict[str, float]:
    """The plain slider, moved at every frame."""
    delay(network, latency)
    rate = round(page.evaluate(SLIDE, seconds), 1)
    print(f"{'queued slider':16s} +{latency:3d} ms {rate:6.1f} pictures/s", flush=True)
    return {"latency_ms": latency, "pictures_per_second": rate}


def printed(words: str, value: float) -> float:
    """Prints a figure; returns it rounded to two digits after the point."""
    print(f"{words:32s}{value:6.2f}", flush=True)
    return round(value, 2)


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("live", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
