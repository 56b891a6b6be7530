"""How fast the picture follows the hands: `python -m benchmarks.instrument artifacts/avatars --minutes 10`.

Serves a bundle, opens Play in headless Chromium with a simulated MIDI controller, draws on the device where
onnxruntime-web is installed (else on the server), maps the controller's pitch bend to the place on the seed plane
without smoothing, and turns it steadily. Prints

- latency: from a MIDI message to a canvas that shows it or a later one, and to the frame of the screen after that;
- pictures a second, and the longest time without a new one;
- the processor's time for each picture, of the page's own thread and of the whole renderer, which other programs on the
  machine hardly change;
- memory: of the page's scripts after collecting garbage, and of the whole renderer process, at the beginning (after a
  warm-up) and at the end.

Needs playwright and a Chromium (`--chromium`); the browser shares the processor with the server. Stored in
benchmarks/results/instrument.json.
"""

import os
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import tyro

from benchmarks import results
from benchmarks.browser import chromium, drawn_on_the_device, network_of, served, wait_for_a_picture
from benchmarks.served_settings import ServedSettings
from bundle import on_device
from demo.routes import device

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

SIMULATED = Path(__file__).with_name("simulated_midi.js")
WARM_UP = 10.0  # seconds of playing before anything is counted
# Turns the pitch bend up and down, and writes down when each message was sent, painted and on the screen.
PLAY = """({ every, turn }) => {
    const T = Twofold;
    const plays = { waiting: [], canvas: [], screen: [], last: null, longest: 0, pictures: 0 };
    window.plays = plays;
    const { pictureSource, paint } = T;
    T.pictureSource = async (path, params, signal) => {
        const answer = await pictureSource(path, params, signal);
        answer.picture.x = Number(params.x);
        return answer;
    };
    T.paint = (canvas, picture) => {
        paint(canvas, picture);
        if (!canvas.matches(".tf-travel")) return;
        const now = performance.now();
        if (plays.last !== null) plays.longest = Math.max(plays.longest, now - plays.last);
        plays.last = now;
        plays.pictures += 1;
        const shown = plays.waiting.findIndex(({ x }) => x === picture.x);
        const there = plays.waiting.splice(0, shown + 1);
        for (const { sent } of there) plays.canvas.push(now - sent);
        if (there.length) requestAnimationFrame(() => { for (const { sent } of there) plays.screen.push(performance.now() - sent); });
    };
    const began = performance.now();
    plays.timer = setInterval(() => {
        const share = ((performance.now() - began) / turn) % 2;
        const bend = Math.round(16383 * (share > 1 ? 2 - share : share));
        const sent = performance.now();
        window.simulatedMidi.send(0xe0, bend & 127, bend >> 7);
        plays.waiting.push({ sent, x: T.state.x });
    }, every);
}"""  # noqa: E501
COUNT_ANEW = "Object.assign(plays, { canvas: [], screen: [], longest: 0, pictures: 0, began: performance.now() })"
COUNTED = "({ ...plays, waiting: plays.waiting.length, seconds: (performance.now() - plays.began) / 1000 })"


@dataclass(frozen=True)
class Settings(ServedSettings):
    """What to measure, and for how long."""

    minutes: float = 10.0
    """Minutes of playing, after a warm-up of ten seconds."""
    every: float = 10.0
    """Milliseconds between two MIDI messages, as of a knob that is turned fast."""
    turn: float = 4000.0
    """Milliseconds from one end of the pitch bend to the other."""
    server: bool = False
    """Let the server draw, as where onnxruntime-web is missing."""
    chromium: str | None = None
    """The browser's program; default: the one installed."""


def measure(settings: Settings) -> dict:
    """Plays and measures: what benchmarks/results/instrument.json holds."""
    here = not settings.server and on_device.installed(device.WEB) is not None
    found: dict = {
        "bundle": settings.bundle.resolve().name,
        "hardware": results.hardware(),
        "load": round(psutil.getloadavg()[0], 1),  # processes that wanted a core in the minute before
        "drawn": "on the device" if here else "by the server",
        "minutes": settings.minutes,
    }
    with ExitStack() as stack:
        server = stack.enter_context(served(settings.bundle, settings.provider))
        browser = stack.enter_context(chromium(settings.chromium))
        page = opened(browser, server.address, settings)
        session = network_of(page)
        found["pixels"] = page.evaluate("[Twofold.bundle().width, Twofold.bundle().height]")
        page.evaluate(PLAY, {"every": settings.every, "turn": settings.turn})
        page.wait_for_timeout(1000 * WARM_UP)
        memory = [footprint(browser, session)]
        page.evaluate(COUNT_ANEW)
        spent = [processor_time(session)]
        by_minute: list[float | None] = []
        left = settings.minutes * 60
        while left > 0:
            page.wait_for_timeout(1000 * min(60.0, left))
            left -= 60
            by_minute.append(renderer_mb(browser))
            print(f"{settings.minutes - max(0.0, left) / 60:5.1f} min, renderer: {by_minute[-1]} MB", flush=True)
        counted = page.evaluate(COUNTED)  # before memory is measured, which stops the page for a moment
        spent.append(processor_time(session))
        memory.append(footprint(browser, session))
    found |= summary(counted, *spent) | {"memory": {"begin": memory[0], "end": memory[1]}}
    found["renderer_mb_by_minute"] = by_minute
    show(found)
    return found


