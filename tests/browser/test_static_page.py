"""`export web` in a real Chromium, from a plain file server: the pictures that the demo draws, and no other request."""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import drag
from bundle import images, paths
from bundle.adopt import About, adopt
from bundle.generator_inputs import Given
from bundle.latents import class_weights, one_hot
from bundle.marks import TRAINED, Mark, MorphFrame, Point, formats, of_sheet, trained, xmp
from bundle.marks.verify import finding
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.browser.conftest import WIDE, at_home
from tests.browser.test_marks import drop
from tests.support import foreign, generators, tiny
from tests.support.page_faults import NAMELESS, OUTSIDE, PALE
from tests.support.static_site import hosted, written
from tests.support.static_visit import close, picture, pictures, settle, tab, until

Page = Any  # playwright's, which need not be installed
RELEASED = Path(__file__).resolve().parents[2] / "artifacts" / "mnist"
NARROW = {"width": 390, "height": 844}
NO_CARD = "No available adapters."  # Chromium's own words, whenever a page asks for WebGPU in vain
NO_WORKER = "Service Worker registration blocked by Playwright"  # what keeps the page: test_static_offline.py
TABS = ("Play", "Samples", "Morph", "About")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released bundle (convolutions, ten classes, grey), a tiny one (no classes, colour), and two generators from
    elsewhere: five classes by number, channels last; no classes, one picture at a time, grey from 0 to 255."""
    root = tmp_path_factory.mktemp("bundles")
    shutil.copytree(RELEASED, root / "mnist")
    tiny.build(root / "plain", name="plain", classes=0, channels=3)
    (root / "foreign.onnx").write_bytes(foreign.exported())
    adopt(root / "foreign.onnx", root / "foreign", About("foreign", "Foreign"), Given(classes=tuple("abcde")))
    grey = generators.Net(lambda x: x * 127.5 + 127.5, channels=1)
    (root / "single.onnx").write_bytes(generators.exported(grey, generators.Z[:1], free=False))
    adopt(root / "single.onnx", root / "single", About("single", "Single", prior="truncated"))
    return root


@pytest.fixture(scope="module")
def models(bundles: Path) -> dict[str, ServedBundle]:
    return dict(open_bundles(bundles, choose_provider("cpu"))[0])


@pytest.fixture(scope="module")
def site(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the exported folder, served by Python's plain file server."""
    folders = [bundles / name for name in ("mnist", "plain", "foreign", "single")]
    with hosted(written(folders, tmp_path_factory.mktemp("static") / "site")) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser: Any, site: str) -> Iterator[tuple[Page, list[str]]]:
    """The page with all bundles loaded and the network taken away, and what went wrong in it so far."""
    context = browser.new_context(viewport=WIDE, service_workers="block")
    context.set_default_timeout(15_000)
    page, troubles = context.new_page(), []
    page.on(
        "console",
        lambda m: (
            troubles.append(m.text) if m.type in ("error", "warning") and m.text not in (NO_CARD, NO_WORKER) else None
        ),
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: None if at_home(r.url, site) else troubles.append(f"foreign: {r.url}"))
    page.on("response", lambda r: troubles.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.goto(site)
    until(page, "window.Twofold?.stats.shown > 0")
    for name in ("foreign", "single", "plain"):
        page.get_by_label("Pictures (bundle)").select_option(name)
        settle(page)
    context.set_offline(True)
    page.on("request", lambda r: None if r.url.startswith("blob:") else troubles.append(f"late: {r.url}"))
    yield page, troubles
    context.close()


@pytest.fixture
def show(opened: tuple[Page, list[str]]) -> Iterator[Callable[..., Page]]:
    """Brings that page to a state on the tab Play; at the end nothing may have gone wrong or been asked for."""
    page, troubles = opened

    def state(**wanted: Any) -> Page:
        tab(page, "Play")
        page.evaluate("state => Twofold.set(state)", {"m": "gan", "c": 0, "t": 1, "x": 0, "y": 0} | wanted)
        settle(page)
        return page

    yield state
    assert not troubles


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
        assert close(picture(page, ".tf-morph .tf-stage canvas"), frame), mode


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
    until(page, "window.Twofold?.stats.shown > 0")
    assert not any("bundles/plain" in url for url in asked)
    context.set_offline(True)
    page.get_by_label("Pictures (bundle)").select_option("plain")
    page.get_by_role("alert").filter(has_text="could not be loaded").wait_for()
    context.set_offline(False)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New random").click()
    until(page, "document.querySelector('.tf-error').hidden")
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


def test_what_leaves_is_marked_and_is_checked_here(show, models):
    """Save PNG, a sheet of samples and a strip: a bundle at hand draws them again, this page as well as the command."""

    def saved(button: str) -> bytes:
        with page.expect_download() as download:
            page.locator("button:visible, a:visible", has_text=button).click()
        return Path(download.value.path()).read_bytes()

    page = show(b="mnist", x=3.25, y=1, c=4, t=0.8)
    files = {"point": saved("Save PNG")}
    tab(page, "Samples")
    settle(page)
    files["sheet"] = saved("Save PNG")
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("2,9.5:0.25")
    page.get_by_label("Frames of a strip").fill("12")
    page.get_by_role("button", name="Export PNG strip").click()
    files["film"] = saved("Download mnist-morph")
    for kind, data in files.items():
        reading = xmp.read(data)
        assert reading.mark and reading.mark.state and reading.mark.state["draw"] == kind
        assert finding(data, reading, models["mnist"]).again == "same"
    tab(page, "About")
    same, zone = page.get_by_text("draws the same picture again"), ".tf-verify-drop"
    for data in files.values():
        drop(page, zone, data)
        same.wait_for(timeout=60_000)
        drop(page, zone, b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()
    drop(page, zone, formats.png(np.zeros((32, 32, 1), np.uint8), xmp.read(files["point"]).mark))
    page.get_by_text("the mark was taken from another one").wait_for()
    page.get_by_role("button", name="Open it").click()
    assert page.evaluate("[Twofold.state.x, Twofold.state.c, Twofold.state.t]") == [3.25, 4, 0.8]


MIX, NO_MIX = {3: 0.25, 5: 0.5}, {3: 0.5, 10: 0.5}
ALONG = {"draw": "morph", "m": "gan", "keys": [2, 9], "path": "linear", "loop": False, "p": 0.25}
NOT_DRAWN_HERE: list[dict[str, Any]] = [
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "c": NO_MIX},
    {"draw": "seed", "m": "gan", "seed": 7, "c": NO_MIX},
    {"draw": "sheet", "m": "gan", "seed": 0, "count": 4, "columns": 2, "c": {}},
    {**ALONG, "classes": [4, NO_MIX]},
    {**ALONG, "path": "zigzag"},
    {**ALONG, "classes": [4]},
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "c": 10},
    {"draw": "point", "m": "none", "x": 3.5, "y": 1},
    {"draw": "point", "m": "gan", "x": "3.5", "y": 1},
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "attributes": {"glasses": 1}},
    {"draw": "edit", "m": "vae", "seed": "3"},
]


