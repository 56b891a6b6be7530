"""The picture alone, as large as the screen, and the second window for a projector."""

import pytest

from benchmarks.browser import drag
from tests.browser.test_page import settle

PIXELS = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"


def box(page) -> dict:
    return page.locator(".tf-travel").bounding_box()


@pytest.mark.parametrize("width, height", [(390, 844), (1440, 900)])
def test_the_picture_fills_the_screen_and_the_buttons_fade(visit, width: int, height: int):
    page = visit("?b=digits&x=3&y=0", viewport={"width": width, "height": height})
    before = box(page)
    page.locator(".tf-travel").focus()
    page.keyboard.press("s")
    page.wait_for_function("document.fullscreenElement?.classList.contains('tf-full')")
    window = page.evaluate("[innerWidth, innerHeight]")
    full = box(page)
    assert full["width"] == pytest.approx(min(window), abs=1) and full["height"] == pytest.approx(min(window), abs=1)
    controls = page.locator(".tf-full-controls")
    assert controls.get_by_role("button", name="New random").is_visible()
    page.wait_for_function("document.querySelector('.tf-full').classList.contains('tf-asleep')")
    page.wait_for_function("getComputedStyle(document.querySelector('.tf-full-controls')).opacity === '0'")
    place = page.evaluate("Twofold.state.x")
    drag(page, ".tf-travel", (0.5, 0.5), (0.7, 0.6))  # the picture is still one's to drag
    settle(page)
    assert page.evaluate("Twofold.state.x") != place
    page.wait_for_function("getComputedStyle(document.querySelector('.tf-full-controls')).opacity !== '0'")
    controls.get_by_role("button", name="Leave").click()
    page.wait_for_function("!document.fullscreenElement")
    assert box(page) == before and not controls.is_visible()


def test_a_double_click_does_it_and_escape_leaves_where_no_full_screen_is_allowed(visit):
    page = visit("?b=digits")
    page.evaluate("void (HTMLElement.prototype.requestFullscreen = () => Promise.reject(new Error('not here')))")
    page.locator(".tf-travel").dblclick()
    page.wait_for_selector(".tf-frame.tf-full")
    assert box(page)["height"] == pytest.approx(page.evaluate("Math.min(innerWidth, innerHeight)"), abs=1)
    page.keyboard.press("Escape")
    page.wait_for_selector(".tf-frame:not(.tf-full)")


def test_the_second_window_shows_the_same_picture(visit):
    page = visit("?b=digits")
    page.locator(".tf-travel").dblclick()
    second = page.get_by_role("button", name="Second window")
    with page.context.expect_page() as opening:
        second.click()
    other = opening.value
    drag(page, ".tf-travel", (0.3, 0.3), (0.8, 0.6))
    settle(page)
    shown = page.locator(".tf-travel").evaluate(PIXELS)
    assert other.locator("canvas").evaluate(PIXELS) == shown and len(set(shown)) > 2
    rendering = "c => c.style.imageRendering"
    assert other.locator("canvas").evaluate(rendering) == "auto"
    page.locator(".tf-check", has_text="Pixels").locator("input").dispatch_event("click")
    assert other.locator("canvas").evaluate(rendering) == "pixelated"
    if not page.locator(".tf-frame.tf-full").count():  # some browsers leave the full screen when a window opens
        page.locator(".tf-travel").dblclick()
    second.click()
    page.wait_for_timeout(100)
    assert other.is_closed() and second.get_attribute("aria-pressed") == "false"
    with page.context.expect_page() as opening:
        second.click()
    page.wait_for_timeout(100)
    assert page.locator(".tf-full-controls [aria-pressed=true]").count() == 1
    opening.value.evaluate("void setTimeout(() => close())")
    page.locator(".tf-full-controls [aria-pressed=false]").wait_for(state="attached")
    if not page.locator(".tf-frame.tf-full").count():
        page.locator(".tf-travel").dblclick()
    page.evaluate("void (window.open = () => null)")
    second.click()
    page.get_by_text("The browser blocked the second window").first.wait_for()
