"""A direction of one's own in Chromium: found by marking, named, moved, shared, kept, saved and opened again."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bundle import on_device
from demo.routes import device
from tests.browser.test_device import pixels as bytes_of
from tests.browser.test_everyone import AXE, CHECK, OUTSIDE
from tests.browser.test_marks import PLAY, drop, saved, verified
from tests.browser.test_page import settle, still, tab, wait_for_change

Page = Any  # playwright's, which need not be installed
FINDER = ".tf-own"
# Annotates each variation by how light it is, beside the picture itself: what somebody does who means "light".
ANNOTATE = """() => {
    const light = (canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((sum, value) => sum + value, 0);
    };
    const tiles = [...document.querySelectorAll('.tf-variation')];
    const values = tiles.map((tile) => light(tile.querySelector('canvas')));
    const middle = values.toSorted((one, other) => one - other)[6];
    tiles.forEach((tile, i) => { tile.click(); if (values[i] < middle) tile.click(); });
}"""


def found(page: Page, rounds: int = 2) -> None:
    """Goes through rounds until a direction is found."""
    page.get_by_role("button", name="Show twelve variations").click()
    page.locator(".tf-variation").first.wait_for()
    for i in range(rounds):
        settle(page)
        page.evaluate(ANNOTATE)
        page.get_by_text(f"{6 * (i + 1)} have it · {6 * (i + 1)} do not have it").wait_for()
        if i + 1 < rounds:
            before = page.locator(".tf-variation canvas").first.evaluate("c => c.toDataURL()")
            page.get_by_role("button", name="Next twelve").click()
            page.wait_for_function("b => document.querySelector('.tf-variation canvas').toDataURL() !== b", arg=before)
    page.get_by_text("What you mean, so far:").wait_for()
    settle(page)


def take(page: Page, name: str) -> None:
    page.get_by_label("Name of the direction").fill(name)
    page.get_by_role("button", name="Take it").click()


def file_of(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("place", ["?b=digits&m=gan&c=4&x=5&y=0&t=0.8", "?b=plain&m=vae&x=5&y=0"])
def test_it_is_found_becomes_a_slider_and_goes_everywhere(visit, address: str, place: str):
    page = visit(f"{place}&tab=explore")
    page.locator(FINDER).scroll_into_view_if_needed()
    found(page)
    take(page, "light")
    page.get_by_text("“light” is a slider now").wait_for()
    tab(page, "Play")
    plain = still(page)
    page.locator(".tf-attribute-fold summary").click()
    slider = page.locator("#tf-play").get_by_role("slider", name="light", exact=True)
    slider.fill("2")
    moved = wait_for_change(page, ".tf-travel", plain)
    assert "light +2.00" in page.locator(".tf-attribute-fold summary").inner_text()
    assert page.evaluate("Twofold.parameters.find('direction.light').get()") == 2
    data = saved(page)
    checked = verified(address, data)
    assert (checked["place"], checked["again"]) == ("here", "same"), checked["sentences"]

    link = page.evaluate("Twofold.link()")
    assert len(link) < 2000
    state = page.evaluate("Twofold.state")
    direction = json.loads(file_after(page))
    assert (direction["format"], direction["name"], direction["annotation_count"]) == ("twofold-direction", "light", 24)

    page.evaluate("localStorage.clear()")  # somebody else's browser
    again = visit(link[link.index("?") :])
    assert again.evaluate("Twofold.state") == state and still(again) == moved
    tab(again, "Explore")
    again.get_by_role("button", name="Keep it: light").click()
    assert again.evaluate("JSON.parse(localStorage['twofold.directions'])[0].name") == "light"
    again.get_by_role("button", name="Remove light").click()
    assert again.evaluate("Twofold.state.attributes") == ""
    assert again.locator(".tf-own-direction:visible").count() == 0
    direction["marks"] = direction.pop("annotation_count")  # as older versions saved it
    drop(again, FINDER, json.dumps(direction).encode(), "light.direction.json")
    again.locator(".tf-moves").get_by_role("slider", name="light", exact=True).wait_for()
    again.get_by_text("found from 24 choices").wait_for()
    drop_in_play(again, data)
    assert again.evaluate("Twofold.state.attributes").startswith("light:2*")


def file_after(page: Page) -> bytes:
    tab(page, "Explore")
    return file_of(page, "Save as file: light")


def drop_in_play(page: Page, data: bytes) -> None:
    tab(page, "Play")
    drop(page, PLAY, data)
    page.get_by_text("Opened as its mark says.").wait_for()


def test_keys_mark_and_names_are_checked(visit):
    page = visit("?b=plain&m=gan&x=5&y=0&tab=explore")
    page.get_by_role("button", name="Show twelve variations").click()
    first = page.get_by_role("button", name="Variation 1: not marked")
    first.focus()
    page.keyboard.press("y")
    page.get_by_role("button", name="Variation 1: has it", exact=True).wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    page.get_by_role("button", name="Variation 2: does not have it").wait_for()
    page.get_by_text("Mark at least 3 pictures that have it and 3 that do not; so far it is 1 and 1.").wait_for()
    assert page.get_by_role("button", name="Take it").is_disabled()
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Variation 1: not marked").wait_for()
    page.get_by_text("0 have it · 0 do not have it").wait_for()
    settle(page)
    page.evaluate(ANNOTATE)
    take_button = ".tf-own-take button"
    told = "s => !document.querySelector(s).disabled || document.querySelector('.tf-own .tf-error:not([hidden])')"
    page.wait_for_function(told, arg=take_button)
    for _ in range(3):  # until the choices agree
        if page.get_by_role("button", name="Take it").is_enabled():
            break
        before = page.locator(".tf-variation canvas").first.evaluate("c => c.toDataURL()")
        page.get_by_role("button", name="Next twelve").click()
        page.wait_for_function("b => document.querySelector('.tf-variation canvas').toDataURL() !== b", arg=before)
        settle(page)
        page.evaluate(ANNOTATE)
        page.wait_for_timeout(600)
        settle(page)
    for name, words in (
        ("", "Give your direction a name"),
        ("a:b", "may not have the characters"),
        ("bright", "“bright” is the name of an attribute"),
    ):
        take(page, name)
        page.locator(FINDER).get_by_text(words).wait_for()
    take(page, "圆脸")
    page.locator(".tf-moves").get_by_role("slider", name="圆脸", exact=True).wait_for()
    take(page, "圆脸")  # the very same once more changes nothing
    assert page.evaluate("JSON.parse(localStorage['twofold.directions']).length") == 1


def test_nothing_is_marked_while_other_variations_are_on_their_way(visit):
    page = visit("?b=digits&x=5&y=0&tab=explore")
    page.get_by_role("button", name="Show twelve variations").click()
    page.locator(".tf-variation").first.wait_for()
    held: list[Any] = []
    page.route("**/own-direction", lambda route: route.continue_() if held else held.append(route))
    page.get_by_role("button", name="Next twelve").click()
    page.locator(".tf-variations[aria-busy]").wait_for()
    page.locator(".tf-variation").first.click()
    page.get_by_text("0 have it · 0 do not have it").wait_for()
    held[0].continue_()
    page.locator(".tf-variations:not([aria-busy])").wait_for()
    page.locator(".tf-variation").first.click()
    page.get_by_text("1 has it · 0 do not have it").wait_for()
    settle(page)


def test_what_cannot_be_opened_is_said_in_both_languages(visit):
    page = visit("?b=digits&x=5&y=0&tab=explore")
    key = page.evaluate("Twofold.bundle().spaces.gan.key")
    head = base64.b64encode(bytes.fromhex(key) + bytes([0, 0, 128, 63])).decode().rstrip("=")  # a unit of one
    good = {"format": "twofold-direction", "name": "light", "bundle": "digits", "vector": "AAAA"}
    before = page.evaluate("JSON.stringify(Twofold.state)")
    for data, words in (
        (b"{" + bytes(60_000), "The file is too large for a direction: at most 50 kB are read."),
        (b'{"format": "two', "This file is not JSON that can be read"),
        (b"[1]", "This file is not a direction"),
        (json.dumps(good).encode(), "The numbers of this direction cannot be read"),
        (json.dumps(good | {"vector": head + "AAAA"}).encode(), "The numbers of this direction cannot be read"),
        (
            json.dumps(good | {"vector": "A" * 3 + head[3:] + "AAAA", "bundle": "others"}).encode(),
            "belongs to the bundle “others”",
        ),
        (json.dumps(good | {"name": "x" * 41, "vector": head + "AAAA"}).encode(), "The name is too long: at most 40"),
    ):
        drop(page, FINDER, data, "a.json")
        page.locator(FINDER).get_by_text(words).wait_for()
    assert page.evaluate("JSON.stringify(Twofold.state)") == before
    chinese = visit("?b=digits&x=5&y=0&tab=explore&lang=zh-CN")
    drop(chinese, FINDER, b"[1]", "a.json")
    chinese.get_by_text("此文件不是方向").wait_for()
    chinese.get_by_role("button", name="显示十二种变化").click()
    chinese.get_by_role("button", name="变化 1：未标记").click()
    chinese.get_by_text("请至少标出 3 张有的和 3 张没有的；目前是 1 张和 0 张。").wait_for()


VECTOR = """() => {
    const { key, size } = window.Twofold.bundle().spaces.gan;
    const bytes = [...key.match(/../g).map((pair) => parseInt(pair, 16)), 0, 0, 128, 63, ...Array(size).fill(1)];
    return btoa(String.fromCharCode(...bytes)).replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=/g, "");
}"""


def test_without_storage_they_are_kept_until_the_page_closes_and_long_names_of_emoji_too(visit):
    full = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    page = visit("?b=plain&m=gan&x=5&y=0", full)
    vector = page.evaluate(VECTOR)
    kept = """vector => {
        const T = window.Twofold, name = "a" + "🙂".repeat(30);
        T.ownDirections.add({ name, vector: vector.slice(0, -1) + "B" });
        T.ownDirections.keepBrought({ name, vector });
        const names = () => T.ownDirections.list().map((one) => [...one.name].slice(-2).join(""));
        const before = names();
        T.ownDirections.remove(T.ownDirections.list()[0]);
        return [before, names()];
    }"""
    assert page.evaluate(kept, vector) == [["🙂🙂", " 2"], [" 2"]]
    page.get_by_text("does not let the page store anything, so directions are lost").wait_for()


def test_one_direction_too_many_is_said_and_its_slider_goes_back(visit):
    page = visit("?b=plain&m=gan&x=5&y=0")
    kept = "vector => [...'abcdefgh'].forEach((name) => Twofold.ownDirections.add({ name, vector }))"
    page.evaluate(kept, page.evaluate(VECTOR))
    page.locator(".tf-attribute-fold summary").click()
    for name in "abcdefgh":
        page.locator("#tf-play").get_by_role("slider", name=name, exact=True).fill("1")
    page.get_by_text("At most 7 directions of your own move one picture").wait_for()
    eighth = page.locator("#tf-play .tf-slider", has=page.get_by_role("slider", name="h", exact=True))
    assert eighth.locator("input").input_value() == "0" and eighth.locator("output").inner_text() == "0"
    page.locator("#tf-play").get_by_role("slider", name="a", exact=True).fill("0")
    eighth.locator("input").fill("1")
    assert page.evaluate("Object.keys(Twofold.readMoves(Twofold.state.attributes)).join('')") == "bcdefgh"
    settle(page)


def test_variations_of_a_bundle_that_was_made_anew_are_forgotten(visit):
    page = visit("?b=digits&m=gan&x=5&y=0&tab=explore")
    page.get_by_role("button", name="Show twelve variations").click()
    page.locator(".tf-variation").first.wait_for()
    settle(page)
    anew = """() => {
        const bundle = window.Twofold.bundle();
        const spaces = { ...bundle.spaces, gan: { ...bundle.spaces.gan, key: "00000000" } };
        window.Twofold.replaceBundle({ ...bundle, spaces, version: `${bundle.version}1` });
    }"""
    page.evaluate(anew)
    page.get_by_role("button", name="Show twelve variations").wait_for()
    assert not page.locator(".tf-variation").first.is_visible()
    settle(page)


def test_a_link_of_other_latents_draws_the_picture_without_it(visit):
    page = visit("?b=digits&x=5&y=0&attributes=light:2*AAAAAAAAgD8BAQEBAQEBAQ")
    assert page.evaluate("Twofold.state.attributes") == ""


@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_and_axe_finds_nothing(visit, width: int):
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci --prefix tests/browser)")
    page = visit(
        "?b=plain&m=gan&x=5&y=0&tab=explore", viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    found(page)
    take(page, "light")
    page.get_by_role("button", name="Remove light").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OUTSIDE, width) == []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for dark in (False, True):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        page.evaluate("() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => 0)))")
        assert page.evaluate(CHECK, [dark, False]) == []


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_the_device_draws_the_same(visit, model: str):
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    page = visit(f"?b=plain&m={model}&x=2.25&y=1.5&t=0.8&tab=explore")
    found(page)
    take(page, "light")
    page.get_by_text("“light” is a slider now").wait_for()
    tab(page, "Play")
    page.evaluate("Twofold.set({ ...Twofold.attributeMoved('light', 1.5) })")
    page.evaluate("Twofold.set({ ...Twofold.attributeMoved('bright', -1) })")
    settle(page)
    there = bytes_of(page)
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")
    here = bytes_of(page)
    assert abs(here - there).max() <= 1
