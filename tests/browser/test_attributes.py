"""Attributes in a real Chromium: sliders, the axis of the drag, the link, Explore; the same picture on the device."""

import pytest

from benchmarks.browser import drag
from bundle import on_device
from demo.routes import device
from tests.browser.test_device import pixels as bytes_of
from tests.browser.test_page import pixels, settle, still, tab, wait_for_change

PLACE = "?b=plain&m=gan&x=5&y=0"


def test_sliders_the_axis_and_the_link(visit):
    page = visit(PLACE)
    plain = still(page)
    page.locator(".tf-attribute-fold summary").click()
    slider = page.locator("#tf-play").get_by_role("slider", name="bright", exact=True)
    slider.fill("2")
    moved = wait_for_change(page, ".tf-travel", plain)
    page.wait_for_function("location.search.includes('attributes=bright%3A2')")
    assert "bright +2.00" in page.locator(".tf-caption").first.inner_text()
    children = still(page, ".tf-children canvas")
    page.get_by_role("combobox", name="A drag to the left and right moves").select_option("slanted, a lot")
    drag(page, ".tf-travel", (0.5, 0.5), (0.8, 0.5))
    wait_for_change(page, ".tf-travel", moved)
    state = page.evaluate("Twofold.state")
    assert state["x"] == 5 and "slanted%2C a lot:" in state["attributes"]
    page.wait_for_timeout(300)  # the children follow a little later
    assert still(page, ".tf-children canvas") != children
    link = page.evaluate("Twofold.link()")
    there = still(page)
    again = visit(link[link.index("?") :])
    assert still(again) == there
    assert again.evaluate("Twofold.state") == state
    assert again.locator(".tf-attribute-fold select").input_value() == "slanted, a lot"
    again.locator(".tf-attribute-fold summary").click()
    again.get_by_role("button", name="Reset attributes").first.click()
    wait_for_change(again, ".tf-travel", there)
    assert still(again) == plain


def test_the_focus_stays_where_rows_are_built_anew(visit):
    page = visit(PLACE)
    page.locator(".tf-attribute-fold summary").click()
    page.locator("#tf-play").get_by_role("slider", name="slanted, a lot", exact=True).focus()
    page.evaluate("Twofold.replaceBundle({ ...Twofold.bundle(), version: Twofold.bundle().version + '1' })")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "slanted, a lot"


def test_explore_about_and_rebuild_show_them(visit):
    page = visit(PLACE)
    tab(page, "Explore")
    page.locator(".tf-moves").scroll_into_view_if_needed()
    before = still(page, ".tf-moves-picture")
    slider = page.locator(".tf-moves").get_by_role("slider", name="bright", exact=True)
    told = page.locator(f"#{slider.get_attribute('aria-describedby')}")
    assert told.inner_text() == "moves bright by 1.4, others by 0.1"
    slider.focus()
    page.keyboard.press("End")
    wait_for_change(page, ".tf-moves-picture", before)
    assert page.evaluate("Twofold.state.attributes") == "bright:4"
    page.get_by_role("button", name="Back to zero").click()
    settle(page)
    assert pixels(page, ".tf-moves-picture") == before
    tab(page, "About")
    row = page.locator(".tf-about tr:has(th:text-is('bright'))")
    assert "1.4" in row.inner_text() and "correlation 0.9" in row.inner_text()
    tab(page, "Rebuild")
    page.get_by_text("Attributes that are read in the input").wait_for()


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_the_device_draws_the_same(visit, model: str):
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    page = visit(f"?b=plain&m={model}&x=2.25&y=1.5&t=0.8&attributes=bright:1.5,slanted%252C a lot:-2")
    assert page.evaluate("Twofold.state.attributes") == "bright:1.5,slanted%2C a lot:-2"
    there = bytes_of(page)
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")
    here = bytes_of(page)
    assert abs(here - there).max() <= 1


def test_names_are_shown_with_spaces_and_kept_in_addresses(visit):
    """Columns of tables have no spaces. A direction that a visitor has named is shown as it was named."""
    page = visit("?b=plain&m=gan")
    shown = page.evaluate(
        """() => {
            const T = window.Twofold;
            T.bundle().attributes[0].name = "clothes_red";
            const box = T.attributeSliders(true);
            document.body.append(box);
            box.refresh();
            const moves = T.describeMoves({ attributes: "clothes_red:1.5,round_face:2*abc" });
            return [box.innerText, moves, T.moveParameter("clothes_red")];
        }"""
    )
    assert "clothes red" in shown[0] and "clothes_red" not in shown[0]
    assert shown[1:] == ["clothes red +1.50 · round_face +2.00", "attribute.clothes_red"]
