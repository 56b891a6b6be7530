"""On my device, by WebGPU: right pictures or none. Chromium's own imitation of a graphics card stands for one."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle import on_device
from demo.routes import device
from tests.browser.test_device import PLACES, pixels
from tests.support import tiny
from tests.support.static_site import hosted, written
from tests.support.static_visit import picture, settle

Page = Any  # playwright's, which need not be installed
pytestmark = pytest.mark.long  # a graphics card in software
FLAGS = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
# The page would leave an imitation alone, unless it is asked.
REAL = "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });"
COUNT = """() => {
    const submit = GPUQueue.prototype.submit;
    self.submitted = 0;
    GPUQueue.prototype.submit = function (...buffers) { self.submitted += 1; return submit.apply(this, buffers); };
}"""
SPOIL = "if (ort.env.webgpu.device) pixels[40] ^= 8;"
WAIT = 120_000  # a graphics card in software translates its programs for many seconds, on a busy machine for longer


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Any], address: str) -> Iterator[Any]:
    """A Chromium with WebGPU, for `visit`."""
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    opened = launch(*FLAGS, whole=True)
    page = opened.new_page()
    page.goto(address)  # WebGPU is there for pages from somewhere only
    adapter = page.evaluate("navigator.gpu?.requestAdapter().then((found) => Boolean(found))")
    page.close()
    if not adapter:
        opened.close()
        pytest.skip(f"this Chromium has no WebGPU adapter, not even with {' '.join(FLAGS)}")
    yield opened
    opened.close()


def switched_on(page: Page) -> None:
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")


def told(page: Page, words: str) -> str:
    """What the page says about the device, once these words stand in it."""
    place = page.locator(".tf-device-speed")
    page.wait_for_function(
        "words => document.querySelector('.tf-device-speed').textContent.includes(words)", arg=words, timeout=WAIT
    )
    return place.inner_text()


def card(page: Page) -> Any:
    """The worker in which the graphics card draws: the one that was started last."""
    return page.workers[-1]


def settled(page: Page) -> int:
    """What the card was told to do, once it has done all that it was asked for before."""
    found = [-1, card(page).evaluate("self.submitted")]
    while found[-1] != found[-2]:
        page.wait_for_timeout(1000)
        found.append(card(page).evaluate("self.submitted"))
    return found[-1]


def test_chosen_by_hand_the_graphics_card_draws_what_the_server_draws(visit):
    page = visit("?b=digits&c=2&x=5&y=0")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def at(place: str) -> np.ndarray:
        page.evaluate(f"Twofold.set({{ {place} }})")
        return pixels(page)

    by_server = [at(place) for place in PLACES]
    switched_on(page)
    told(page, "emulates one in software")  # and so is not loaded for
    assert page.locator(".tf-processor").inner_text() == "This device" and left_alone(page)
    assert not [url for url in asked if "ort-jspi" in url or "ort-asyncify" in url]

    page.get_by_role("radio", name="Graphics card").check()
    words = told(page, "On your graphics card (WebGPU)")
    assert re.search(r"\d ms per picture\. Your processor \(WebAssembly\) takes [\d.]+ ms\.", words)
    assert page.locator(".tf-processor").inner_text() == "This device (WebGPU)"
    assert [url for url in asked if ".jspi.wasm" in url] and len(page.workers) == 2
    page.context.set_offline(True)
    card(page).evaluate(COUNT)
    asked.clear()
    for place, server in zip(PLACES, by_server, strict=True):
        before = card(page).evaluate("self.submitted")
        assert np.abs(at(place) - server).max() <= 1, place
        assert card(page).evaluate("self.submitted") > before, place
    assert not [url for url in asked if "/live/" in url]

    page.get_by_role("radio", name="Processor").check()
    told(page, "On your processor (WebAssembly)")
    before = settled(page)
    assert np.abs(at(PLACES[0]) - by_server[0]).max() <= 1
    assert card(page).evaluate("self.submitted") == before


def left_alone(page: Any) -> bool:
    """Whether only the processor's worker is there, once the browser has ended the other one."""
    for _ in range(100):
        if len(page.workers) == 1:
            return True
        page.wait_for_timeout(100)
    return False


