"""Morph in Chromium: keyframes from everywhere, in any order, in a link, in a file; and an export that is cancelled."""

import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.serving.batching import caller
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph.morph_export import STEP
from tests.browser.test_page import settle, still, tab, wait_for_change

Page = Any  # playwright's, which need not be installed
STAGE = ".tf-morph .tf-stage canvas"


def keys(page: Page) -> str:
    return page.get_by_label("Seeds of the keyframes").input_value()


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def classes(page: Page) -> list[str]:
    return page.locator(".tf-keyframe select").evaluate_all("all => all.map((one) => one.value)")


def test_keyframes_come_from_favourites_move_and_live_in_the_link(visit, address: str):
    page = visit("?b=digits&c=4&x=9&y=0&t=0.8")
    page.get_by_role("button", name="Keep").click()
    page.evaluate("Twofold.set({ x: 7.25, y: 0.5, c: 2 })")
    page.get_by_role("button", name="Keep").click()
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("0,1-2")
    page.get_by_text("Seed 2").wait_for()
    page.get_by_role("button", name="Add from favourites").click()
    page.get_by_role("button", name="Add favourite: Between seeds").click()
    page.get_by_role("button", name="Add favourite: Seed 9").click()
    page.get_by_role("button", name="Add the picture from Play").click()
    assert keys(page) == "0,1,2,7.25:0.5,9,7.25:0.5" and classes(page) == ["0", "1", "2", "2", "4", "2"]
    assert page.get_by_role("button", name="Add the picture from Play").is_disabled()  # six
    page.get_by_text("are the most").wait_for()
    page.get_by_role("button", name="Remove keyframe 6").click()
    assert focused(page) == "Remove keyframe 5"

    page.get_by_role("button", name="Move keyframe 4 earlier").focus()
    for _ in range(3):  # to the front, where the other button takes over the focus
        page.keyboard.press("Enter")
    assert keys(page) == "7.25:0.5,0,1,2,9" and focused(page) == "Move keyframe 1 later"
    page.locator(".tf-keyframe").nth(4).drag_to(page.locator(".tf-keyframe").nth(1))
    assert keys(page) == "7.25:0.5,9,0,1,2" and classes(page) == ["2", "4", "0", "1", "2"]
    page.get_by_label("Class of keyframe 3").select_option("as in the bar")
    page.get_by_role("radio", name="Spline").check()
    page.get_by_label("Loop back").uncheck()
    page.get_by_label("Frames", exact=True).fill("13")
    page.get_by_label("Position").fill("0.6")
    picture = still(page, STAGE)
    page.get_by_role("button", name="Copy link").click()
    link = "?" + urlparse(page.evaluate("Twofold.link()")).query

    again = visit(link)  # on the tab that was open
    again.get_by_role("tab", name="Morph", selected=True).wait_for()
    again.locator(".tf-keyframe").nth(4).wait_for()
    assert keys(again) == "7.25:0.5,9,0,1,2" and classes(again) == ["2", "4", "", "1", "2"]
    assert still(again, STAGE) == picture
    again.get_by_role("button", name="Export ZIP").click()
    with again.expect_download() as download:
        again.get_by_role("link", name="Download digits-morph-7.25_0.5-9-0-1-2.zip").click()
    with zipfile.ZipFile(Path(download.value.path())) as archive:
        path = json.loads(archive.read("path.json"))
        frames = [np.asarray(Image.open(io.BytesIO(archive.read(name)))).astype(int) for name in path["files"]]
    assert [key["class"] for key in path["keys"]] == [2, 4, 2, 1, 2] and len(frames) == 13
    assert (path["mode"], path["loop"], path["truncation"]) == ("spline", False, 0.8)
    for share, frame in list(zip(path["shares"], frames, strict=True))[::4]:
        live = httpx.get(address + path["live"].format(p=share)).content
        assert np.abs(np.asarray(Image.open(io.BytesIO(live))).astype(int) - frame).max() <= 1


