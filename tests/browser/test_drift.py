"""A drift in a loop, in Chromium: it is kept, saved and opened in Morph as it is seen."""

from pathlib import Path

import httpx
import pytest

from bundle.marks import xmp
from tests.browser.test_morph import VIEWER, keys
from tests.browser.test_page import still, wait_for_change


def test_a_drift_comes_back_and_leaves_as_a_film(visit):
    page = visit("?b=digits&m=gan&x=5&y=0")
    canvas = ".tf-travel"
    start = still(page, canvas)
    page.get_by_label("Drift in a loop").check()
    page.get_by_label("Seconds of the loop").fill("2")
    page.get_by_role("button", name="Drift").click()
    wait_for_change(page, canvas, start)
    page.wait_for_function("Twofold.link().includes('drift=0.6%3A2')")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    mark = xmp.read(Path(download.value.path()).read_bytes()).mark
    assert mark and mark.state and mark.state["draw"] == "morph" and mark.state["loop"] and len(mark.state["keys"]) == 8
    keep = page.locator(".tf-viewer").get_by_role("button", name="Keep")
    for n in (1, 2):  # each where the loop is by then
        keep.click()
        page.wait_for_function(f"Twofold.favourites().length === {n}")
        page.wait_for_timeout(100)
    kept = page.evaluate("Twofold.favourites().map(({ x, y }) => Math.hypot(x - 5.6, y))")
    assert kept == pytest.approx([0.6, 0.6], abs=1e-3) and page.evaluate("Twofold.favourites()[0].x !== 5")
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("Math.abs(Twofold.state.x - 5.6) <= 0.61 && Math.abs(Twofold.state.y) <= 0.61")
    page.evaluate("Twofold.set({ x: 5, y: 0 })")
    page.get_by_label("Seconds of the loop").fill("1")
    page.get_by_role("alert").filter(has_text="A loop is 2 to 600 seconds long.").wait_for()
    page.get_by_role("button", name="Open in Morph").first.click()
    page.locator(".tf-keyframe").nth(7).wait_for()
    assert keys(page).startswith("5,") and still(page, VIEWER) == start


def test_a_drift_in_a_loop_begins_with_the_picture_it_leaves_and_is_saved_as_drawn(visit, address: str):
    """What bends it bends the loop, too: a saved frame is what its mark says."""
    page = visit("?b=digits&m=gan&x=5&y=0&bend=2.scale:3&drift=0.6:600")
    still(page, ".tf-travel")
    page.evaluate("Twofold.stats.shown = 0")
    page.get_by_role("button", name="Drift").click()
    page.wait_for_function("Twofold.stats.shown > 0")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    page.get_by_role("button", name="Stop").click()
    data = Path(download.value.path()).read_bytes()
    found = httpx.post(f"{address}verify", content=data).raise_for_status().json()
    assert (found["mark"]["state"]["draw"], found["again"]) == ("morph", "same"), found["sentences"]
