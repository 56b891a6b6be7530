"""The static page draws the pictures of the demo, in every tab; it fits its screen and speaks Chinese."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import drag
from bundle import paths
from bundle.latents import one_hot
from bundle.marks import xmp
from bundle.marks.verify import finding
from tests.browser.conftest import NARROW, WIDE
from tests.support.page_faults import NAMELESS, OUTSIDE, PALE
from tests.support.static_visit import close, picture, pictures, settle, tab, wait_for_script

Page = Any  # playwright's, which need not be installed
TABS = ("Play", "Samples", "Morph", "About")


@pytest.mark.parametrize(
    ("name", "model"), [("mnist", "gan"), ("mnist", "vae"), ("plain", "vae"), ("foreign", "gan"), ("single", "gan")]
)
def test_seeds_places_and_morphs_are_what_onnxruntime_draws(show, models, name: str, model: str):
    served, classes = models[name], models[name].class_count
    page = show(b=name, m=model, c=4, t=0.9, x=5.3, y=-2.6)
    assert close(
        picture(page, ".tf-travel"), served.at(5.3, -2.6, one_hot(4, classes) if classes else None, 0.9, model)
    )

    tab(page, "Samples")
    settle(page)
    sheet = page.get_by_role("group", name="40 pictures, seeds 0 to 39")
    assert sheet.get_by_role("button").count() == 40
    expected = served.sample(range(40), truncation=0.9, model=model)
    for i, found in enumerate(pictures(page, ".tf-samples canvas")):
        assert close(found, expected[i : i + 1]), f"seed {i}"

    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("4294967295,7.25:0.5,8")
    page.get_by_text("Seed 4294967295").wait_for()
    keys = np.eye(classes, dtype=np.float32)[[seed % classes for seed in (4294967295, 7, 8)]] if classes else None
    for mode, place in (("Linear", 0.4), ("Spherical", 0.15), ("Spline", 0.75)):
        page.get_by_role("radio", name=mode).check()
        page.get_by_label("Position").fill(str(place))
        settle(page)
        share = np.array([place])
        frame = served.morph_at([4294967295, (7.25, 0.5), 8], share, keys, mode.lower(), True, 0.9, model)
        assert close(picture(page, ".tf-morph .tf-viewer canvas"), frame), mode


def test_dragging_keys_and_the_bar_change_the_picture(show, models):
    page, served = show(b="mnist", c=2, x=5), models["mnist"]
    before, shown = picture(page, ".tf-travel"), page.evaluate("Twofold.stats.shown")
    drag(page, ".tf-travel", (0.5, 0.5), (0.9, 0.6), (0.3, 0.9))
    settle(page)
    assert page.evaluate("Twofold.stats.shown") >= shown + 4  # on the way, not only the last
    x, y = page.evaluate("[Twofold.state.x, Twofold.state.y]")
    assert (x, y) != (5, 0)
    after = picture(page, ".tf-travel")
    assert close(after, served.at(x, y, one_hot(2, 10))) and not (after == before).all()
    page.keyboard.press("z")
    settle(page)
    assert (picture(page, ".tf-travel") == before).all()

    page.get_by_role("radiogroup", name="Class").get_by_role("radio", name="3").check()
    page.get_by_label("Truncation").fill("0.4")
    settle(page)
    assert close(picture(page, ".tf-travel"), served.at(5, 0, one_hot(3, 10), 0.4))
    page.get_by_role("radio", name="VAE").check()
    settle(page)
    assert close(picture(page, ".tf-travel"), served.at(5, 0, one_hot(3, 10), 0.4, "vae"))
    page.get_by_role("tab", name="Play").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Previous").click()
    assert page.get_by_role("tab", name="Samples").get_attribute("aria-selected") == "true"
    settle(page)
    page.locator(".tf-samples button").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("[Twofold.state.x, Twofold.state.c]") == [11, 1]
    assert page.evaluate("document.activeElement.className").endswith("tf-travel")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Twofold.state.x") == 11.1


def test_another_bundle_is_loaded_when_it_is_chosen(browser, site, models):
    """Only then: a phone should not pay for what nobody looks at. Offline it says so, and draws once it can."""
    context = browser.new_context(viewport=WIDE, service_workers="block")
    page = context.new_page()
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(site)
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    assert not any("bundles/plain" in url for url in asked)
    context.set_offline(True)
    page.get_by_label("Pictures (bundle)").select_option("plain")
    page.get_by_role("alert").filter(has_text="could not be loaded").wait_for()
    context.set_offline(False)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New random").click()
    wait_for_script(page, "document.querySelector('.tf-error').hidden")
    settle(page)
    x = page.evaluate("Twofold.state.x")
    assert close(picture(page, ".tf-travel"), models["plain"].at(x, 0))
    context.close()


def test_the_morph_leaves_as_a_strip(show, models):
    page = show(b="plain")
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("2,9")
    page.get_by_text("Seed 9").wait_for()
    page.get_by_role("radio", name="Spherical").check()
    page.get_by_label("Frames of a strip").fill("13")
    assert page.get_by_role("button", name=re.compile("^Export")).all_inner_texts() == ["Export PNG strip"]
    page.get_by_role("button", name="Export PNG strip").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download plain-morph-2-9.png").click()
    strip = np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)
    assert strip.shape == (2 * 256, 10 * 256, 3)
    frames = strip[::8, ::8].reshape(2, 32, 10, 32, 3).transpose(0, 2, 1, 3, 4).reshape(20, 32, 32, 3)
    expected = models["plain"].morph_at([2, 9], paths.path_shares(13, True), loop=True)
    for i in range(13):
        assert close(frames[i], expected[i : i + 1])


def test_a_strip_is_of_what_was_asked_for(show, models):
    """Whatever the page shows before it is done."""
    page = show(b="plain")
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("2,9")
    page.get_by_text("Seed 9").wait_for()
    page.get_by_label("Frames of a strip").fill("12")
    page.evaluate(
        """() => {
            const before = (window.before = Twofold.exportMorph);
            Twofold.exportMorph = (...given) => {
                Twofold.set({ b: "mnist", m: "vae" });
                return before(...given);
            };
        }"""
    )
    page.get_by_role("button", name="Export PNG strip").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download plain-morph-2-9.png").click()
    page.evaluate("() => { Twofold.exportMorph = window.before; }")
    data = Path(download.value.path()).read_bytes()
    assert finding(data, xmp.read(data), models["plain"]).again == "same"


def test_a_sheet_is_saved_once_it_is_whole_and_its_mark_tells_the_mix(show, models):
    page = show(b="mnist", c=3, mix="3:0.75,5:0.25", t=0.8)
    tab(page, "Samples")
    settle(page)
    save = page.locator("button:visible", has_text="Save PNG")
    page.get_by_label("Every class in turn").uncheck()
    assert save.is_disabled()  # some of its tiles are of before
    settle(page)
    with page.expect_download() as download:
        save.click()
    page.get_by_label("Every class in turn").check()
    data = Path(download.value.path()).read_bytes()
    reading = xmp.read(data)
    assert reading.mark.state["c"] == {"3": 0.75, "5": 0.25}
    assert finding(data, reading, models["mnist"]).again == "same"


def test_every_tab_fits_its_screen_and_can_be_read(show):
    page = show(b="mnist")
    assert not page.locator("#tf-loading").is_visible()
    for size, scheme in itertools.product((WIDE, NARROW), ("light", "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        wait_for_script(
            page, f"Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) {GROUNDS[scheme]}"
        )
        for name in TABS:
            tab(page, name)
            settle(page)
            where = (name, size["width"], scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"], where
            assert page.evaluate(OUTSIDE, size["width"]) == [], where
            assert page.evaluate(NAMELESS) == [], where
            assert page.evaluate(PALE) == [], where


GROUNDS = {"light": "> 200", "dark": "< 50"}  # how red the page's ground is


def test_it_speaks_chinese_and_returns(browser, site):
    page = browser.new_page(viewport=NARROW, service_workers="block")
    page.goto(site + "?b=plain&x=7&y=0&lang=zh-CN")
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    assert page.evaluate("Twofold.tabs().map((tab) => tab.textContent)") == ["玩一玩", "样本", "变形", "关于"]
    assert page.locator(".tf-morph button[aria-pressed]").first.text_content() == "播放"
    tab(page, "关于")
    page.get_by_role("heading", name="关于此页面").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="This page").wait_for()
    assert page.evaluate("[document.documentElement.lang, Twofold.state.x]") == ["en", 7]
    page.close()