def test_a_broken_link_opens_what_makes_sense_and_a_tab_takes_the_links_place_from_another(visit):
    broken = "?b=${alert(1)}&m=<b>&c=99&t=NaN&x=1e99&y="
    page = visit(broken + "&tab=morph&keys=1,<b>&classes=NaN,99&path=zigzag&frames=1e99&fps=-1&p=NaN&loop=maybe")
    assert page.evaluate("Twofold.state") == {
        "b": "digits",
        "m": "gan",
        "c": 9,
        "t": 1,
        "x": 1e6,
        "y": 0,
        "attributes": "",
    }
    page.locator(".tf-keyframe").nth(3).wait_for()
    assert keys(page) == "0,1,4,5" and page.get_by_label("Frames", exact=True).input_value() == "60"
    field = page.get_by_label("Seeds of the keyframes")
    for text, sentence in (
        ("1,x", "“x” is not a seed"),
        ("1:2:3,4", "“1:2:3” is not a seed"),
        ("9e9:0,1", "is not a seed"),
        ("2000000:0,1", "Points go up to"),
        ("4-2", "is backwards"),
        ("0-4294967296", "The largest seed is"),
        ("0-9", "Use at most 6"),
        ("1,2,3,4,5,6,7", "Use at most 6"),
    ):
        field.fill(text)
        page.get_by_role("alert").filter(has_text=sentence).wait_for()
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("-3.5:2,12:1")
    page.get_by_text("Seed 112").wait_for()  # a whole place is a seed
    assert field.get_attribute("aria-invalid") == "false"
    settle(page)
    assert parse_qs(urlparse(page.evaluate("Twofold.link()")).query)["keys"] == ["-3.5:2,112"]
    tab(page, "Play")
    page.wait_for_function("!Twofold.link().includes('tab=')")
    place = "new URL(Twofold.link()).searchParams.get('tab')"
    for name in ("Compare", "Morph", "Compare"):
        tab(page, name)
        page.wait_for_function(f"{place} === '{name.lower()}'")
    tab(page, "Play")
    page.wait_for_function(f"{place} === null")


def test_cancelling_ends_the_work_on_the_server(visit, monkeypatch: pytest.MonkeyPatch):
    """The second run waits until its caller has gone, which only the button can bring about."""
    runs, left, whole = [], threading.Event(), ServedBundle.morph_at

    def slow(self: ServedBundle, points, shares, *rest: object) -> np.ndarray:
        if len(shares) == STEP:
            runs.append(caller())
            if len(runs) == 2 and runs[1].gone.wait(20):
                left.set()
        return whole(self, points, shares, *rest)

    monkeypatch.setattr(ServedBundle, "morph_at", slow)
    page = visit("?b=digits")
    tab(page, "Morph")
    page.locator(".tf-keyframe").nth(3).wait_for()
    page.get_by_label("Frames", exact=True).fill("240")
    page.get_by_role("button", name="Export GIF").click()
    page.get_by_text("Drawing: 12 of 240 frames").wait_for()
    page.get_by_role("button", name="Cancel").press("Enter")
    page.get_by_text("Cancelled: nothing was exported.").wait_for()
    assert left.wait(20) and page.evaluate("document.activeElement.dataset.format") == "gif"
    page.get_by_label("Frames", exact=True).fill("13")
    page.get_by_role("button", name="Export GIF").click()
    page.get_by_role("link", name="Download digits-morph-0-1-4-5.gif").wait_for()
    assert len(runs) == 3  # two of the twenty, and the first of the other export


PLAY = """address => new Promise((done, fail) => {
  const film = document.createElement("video");
  film.muted = true;
  film.onended = () => done([film.videoWidth, film.videoHeight, Math.round(film.duration * 100)]);
  film.onerror = () => fail(new Error(film.error.message));
  film.src = address;
  film.play();
})"""


def test_an_mp4_plays_in_the_browser(visit):
    page = visit("?b=plain")
    tab(page, "Morph")
    page.locator(".tf-keyframe").nth(3).wait_for()
    page.get_by_label("Frames", exact=True).fill("6")
    page.get_by_role("button", name="Export MP4").click()
    made = page.get_by_role("link", name="Download plain-morph-0-1-4-5.mp4")
    made.wait_for()
    assert page.evaluate(PLAY, made.get_attribute("href")) == [256, 256, 30]  # 6 frames, 20 a second


def test_it_speaks_chinese(visit):
    page = visit("?b=digits&lang=zh-CN&tab=morph")
    page.get_by_role("button", name="导出胶片").wait_for()
    start = still(page, STAGE)
    page.get_by_label("位置").fill("0.5")
    wait_for_change(page, STAGE, start)
    for word in ("从收藏中添加", "将关键帧 1 后移", "随机种子", "播放"):
        assert page.get_by_role("button", name=word, exact=True).count() == 1, word
