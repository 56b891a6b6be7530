"""Bending a stage in a real Chromium: chooser, sliders, resets, the link, Morph; the same picture on the device."""

import pytest

from bundle import on_device
from demo.routes import device
from tests.browser.test_device import pixels as bytes_of
from tests.browser.test_page import settle, still, tab, wait_for_change

PLACE = "?b=digits&m=gan&x=5&y=0"
SIZES = [{"width": 1440, "height": 900}, {"width": 390, "height": 844}]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_stages_sliders_resets_and_the_link(visit, size: dict[str, int]):
    page = visit(PLACE, viewport=size)
    plain = still(page)
    fold = page.locator(".tf-bend-fold")
    fold.locator("summary").click()
    stages = fold.get_by_role("radiogroup", name="Stage that is bent, from coarse to fine")
    assert stages.get_by_role("radio").count() == 4
    fold.get_by_role("slider", name="Scale").fill("2.5")
    scaled = wait_for_change(page, ".tf-travel", plain)
    stages.get_by_role("radio").nth(2).check(force=True)
    assert "Stage 3 (16 px) of 4, in between" in fold.inner_text()
    assert fold.get_by_role("slider", name="Scale").input_value() == "1"
    fold.get_by_role("slider", name="Rotate").fill("90")
    both = wait_for_change(page, ".tf-travel", scaled)
    assert page.evaluate("Twofold.state.bend") == "1.scale:2.5,3.rotate:90"
    page.wait_for_function("location.search.includes('bend=1.scale%3A2.5%2C3.rotate%3A90')")
    assert "stage 1: Scale × 2.50 · stage 3: Rotate +90°" in page.locator(".tf-caption").first.inner_text()
    fold.get_by_role("button", name="Other directions").click()
    wait_for_change(page, ".tf-travel", both)
    page.evaluate("Twofold.undo()")
    link = page.evaluate("Twofold.link()")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    again = visit(link[link.index("?") :], viewport=size)
    assert still(again) == both
    fold = again.locator(".tf-bend-fold")
    fold.locator("summary").click()
    fold.get_by_role("button", name="Reset this stage").click()
    assert again.evaluate("Twofold.state.bend") == "3.rotate:90"
    fold.get_by_role("button", name="Reset all stages").click()
    wait_for_change(again, ".tf-travel", both)
    assert still(again) == plain


def test_what_bends_is_a_parameter_and_stacks_with_attributes_and_morphs(visit):
    page = visit("?b=plain&m=gan&x=5&attributes=bright:1.5&t=0.8")
    before = still(page)
    names = page.evaluate("Twofold.parameters.all().map((one) => one.name).filter((name) => name.startsWith('bend.'))")
    assert len(names) == 16 and names[0] == "bend.1.scale"
    page.evaluate("Twofold.parameters.move('bend.2.shift', 1.25)")
    wait_for_change(page, ".tf-travel", before)
    assert page.evaluate("[Twofold.state.bend, Twofold.state.attributes]") == ["2.shift:1.25", "bright:1.5"]
    assert page.evaluate("Twofold.parameters.find('bend.2.shift').get()") == 1.25
    tab(page, "Morph")
    settle(page)
    with page.expect_request(lambda request: "/morph?" in request.url and "bend=2.shift%3A1.25" in request.url):
        page.get_by_role("slider", name="Position").fill("0.5")
    tab(page, "Play")
    page.evaluate("Twofold.set({ m: 'vae' })")
    settle(page)
    assert page.evaluate("Twofold.state.bend") == ""
    assert page.locator(".tf-bend-fold").is_hidden()
    assert page.evaluate("Twofold.parameters.find('bend.2.shift') === undefined")


@pytest.mark.parametrize("odd", ["0.scale:2,99.noise:1,1.size:3", "nonsense", "1.scale:abc,,:", "1.scale:1,seed:7"])
def test_an_address_that_bends_nothing_draws_as_it_would(visit, odd: str):
    page = visit(f"{PLACE}&bend={odd}")
    assert page.evaluate("Twofold.state.bend") == ""


def test_the_device_draws_the_same(visit):
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    page = visit("?b=digits&m=gan&x=2.25&y=1.5&t=0.8&bend=1.rotate:-70,2.scale:1.5,3.shift:-1,4.noise:0.5,seed:2")
    there = bytes_of(page)
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")
    assert abs(bytes_of(page) - there).max() <= 1