def test_what_this_page_does_not_draw_it_does_not_call_changed(show, models):
    page, bundle = show(b="mnist"), models["mnist"].engine.bundle
    tab(page, "About")
    for state in NOT_DRAWN_HERE:
        mark = trained(bundle, state)
        drop(page, ".tf-verify-drop", formats.png(np.zeros((32, 32, 1), np.uint8), mark))
        page.get_by_text("cannot be drawn again here").wait_for()
        told = page.locator(".tf-verified").inner_text()
        assert "could not be checked" in told and "was changed" not in told, state
        drop(page, ".tf-verify-drop", b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()


def test_a_generator_from_elsewhere_is_known_at_home(show, models):
    """Its graph is written anew for the page, and the mark still names the bundle that was exported."""
    page = show(b="foreign", x=3, y=0, c=2, t=0.8)
    with page.expect_download() as download:
        page.locator("button:visible", has_text="Save PNG").click()
    data = Path(download.value.path()).read_bytes()
    found = finding(data, xmp.read(data), models["foreign"])
    assert (found.place, found.again) == ("here", "same")


def test_mixes_of_classes_are_drawn_again(show, models):
    page, served = show(b="mnist"), models["mnist"]
    mix = class_weights(MIX, 10)
    point = Point(m="vae", x=3.5, y=1, c=MIX, t=0.7)
    frame = MorphFrame(m="gan", keys=(2, 9), classes=(4, MIX), path="linear", loop=False, p=0.25)
    rows = np.stack([one_hot(4, 10), mix])
    drawn = [
        (point, served.at(3.5, 1, mix, 0.7, "vae")),
        (frame, served.morph_at([2, 9], np.array([0.25]), rows, "linear", False)),
    ]
    tab(page, "About")
    for state, image in drawn:
        drop(page, ".tf-verify-drop", formats.png(images.to_uint8(image)[0], trained(served.engine.bundle, state)))
        page.get_by_text("draws the same picture again").wait_for()
        drop(page, ".tf-verify-drop", b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()


def test_a_mark_is_believed_as_far_as_it_goes(show, models):
    page, served = show(b="plain"), models["plain"]
    tab(page, "About")
    told = page.locator(".tf-verified")
    seeds = images.sheet(images.to_uint8(served.sample(range(16))), 8)
    drop(page, ".tf-verify-drop", formats.png(seeds, of_sheet("plain", "gan", 16, 8)))
    page.get_by_text("draws the same picture again").wait_for()
    assert "names the bundle 'plain'." in told.inner_text()
    assert "sha256" not in told.inner_text() and "another version" not in told.inner_text()
    other = Mark(source=TRAINED, bundle="plain", sha256="0" * 64, state=None)
    drop(page, ".tf-verify-drop", formats.png(seeds, other))
    page.get_by_text("another version of it").wait_for()
    drop(page, ".tf-verify-drop", formats.png(seeds, Mark(source=TRAINED)))
    page.get_by_text("names no bundle of Twofold").wait_for()
    assert f"written by {xmp.TOOL}." in told.inner_text() and "sha256" not in told.inner_text()
    drop(page, ".tf-verify-drop", formats.png(seeds, Mark(source=TRAINED, bundle="elsewhere")))
    page.get_by_text("That bundle is not here.").wait_for()


def test_every_tab_fits_its_screen_and_can_be_read(show):
    page = show(b="mnist")
    assert not page.locator("#tf-loading").is_visible()
    for size, scheme in itertools.product((WIDE, NARROW), ("light", "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        until(page, f"Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) {GROUNDS[scheme]}")
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
    until(page, "window.Twofold?.stats.shown > 0")
    assert page.evaluate("Twofold.tabs().map((tab) => tab.textContent)") == ["玩一玩", "样本", "变形", "关于"]
    tab(page, "关于")
    page.get_by_role("heading", name="关于此页面").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="This page").wait_for()
    assert page.evaluate("[document.documentElement.lang, Twofold.state.x]") == ["en", 7]
    page.close()