def opened(browser: "Browser", address: str, settings: Settings) -> "Page":
    """Play with the instrument open, the controller plugged in and its pitch bend mapped."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(path=SIMULATED)
    if settings.server:
        page.add_init_script("localStorage.setItem('twofold.device', 'off')")
    page.goto(address)
    wait_for_a_picture(page)
    page.locator(".tf-instrument-fold > summary").click()
    page.get_by_role("button", name="MIDI", exact=True).click()
    if not settings.server and page.evaluate("Boolean(Twofold.drawHere)"):
        print(drawn_on_the_device(page), flush=True)
    mapping = {"source": "bend:1", "parameter": "place.x", "from": 0, "to": 4, "curve": "linear", "smoothing": 0}
    page.evaluate("mapping => { Twofold.instrument.mappings = [{ ...mapping, invert: false }]; }", mapping)
    page.locator(".tf-travel").scroll_into_view_if_needed()
    return page


def processor_time(session: "CDPSession") -> dict[str, float]:
    """Milliseconds of a processor that were spent so far, by the page's own thread and by its renderer."""
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return {"page": 1000 * metrics["ThreadTime"], "renderer": 1000 * metrics["ProcessTime"]}


def footprint(browser: "Browser", session: "CDPSession") -> dict[str, float]:
    """MB: the page's scripts after collecting garbage, and the renderer's memory, where the system tells it."""
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    found = {"scripts_mb": round(metrics["JSHeapUsedSize"] / 1e6, 1)}
    if (renderer := renderer_mb(browser)) is not None:
        found["renderer_mb"] = renderer
    return found


def renderer_mb(browser: "Browser") -> float | None:
    """MB that the renderer's process keeps in memory, or None where the system does not tell."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [Path(f"/proc/{one['id']}/statm") for one in processes if one["type"] == "renderer"]
    if not all(path.is_file() for path in pages):
        return None
    kept = sum(int(path.read_text().split()[1]) for path in pages) * os.sysconf("SC_PAGE_SIZE")
    return round(kept / 1e6, 1)


def summary(counted: dict, before: dict[str, float], after: dict[str, float]) -> dict:
    """The figures of what the page counted, times in ms; `before` and `after`: see `processor_time`. SystemExit when
    nothing was drawn."""
    if len(counted["canvas"]) < 2:
        sys.exit("error: the picture did not follow the messages.")
    return {
        "messages": len(counted["canvas"]),
        "to_canvas_ms": percentiles(counted["canvas"]),
        "to_screen_ms": percentiles(counted["screen"]),
        "pictures_per_second": round(counted["pictures"] / counted["seconds"], 1),
        "longest_stall_ms": round(counted["longest"]),
        "processor_ms_a_picture": {
            name: round((after[name] - before[name]) / counted["pictures"], 1) for name in before
        },
    }


def percentiles(times: list[float]) -> dict[str, float]:
    """The median, and what 95 and 99 of 100 do not exceed."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {name: round(cuts[at - 1], 1) for name, at in (("p50", 50), ("p95", 95), ("p99", 99))}


def show(found: dict) -> None:
    """Prints the figures."""
    print(f"{found['bundle']}, {found['drawn']}, {found['minutes']} min, load {found['load']}")
    for name, words in (("to_canvas_ms", "MIDI to canvas"), ("to_screen_ms", "MIDI to screen")):
        times = found[name]
        print(f"{words:20s} p50 {times['p50']:6.1f}   p95 {times['p95']:6.1f}   p99 {times['p99']:6.1f} ms")
    print(f"{'pictures a second':20s} {found['pictures_per_second']:6.1f}")
    print(f"{'longest stall':20s} {found['longest_stall_ms']:6.0f} ms")
    for name, spent in found["processor_ms_a_picture"].items():
        print(f"{'processor, ' + name:20s} {spent:6.1f} ms a picture")
    for name in found["memory"]["begin"]:
        print(f"{name:20s} {found['memory']['begin'][name]:6.1f} -> {found['memory']['end'][name]:6.1f}")


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("instrument", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
