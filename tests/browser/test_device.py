"""On my device: the page's live pictures computed in the browser, with the network gone, equal the server's. This
Chromium has no WebGPU; with it: test_webgpu.py."""

import re

import numpy as np
import pytest

from benchmarks.browser import drag
from bundle import on_device
from demo.routes import device
from tests.browser.test_page import settle

PIXELS = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
PLACES = (
    "x: 5, y: 0, m: 'gan', c: 3, t: 1",
    "x: 2.25, y: 1.5, m: 'gan', c: 7, t: 0.6",
    "x: 3.5, y: 0.25, m: 'vae', c: 1, t: 0.8",
)


@pytest.fixture(autouse=True)
def runtime() -> None:
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")


def pixels(page, selector: str = ".tf-travel") -> np.ndarray:
    settle(page)
    return np.array(page.locator(selector).first.evaluate(PIXELS))


def test_pictures_go_on_without_a_network_and_equal_the_servers(visit):
    page = visit("?b=digits&c=2&x=5&y=0")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def at(place: str) -> tuple[np.ndarray, np.ndarray]:
        page.evaluate(f"Twofold.set({{ {place} }})")
        page.wait_for_timeout(300)  # the children follow a little later
        return pixels(page), pixels(page, ".tf-children canvas")

    by_server = [at(place) for place in PLACES]
    switch = page.get_by_role("switch", name="On my device")
    assert switch.is_enabled()
    switch.check()
    page.wait_for_function("Twofold.onDevice")
    assert page.locator(".tf-processor").inner_text() == "This device"
    told = page.locator(".tf-device-speed")
    told.get_by_text("No graphics card is available").wait_for()
    assert re.match(r"On your processor \(WebAssembly\): \d+(\.\d)? ms per picture\.", told.inner_text())
    assert page.get_by_role("radiogroup", name="What draws on this device").count() == 0  # one way, so no choice
    assert not [url for url in asked if re.search("ort-(jspi|asyncify)|[.](jspi|asyncify)[.]wasm", url)]
    page.context.set_offline(True)
    asked.clear()
    for place, server in zip(PLACES, by_server, strict=True):
        for here, there in zip(at(place), server, strict=True):
            assert np.abs(here - there).max() <= 1, place
    shown = page.evaluate("Twofold.stats.shown")
    drag(page, ".tf-travel", (0.5, 0.5), (0.9, 0.6), (0.3, 0.9))
    settle(page)
    assert page.evaluate("Twofold.stats.shown") > shown
    assert not [url for url in asked if "/live/" in url]
    page.context.set_offline(False)
    page.reload()
    page.wait_for_function("window.Twofold?.onDevice")  # what a visitor has switched on is on again
    switch.uncheck()
    assert page.locator(".tf-processor").inner_text() == "CPU"
    page.reload()
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    assert not switch.is_checked() and not page.evaluate("Twofold.onDevice")


def test_without_onnxruntime_web_there_is_no_switch_and_about_says_how_to_get_it(visit):
    def without(route):
        answer = route.fetch()
        text = answer.text()
        assert '"install":""' in text
        route.fulfill(response=answer, body=text.replace('"install":""', '"install":"python -m demo.web"'))

    page = visit("?b=digits")
    assert page.get_by_role("switch", name="On my device").count() == 1
    page.route("**/facts.js", without)
    page.reload()
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    assert page.get_by_role("switch", name="On my device").count() == 0
    page.get_by_role("tab", name="About").click()
    page.get_by_text("To allow it, run this command on the server").wait_for()
    page.get_by_text("python -m demo.web", exact=True).wait_for()


def test_bundles_that_come_or_are_made_anew_are_drawn_as_they_are_now(visit):
    page = visit("?b=plain&m=gan&x=5&y=0")
    by_server = pixels(page)
    page.evaluate("Twofold.set({ b: 'digits', c: 3 })")
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")
    settle(page)
    for name, version in (("later", "1"), ("digits", "1"), ("digits", "2"), ("digits", "3")):
        anew = "([name, version]) => Twofold.takeBundle({ ...Twofold.bundle('plain'), name, version })"
        page.evaluate(anew, [name, version])
        page.evaluate("b => [6, 5].forEach((x) => Twofold.set({ b, m: 'gan', x, y: 0 }))", name)
        assert np.abs(pixels(page) - by_server).max() <= 1, name
        assert page.evaluate("Twofold.onDevice"), (name, version)


def test_a_worker_that_does_not_load_is_said_and_started_anew(visit):
    page = visit("?b=digits&x=5&y=0", refused="worker.js")
    page.route("**/worker.js*", lambda route: route.fulfill(status=503))
    switch = page.get_by_role("switch", name="On my device")
    for _ in range(2):
        switch.check()
        page.get_by_text("The models could not be started. Check the connection").wait_for()
        assert not switch.is_checked()
        page.evaluate("document.querySelector('.tf-device .tf-quiet').textContent = ''")
    page.unroute("**/worker.js*")
    switch.check()
    page.wait_for_function("Twofold.onDevice")


def test_a_damaged_model_is_not_used_and_the_server_draws_on(visit):
    page = visit("?b=digits&c=2&x=5&y=0")
    before = pixels(page)
    page.route("**/device/**/digits.bin*", lambda route: route.fulfill(body=b"\0" * 8))
    switch = page.get_by_role("switch", name="On my device")
    switch.check()
    page.get_by_text("checksum is wrong").wait_for()
    assert not switch.is_checked() and not page.evaluate("Twofold.onDevice")
    page.evaluate("Twofold.set({ x: 6 })")
    assert (pixels(page) != before).any()
