"""The page in a real Chromium, as a visitor meets it: every tab, narrow and wide, with mouse and finger."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

from benchmarks.browser import drag
from tests.browser.conftest import NARROW
from tests.support import tiny

Page = Any  # playwright's, which need not be installed

TABS = ("Play", "Morph", "Rebuild", "Explore", "Compare", "API", "About")
PIXELS = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).join()"


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def pixels(page: Page, selector: str) -> str:
    return page.locator(selector).first.evaluate(PIXELS)


def wait_for_change(page: Page, selector: str, before: str) -> str:
    page.wait_for_function(f"([s, b]) => ({PIXELS})(document.querySelector(s)) !== b", arg=[selector, before])
    return pixels(page, selector)


def still(page: Page, selector: str = ".tf-travel") -> str:
    """The picture once nothing is in flight any more."""
    settle(page)
    return pixels(page, selector)


def settle(page: Page) -> None:
    """Two frames, in which the page asks for what it still wants, and then every answer."""
    two_frames = "window.asked = false; requestAnimationFrame(() => requestAnimationFrame(() => window.asked = true))"
    page.evaluate(f"() => {{ {two_frames} }}")
    page.wait_for_function("window.asked && Twofold.stats.inFlight === 0")


def test_names_words_sheet_figures_and_the_bar(visit):
    page = visit()
    the_sheet_is_there_without_any_inference(page)
    controls_have_names_and_pictures_have_words(page)
    about_tells_figures_and_what_is_missing(page)
    the_bar_tells_who_computes_and_how_long_it_took(page)


def controls_have_names_and_pictures_have_words(page: Page) -> None:
    for name in TABS:
        tab(page, name)
        page.locator(".tf-card:visible").first.wait_for()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('.tf-widget :is(button, input, select, canvas[role])')]
                .filter((e) => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent.trim()
                    || e.closest('label')?.textContent.trim())).map((e) => e.outerHTML)"""
        )
        assert nameless == [], name
        assert page.locator(".tf-widget img:not([alt])").count() == 0


def test_a_phone_shows_what_matters_without_scrolling_and_the_squares_are_remembered(visit):
    page = visit("?b=digits", viewport=NARROW)
    places = [page.locator(".tf-travel"), page.locator(".tf-chips")]
    places += [page.get_by_role("button", name=name) for name in ("New random", "Keep")]
    for place in places:
        box = place.first.bounding_box()
        assert box["y"] + box["height"] <= NARROW["height"], place
    rendering = "() => getComputedStyle(document.querySelector('.tf-travel')).imageRendering"
    assert page.evaluate(rendering) == "auto"
    page.get_by_label("Pixels").check()
    assert page.evaluate(rendering) == "pixelated"
    page.reload()
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    assert page.evaluate(rendering) == "pixelated" and page.get_by_label("Pixels").is_checked()


def test_dragging_keys_buttons_children_and_sheet_choose_pictures(visit):
    page = visit("?b=digits&c=2&x=5&y=0")
    dragging_travels_and_undo_returns(page)
    page.evaluate("Twofold.set({ x: 5, y: 0, c: 0 })")
    keys_buttons_children_and_sheet_choose_pictures(page)


def dragging_travels_and_undo_returns(page: Page) -> None:
    start = still(page)
    shown = page.evaluate("Twofold.stats.shown")
    drag(page, ".tf-travel", (0.5, 0.5), (0.9, 0.6), (0.3, 0.9))
    page.wait_for_function("shown => Twofold.stats.shown - shown >= 4", arg=shown)  # on the way, not only the last
    assert still(page) != start
    assert page.evaluate("[Twofold.state.x, Twofold.state.y]") != [5, 0]
    page.keyboard.press("z")
    assert still(page) == start


def test_a_seed_in_the_address_has_its_own_class_unless_one_is_named(visit):
    assert visit("?b=digits&x=17&y=0").evaluate("Twofold.state.c") == 7
    assert visit("?b=digits&x=17&y=0&c=2").evaluate("Twofold.state.c") == 2
    assert visit("?b=digits&x=17&y=0&c=3:1").evaluate("[Twofold.state.c, Twofold.state.mix]") == [3, ""]