def test_the_faster_one_draws_and_a_card_that_stops_loses_no_picture(visit):
    """With the build for browsers whose WebAssembly cannot wait."""
    page = visit("?b=digits&c=2&x=5&y=0", script=REAL + "delete WebAssembly.Suspending;")
    page.evaluate("Twofold.set({ x: 7.5 })")
    server = pixels(page)
    page.evaluate("Twofold.set({ x: 5 })")
    switched_on(page)
    words = told(page, "takes")
    first, second = map(float, re.findall(r"([\d.]+) ms", words))
    assert first <= second, words
    page.reload()
    page.wait_for_function("window.Twofold?.onDevice")
    assert told(page, "takes") == words  # as the race was won, without another
    assert "WebGPU)" in words.split(":")[0] or left_alone(page)
    page.get_by_role("radio", name="Graphics card").check()
    told(page, "On your graphics card")
    script = page.evaluate("Twofold.url(Twofold.facts.device.builds.asyncify.script)")
    card(page).evaluate("script => import(script).then((ort) => ort.env.webgpu.device.destroy())", script)
    told(page, "The graphics card failed: ")
    assert page.evaluate("Twofold.onDevice") and left_alone(page)
    page.context.set_offline(True)  # the processor takes over, not the server
    page.evaluate("Twofold.set({ x: 7.5 })")
    assert np.abs(pixels(page) - server).max() <= 1


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("worker.js", ("return { pixels", f"{SPOIL} return {{ pixels"), "draws different pictures"),
        ("worker.js", ("await ort.env.webgpu.device", "null"), "WebGPU did not start"),
        ("ort-jspi.js", None, "ort-jspi.js could not be loaded"),
    ],
)  # fmt: skip
def test_a_card_that_is_not_right_is_left_alone(visit, file: str, change: tuple[str, str] | None, words: str):
    page = visit("?b=digits&c=2&x=5&y=0", script=REAL)
    before = pixels(page)

    def changed(route: Any) -> None:
        answer = route.fetch()
        text = answer.text()
        assert change is None or change[0] in text
        route.fulfill(response=answer, body=text.replace(*change) if change else "not a script")

    page.route(f"**/{file}", changed)
    switched_on(page)
    assert told(page, words).startswith("On your processor (WebAssembly): ")
    assert page.locator(".tf-processor").inner_text() == "This device" and left_alone(page)
    page.evaluate("Twofold.set({ x: 6 })")
    assert (pixels(page) != before).any()
    if change is None or "pixels" not in change[0]:
        return
    # Wrong pictures will be wrong again: the card is not loaded for on the next visit …
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_function("window.Twofold?.onDevice")
    told(page, words)
    assert not [url for url in asked if ".jspi." in url]
    # … until something changes that could change them.
    race = "localStorage.getItem('twofold.race.digits')"
    page.evaluate(f"localStorage.setItem('twofold.race.digits', {race}.replace('Mozilla', 'Another'))")
    page.reload()
    page.wait_for_function("window.Twofold?.onDevice")
    told(page, words)
    assert [url for url in asked if ".jspi." in url]


def test_the_static_page_does_likewise(browser: Any, tmp_path: Path):
    plain = tiny.build(tmp_path / "plain", name="plain", classes=0, channels=3)
    page = browser.new_page()
    with hosted(written([plain], tmp_path / "site")) as address:
        page.goto(f"{address}?x=5.5&y=2.5")
        page.locator(".tf-device-speed").filter(has_text="emulates one in software").wait_for(timeout=WAIT)

        def at(x: float) -> np.ndarray:
            page.evaluate(f"Twofold.set({{ x: {x} }})")
            settle(page)
            return picture(page, ".tf-travel")

        by_processor = at(5.5)
        page.get_by_role("radio", name="Graphics card").check()
        page.locator(".tf-device-speed").filter(has_text="On your graphics card (WebGPU): ").wait_for(timeout=WAIT)
        assert page.locator(".tf-processor").inner_text() == "This device (WebGPU)"
        assert (at(9) != by_processor).any()
        assert np.abs(at(5.5) - by_processor).max() <= 1
    page.close()
