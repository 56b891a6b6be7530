"""Marks in Chromium: a saved picture is marked, opens what it shows when it is dropped, and is checked in About."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bundle import images
from bundle.marks import TRAINED, Mark, formats, xmp
from tests.browser.test_page import settle, tab

Page = Any  # playwright's, which need not be installed
DROP = """([selector, name, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const target = [...document.querySelectorAll(selector)].find((one) => one.offsetParent !== null);
    for (const kind of ["dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }
}"""
PLAY, ABOUT = ".tf-play .tf-viewer", ".tf-verify-drop"
STATE = "[Twofold.state.b, Twofold.state.m, Twofold.state.c, Twofold.state.t, Twofold.state.x, Twofold.state.y]"


def drop(page: Page, place: str, data: bytes, name: str = "picture.png") -> None:
    page.evaluate(DROP, [place, name, base64.b64encode(data).decode()])


def saved(page: Page) -> bytes:
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").locator("visible=true").click()
    return Path(download.value.path()).read_bytes()


def verified(address: str, data: bytes) -> dict:
    return httpx.post(f"{address}verify", content=data).raise_for_status().json()


@pytest.mark.parametrize(
    "query",
    [
        "?b=digits&c=4&x=9.25&y=-3&t=0.8",
        "?b=plain&m=vae&x=4&y=0.5&attributes=bright:1.5,slanted%252C a lot:-2",
        "?b=digits&c=2&x=8&bend=1.rotate:-70,4.noise:0.5,seed:2",
    ],
)
def test_a_saved_picture_is_marked_drawn_again_and_opened(visit, address: str, query: str):
    page = visit(query)
    data = saved(page)
    found = verified(address, data)
    assert (found["place"], found["again"]) == ("here", "same"), found["sentences"]
    assert found["mark"]["source"] == TRAINED and len(xmp.block(Mark(**found["mark"]))) < 2000
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.info["xmp"] == xmp.block(Mark(**found["mark"]))
    state = page.evaluate("JSON.stringify(Twofold.state)")
    page.evaluate("Twofold.set({ b: 'learner', m: 'gan', c: 1, t: 1, x: 0, y: 0 })")
    settle(page)
    drop(page, PLAY, data)
    page.get_by_text("Opened as its mark says.").wait_for()
    assert page.evaluate("JSON.stringify(Twofold.state)") == state
    settle(page)
    with Image.open(io.BytesIO(saved(page))) as again, Image.open(io.BytesIO(data)) as first:
        assert (np.asarray(again) == np.asarray(first)).all()
    page.evaluate("Twofold.undo()")
    assert page.evaluate("Twofold.state.b") == "learner"


def test_a_dropped_film_opens_its_keyframes(visit, address: str):
    asked = {"keys": [3, [7.25, 0.5], 9], "classes": [5, 2, 1], "path": "linear", "loop": False, "frames": 36,
             "fps": 12, "m": "gan", "t": 0.6, "format": "webp"}  # fmt: skip
    form = {"request": (None, json.dumps(asked))}
    *_, last = httpx.post(f"{address}morph/digits", files=form).text.splitlines()
    film = base64.b64decode(json.loads(last)["href"].partition(",")[2])
    page = visit("?b=plain")
    drop(page, PLAY, film, "film.webp")
    field = page.get_by_label("Seeds of the keyframes")
    field.wait_for()
    page.wait_for_function("document.querySelector('.tf-morph')?.offsetParent")
    page.wait_for_timeout(300)
    assert field.input_value() == "3,7.25:0.5,9"
    chosen = page.locator(".tf-keyframe-class").evaluate_all("all => all.map((one) => one.value)")
    assert chosen == ["5", "2", "1"]
    assert page.get_by_label("Length in seconds").input_value() == "3"
    assert page.evaluate("[Twofold.state.b, Twofold.state.t]") == ["digits", 0.6]
    assert not page.get_by_label("Loop back to the first").is_checked()
    assert page.get_by_role("radio", name="Linear").is_checked()


def test_what_cannot_be_opened_is_said_and_the_picture_goes_on(visit):
    page = visit("?b=digits&x=5&y=0")
    picture = np.zeros((8, 8, 1), np.uint8)
    before = page.evaluate(STATE)
    plain = images.png(picture)

    def marked(bundle: str, **state: Any) -> bytes:
        return formats.png(picture, Mark(source=TRAINED, bundle=bundle, state=state or None))

    for data, words in (
        (plain, "No mark was found in this file"),
        (b"", "No mark was found in this file"),
        (b"<x:xmpmeta" + bytes(10_000_000) + b"</x:xmpmeta>", "a block of metadata of more than 64 kB"),
        (marked("others"), "“others”, which is not here"),
        (marked("digits", draw="repair"), "does not say how to draw"),
        (marked("digits", draw="film", keys=[{}, 1]), "does not say how to draw"),
        (marked("digits", draw="sheet", seed=123_456_789), "Seed 123456789 lies beyond Play's plane"),
        (marked("digits", draw="seed", seed=2**31), "Seed 2147483648 lies beyond Play's plane"),
    ):
        drop(page, PLAY, data)
        page.get_by_text(words).wait_for()
    tab(page, "Play")
    page.wait_for_function("document.querySelector('.tf-travel').offsetParent")
    assert page.evaluate(STATE) == before
    wild = {"draw": "point", "m": "none", "x": 1e300, "y": "7", "c": {"99": 1}, "t": -4, "attributes": {"a": "b"}}
    drop(page, PLAY, formats.png(picture, Mark(source=TRAINED, bundle="digits", sha256="0" * 64, state=wild)))
    page.get_by_text("another version of this bundle").wait_for()
    assert page.evaluate(STATE) == ["digits", "gan", 9, 0, 1e6, 0]  # brought within what the page can show
    settle(page)
    for seed in (99_999_999, 100_000_099, 2**32 - 1):  # the last ones lie left of 0
        drop(page, PLAY, marked("digits", draw="seed", seed=seed))
        page.wait_for_function(f"Twofold.seedAt(Twofold.state.x, Twofold.state.y) === {seed}")
    assert page.evaluate("[Twofold.state.x, Twofold.state.y]") == [-1, 0]


def test_nobody_travels_beyond_the_edge_of_the_plane(visit):
    page = visit("?b=digits&m=gan&x=999999.95&y=-1000000")
    page.locator(".tf-travel").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("Twofold.state.x === 1e6 && Twofold.state.y === -1e6")
    page.wait_for_function("new URLSearchParams(location.search).get('x') === '1000000'")
    settle(page)


def test_a_folder_or_a_file_that_has_gone_is_said(visit):
    page = visit("?b=digits&x=5&y=0")
    gone = """async () => {
        const T = window.Twofold, refuse = () => Promise.reject(new DOMException("gone", "NotFoundError"));
        const part = { text: refuse, arrayBuffer: refuse };
        const file = { name: "a.png", size: 4096, ...part, slice: () => part };
        const checked = await T.verifyFile(file).catch((error) => error.message);
        return [await T.openDropped(file), await T.ownDirections.open(file), checked];
    }"""
    sentence = "This file cannot be read: it may be a folder, or have been moved."
    assert page.evaluate(gone) == [sentence] * 3


def test_about_says_whether_a_picture_is_marked(visit, address: str):
    page = visit("?b=digits&c=4&x=9&y=0")
    data = saved(page)
    tab(page, "About")
    zone = page.locator(ABOUT)
    zone.wait_for()
    drop(page, ABOUT, data, "mine.png")
    page.get_by_text("draws the same picture again: the largest difference is 0 of 255").wait_for()
    page.get_by_text("names the bundle 'digits'").wait_for()
    with Image.open(io.BytesIO(data)) as picture:
        forged = 255 - np.asarray(picture.convert("RGB"))
    drop(page, ABOUT, formats.png(forged, xmp.read(data).mark))
    page.get_by_text("the mark was taken from another one").wait_for()
    page.get_by_label("Picture to check").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": images.png(forged)}
    )
    page.get_by_text("No mark of a generated picture was found.").wait_for()
    guess = Mark(source=TRAINED, bundle="digits", state={"draw": "repair"})
    drop(page, ABOUT, formats.png(forged, guess), "guess.png")
    page.get_by_text("guess.png", exact=True).wait_for()
    assert page.get_by_role("button", name="Open it").count() == 0  # no seed draws it
    drop(page, ABOUT, data)
    page.evaluate("Twofold.set({ x: 1, y: 1, c: 0 })")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_function("document.querySelector('.tf-travel').offsetParent")
    assert page.evaluate(STATE) == ["digits", "gan", 4, 1, 9, 0]


def test_about_speaks_chinese_and_refuses_what_is_too_large(visit):
    page = visit("?b=digits&tab=about&lang=zh-CN")
    page.locator(ABOUT).wait_for()
    drop(page, ABOUT, images.png(np.zeros((8, 8, 1), np.uint8)))
    page.get_by_text("没有找到生成图片的标记。").wait_for()
    drop(page, ABOUT, bytes(16_000_001))
    page.get_by_text("文件太大：最多接受 16 MB。").wait_for()