def test_fingers_and_wheel(visit):
    page = visit("?b=digits&x=5&y=0", viewport=NARROW, has_touch=True)
    a_finger_can_drag_without_scrolling_the_page(page)
    page.evaluate("Twofold.set({ x: 5, y: 0 })")
    wheel_and_fingers_change_the_step_and_ancestors_lead_back(page)


def a_finger_can_drag_without_scrolling_the_page(page: Page) -> None:
    page.locator(".tf-travel").scroll_into_view_if_needed()
    box = page.locator(".tf-travel").bounding_box()
    hand = page.context.new_cdp_session(page)
    top = page.evaluate("scrollY")
    for kind, y in (("touchStart", 250), ("touchMove", 200), ("touchMove", 120), ("touchMove", 60), ("touchEnd", None)):
        points = [] if y is None else [{"x": box["x"] + 150, "y": box["y"] + y}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function("Twofold.state.y < -0.2")
    assert page.evaluate("scrollY") == top


def keys_buttons_children_and_sheet_choose_pictures(page: Page) -> None:
    state = "[Twofold.state.x, Twofold.state.y, Twofold.state.c]"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(state) == [5.1, 0, 0]
    page.keyboard.press(" ")
    random = page.evaluate(state)
    assert random != [5.1, 0, 0] and random[1] == 0
    page.get_by_role("button", name="Child 1 of 8").click()
    x, y, _ = page.evaluate(state)
    assert (x - random[0]) ** 2 + y**2 == pytest.approx(0.35**2, abs=1e-3)
    page.get_by_role("button", name="Seed 13 · class 3").click()
    assert page.evaluate(state) == [13, 0, 3]
    page.get_by_label("Go to seed").fill("4711")
    page.get_by_role("button", name="Go", exact=True).click()
    assert page.evaluate(state) == [4711, 0, 3]
    page.keyboard.press(" ")  # the focus is on "Go": the key belongs to the button
    assert page.evaluate(state) == [4711, 0, 3]


def the_sheet_is_there_without_any_inference(page: Page) -> None:
    tile = page.get_by_role("button", name="Seed 0 · class 0")
    assert "bundles/digits/sheet.png" in tile.evaluate("e => getComputedStyle(e).backgroundImage")
    assert page.get_by_role("group", name="24 sample pictures").get_by_role("button").count() == 24


def test_favourites_stay_in_this_browser(visit):
    page = visit("?b=digits&c=4&x=9&y=0")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Show favourite: Seed 9 · class 4").wait_for()
    page.get_by_role("button", name="New random").click()
    page.reload()
    page.get_by_role("button", name="Show favourite: Seed 9 · class 4").click()
    assert page.evaluate("[Twofold.state.x, Twofold.state.c]") == [9, 4]
    page.get_by_role("button", name="Remove favourite").click()
    assert page.get_by_role("button", name="Show favourite").count() == 0


def test_a_link_restores_the_picture(visit):
    page = visit()
    page.get_by_role("radio", name="VAE").check()
    page.get_by_role("radiogroup", name="Class").get_by_role("radio", name="3").check()
    page.get_by_label("Temperature").fill("0.6")
    drag(page, ".tf-travel", (0.2, 0.2), (0.7, 0.5))
    picture = still(page)
    page.get_by_role("button", name="Copy link").click()
    link = urlparse(page.evaluate("location.href"))
    query = parse_qs(link.query)
    assert {key: query[key] for key in "bmct"} == {"b": ["digits"], "m": ["vae"], "c": ["3"], "t": ["0.6"]}
    again = visit("?" + link.query)
    assert still(again) == picture
    assert again.get_by_role("radio", name="VAE").is_checked()


def the_bar_tells_who_computes_and_how_long_it_took(page: Page) -> None:
    status = page.locator(".tf-status")
    page.wait_for_function("/ms model · \\d+ ms total/.test(document.querySelector('.tf-clock').textContent)")
    status.locator("summary").click()
    assert "CPU" in status.locator("p").inner_text()
    page.get_by_label("Pictures (bundle)").select_option("plain")
    page.wait_for_function("Twofold.state.b === 'plain' && Twofold.state.c === null")
    tab(page, "Play")
    page.locator(".tf-travel").wait_for()
    assert not page.locator(".tf-classes").is_visible()
    assert page.get_by_label("Pictures (bundle)").locator("option", has_text="torn (unavailable)").is_disabled()


def test_morph_scrubs_plays_and_exports(visit):
    page = visit("?b=digits")
    tab(page, "Morph")
    keyframes_of_seeds_beyond_the_plane_show_what_the_morph_shows(page)
    page.get_by_label("Seeds of the keyframes").fill("0,1,4-6")
    page.get_by_text("Seed 6").wait_for()
    viewer = ".tf-morph .tf-viewer canvas"
    start = still(page, viewer)
    page.get_by_label("Position").fill("0.5")
    middle = wait_for_change(page, viewer, start)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for_change(page, viewer, middle)
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Frames of a strip").fill("14")
    page.get_by_label("Length in seconds").fill("2")
    page.get_by_role("radio", name="24").check()
    for name, ending in (("WebP", "webp"), ("GIF", "gif"), ("film strip", "png"), ("ZIP", "zip")):
        page.get_by_role("button", name=f"Export {name}").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download digits-morph-0-1-4-5-6.{ending}").click()
        assert Path(download.value.path()).stat().st_size > 500
    less_motion_is_respected(page)
    page.get_by_label("Seeds of the keyframes").fill("7")
    page.get_by_role("alert").filter(has_text="Use at least 2 keyframes").wait_for()


def keyframes_of_seeds_beyond_the_plane_show_what_the_morph_shows(page: Page) -> None:
    page.get_by_label("Seeds of the keyframes").fill("4294967295,3")
    page.get_by_text("Seed 4294967295").wait_for()
    viewer, thumbnail = (
        np.array(still(page, selector).split(","), int)
        for selector in (".tf-morph .tf-viewer canvas", ".tf-keyframes canvas")
    )
    assert np.abs(viewer - thumbnail).max() <= 1


def less_motion_is_respected(page: Page) -> None:
    page.get_by_role("button", name="Export WebP").click()
    page.locator(".tf-export img").wait_for()
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Export WebP").click()
    page.get_by_text("set to reduce motion").wait_for()
    assert page.locator(".tf-export img").count() == 0


def test_nobody_waits_for_ever_when_the_queue_is_full(visit):
    page = visit("?b=digits")
    for address in ("**/morph/*", "**/rebuild/*"):  # never answered
        page.route(address, lambda route: None)
    page.clock.install()
    tab(page, "Morph")
    export = page.get_by_role("button", name="Export GIF")
    export.click()
    assert export.is_disabled()
    page.clock.fast_forward(29_000)
    assert export.is_disabled()
    page.clock.fast_forward(2_000)
    page.get_by_role("alert").filter(has_text="The server is busy; try again.").wait_for()
    assert export.is_enabled()
    tab(page, "Rebuild")
    page.locator(".tf-busy").wait_for()
    page.clock.fast_forward(31_000)
    page.get_by_role("alert").filter(has_text="The server is busy; try again.").wait_for()
    assert page.locator(".tf-busy").count() == 0


def test_a_finished_export_stays(visit):
    page = visit("?b=digits")
    tab(page, "Morph")
    page.clock.install()
    page.get_by_label("Frames of a strip").fill("4")
    page.get_by_role("button", name="Export film strip").click()
    page.locator(".tf-export img").wait_for()
    page.clock.fast_forward(60_000)
    assert page.locator(".tf-export img").is_visible() and not page.get_by_text("The server is busy").is_visible()


def test_what_may_be_cached_has_the_version_in_its_address(visit):
    page = visit("?b=digits")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    for name in TABS[:3]:
        tab(page, name)
        settle(page)
    page.get_by_role("button", name="Held-out picture 1", exact=True).wait_for()
    version = page.evaluate("Twofold.bundle().version")
    of_bundle = [url for url in asked if "/live/" in url or "/bundles/" in url]
    assert {urlparse(url).path.split("/")[-1] for url in of_bundle} >= {"digits", "morph", "sheet.png", "0.png"}
    assert {tuple(parse_qs(urlparse(url).query)["v"]) for url in of_bundle} == {(version,)}


def test_a_picture_that_was_drawn_before_comes_from_the_browsers_cache(visit):
    page = visit("?b=digits&x=5&y=0")
    before, answers = still(page), []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.responseReceived", lambda event: answers.append(event["response"]))

    def came(x: str) -> list[bool]:
        """For each picture at this x, the canvas and those of the family: whether it came over the network."""
        places = [(parse_qs(urlparse(one["url"]).query).get("x"), not one["fromDiskCache"]) for one in answers]
        return [by_network for place, by_network in places if place == [x]]

    page.evaluate("Twofold.set({ x: 6.5 }, { undo: true })")
    wait_for_change(page, ".tf-travel", before)
    settle(page)
    assert any(came("6.5"))
    page.evaluate("void Twofold.undo()")
    assert still(page) == before
    settle(page)
    assert came("5") and not any(came("5"))


def about_tells_figures_and_what_is_missing(page: Page) -> None:
    tab(page, "About")
    page.get_by_role("cell", name="Fréchet").or_(page.get_by_role("rowheader", name="Fréchet")).wait_for()
    page.get_by_text("torn is unavailable").wait_for()


def test_a_visitor_brings_a_generator(visit, tmp_path: Path):
    (tmp_path / "My blobs.onnx").write_bytes((tiny.build(tmp_path / "x", classes=0) / "generator.onnx").read_bytes())
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    page = visit()
    before = still(page)
    tab(page, "About")
    chosen = page.get_by_label("ONNX file of a generator")
    moved = """() => {
        window.readBlob = Blob.prototype.arrayBuffer;
        Blob.prototype.arrayBuffer = async () => { throw new DOMException("gone", "NotReadableError"); };
    }"""
    page.evaluate(moved)
    chosen.set_input_files(tmp_path / "torn.onnx")
    page.get_by_text("This file cannot be read: it may be a folder, or have been moved.").wait_for()
    page.evaluate("() => { Blob.prototype.arrayBuffer = window.readBlob; }")
    chosen.set_input_files(tmp_path / "My blobs.onnx")
    page.get_by_text("My blobs is ready: choose it under Pictures.").wait_for(timeout=60_000)
    tab(page, "Play")
    assert wait_for_change(page, ".tf-travel", before)
    chosen = page.get_by_label("Pictures (bundle)")
    assert chosen.evaluate("s => s.selectedOptions[0].textContent") == "My blobs"
    page.wait_for_function("location.search.includes('b=upload-')")  # the address follows a little later
    page.reload()  # the address leads back to it
    page.wait_for_function("window.Twofold?.state.b?.startsWith('upload-') && Twofold.stats.shown > 0")
    page.get_by_label("Pictures (bundle)").select_option("digits")
    settle(page)


def wheel_and_fingers_change_the_step_and_ancestors_lead_back(page: Page) -> None:
    picture = page.locator(".tf-travel")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    assert page.get_by_label("Step size").locator("..").locator("output").inner_text() == "× 2"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Twofold.state.x") == 5.2
    hand = page.context.new_cdp_session(page)
    for kind, reach in (("touchStart", 100), ("touchMove", 75), ("touchMove", 50), ("touchEnd", None)):
        points = [] if reach is None else [{"x": x - reach, "y": y, "id": 0}, {"x": x + reach, "y": y, "id": 1}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert page.get_by_label("Step size").locator("..").locator("output").inner_text() == "× 1"
    before = page.evaluate("Twofold.state")
    for child in ("Child 1 of 8", "Child 3 of 8"):
        page.get_by_role("button", name=child).click()
    trail = page.locator(".tf-trail button")
    assert trail.count() == 2
    trail.first.click()
    assert page.evaluate("Twofold.state") == before
    assert trail.count() == 0
