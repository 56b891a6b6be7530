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

from bundle.model import MORPH_PART
from demo.serving.batching import caller
from demo.serving.served_bundle import ServedBundle
from tests.browser.test_page import settle, still, tab, wait_for_change

Page = Any  # playwright's, which need not be installed
VIEWER = ".tf-morph .tf-viewer canvas"


def keys(page: Page) -> str:
    return page.get_by_label("Seeds of the keyframes").input_value()


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def classes(page: Page) -> list[str]:
    return page.locator(".tf-keyframe-class").evaluate_all("all => all.map((one) => one.value)")


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
    for _ in range(10):
        page.get_by_role("button", name="Add the picture from Play").click()
    assert page.get_by_role("button", name="Add the picture from Play").is_disabled()  # sixteen
    page.get_by_text("are the most").wait_for()
    for _ in range(10):
        page.get_by_role("button", name="Remove keyframe 7", exact=True).click()
    page.get_by_role("button", name="Remove keyframe 6").click()
    assert focused(page) == "Remove keyframe 5"

    page.get_by_role("button", name="Move keyframe 4 earlier").focus()
    for _ in range(3):  # to the front, where the other button takes over the focus
        page.keyboard.press("Enter")
    assert keys(page) == "7.25:0.5,0,1,2,9" and focused(page) == "Move keyframe 1 later"
    page.locator(".tf-keyframe canvas").nth(4).drag_to(page.locator(".tf-keyframe canvas").nth(1))
    assert keys(page) == "7.25:0.5,9,0,1,2" and classes(page) == ["2", "4", "0", "1", "2"]
    page.get_by_label("Class of keyframe 3").select_option("as in the bar")
    page.get_by_role("radio", name="Spline").check()
    page.get_by_label("Loop back").uncheck()
    page.get_by_label("Length in seconds").fill("2.5")
    page.get_by_role("radio", name="24").check()
    page.get_by_label("Time of keyframe 2, in seconds").fill("0.4")
    page.keyboard.press("Tab")
    page.get_by_label("How the film goes on from keyframe 3").select_option("Smooth")
    page.get_by_label("Position").fill("0.6")
    picture = still(page, VIEWER)
    page.get_by_role("button", name="Copy link").click()
    link = "?" + urlparse(page.evaluate("Twofold.link()")).query

    again = visit(link)  # on the tab that was open
    again.get_by_role("tab", name="Morph", selected=True).wait_for()
    again.locator(".tf-keyframe").nth(4).wait_for()
    assert keys(again) == "7.25:0.5,9,0,1,2" and classes(again) == ["2", "4", "", "1", "2"]
    assert still(again, VIEWER) == picture
    again.get_by_role("button", name="Export ZIP").click()
    with again.expect_download() as download:
        again.get_by_role("link", name="Download digits-morph-7.25_0.5-9-0-1-2.zip").click()
    with zipfile.ZipFile(Path(download.value.path())) as archive:
        path = json.loads(archive.read("path.json"))
        frames = [np.asarray(Image.open(io.BytesIO(archive.read(name)))).astype(int) for name in path["files"]]
    assert [key["class"] for key in path["keys"]] == [2, 4, 2, 1, 2] and len(frames) == 60
    assert path["times"] == [0, 0.4, 1.25, 1.88, 2.5] and path["easing"][2] == "smooth" and path["seconds"] == 2.5
    assert (path["path"], path["loop"], path["truncation"]) == ("spline", False, 0.8)
    for share, frame in list(zip(path["shares"], frames, strict=True))[::13]:
        live = httpx.get(address + path["live"].format(p=share)).content
        assert np.abs(np.asarray(Image.open(io.BytesIO(live))).astype(int) - frame).max() <= 1


def test_a_broken_link_opens_what_makes_sense_and_a_tab_takes_the_links_place_from_another(visit):
    broken = "?b=${alert(1)}&m=<b>&c=99&t=NaN&x=1e99&y="
    page = visit(broken + "&tab=morph&keys=1,<b>&classes=NaN,99&path=zigzag&frames=1e99&fps=-1&p=NaN&loop=maybe")
    assert page.evaluate("Twofold.state") == {
        "b": "digits",
        "m": "gan",
        "c": 9,
        "mix": "",
        "t": 1,
        "x": 1e6,
        "y": 0,
        "attributes": "",
        "bend": "",
    }
    page.locator(".tf-keyframe").nth(3).wait_for()
    assert keys(page) == "0,1,4,5" and page.get_by_label("Frames of a strip").input_value() == "60"
    assert page.get_by_label("Length in seconds").input_value() == "3"
    field = page.get_by_label("Seeds of the keyframes")
    for text, sentence in (
        ("1,x", "“x” is not a seed"),
        ("1:2:3,4", "“1:2:3” is not a seed"),
        ("9e9:0,1", "is not a seed"),
        ("2000000:0,1", "Points go up to"),
        ("4-2", "is backwards"),
        ("0-4294967296", "The largest seed is"),
        ("0-16", "Use at most 16"),
        (",".join("12345678901234567"), "Use at most 16"),
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


def test_what_a_link_says_waits_for_a_bundle_that_comes_later(visit):
    page = visit("?b=later&tab=morph&keys=0,1,2&classes=0,2,&axis=bright&attributes=bright:1", refused="/later")
    page.locator(".tf-keyframe").nth(2).wait_for()
    arrives = """name => {
        Twofold.addBundle({ ...Twofold.bundle(name), name: "later", version: name });
        Twofold.set({ b: "later", attributes: "bright:1" });
    }"""
    page.evaluate(arrives, "plain")
    page.wait_for_function("Twofold.link().includes('axis=bright')")
    page.wait_for_function("!document.querySelector('.tf-keyframe-class')")
    page.evaluate("Twofold.set({ b: 'digits' })")
    page.locator(".tf-keyframe-class").nth(2).wait_for()
    before = page.locator(".tf-keyframe canvas").first.element_handle()
    page.evaluate("Twofold.replaceBundle({ ...Twofold.bundle('digits'), version: 'newer' })")
    page.wait_for_function("before => !before.isConnected", arg=before)  # those of the new version are there
    page = visit("?b=later&tab=morph&keys=0,1,2&classes=0,2,", refused="/later")
    page.locator(".tf-keyframe").nth(2).wait_for()
    page.evaluate(arrives, "digits")
    page.wait_for_function("document.querySelectorAll('.tf-keyframe-class')[1]?.value === '2'")
    assert classes(page) == ["0", "2", ""]


def test_cancelling_ends_the_work_on_the_server(visit, monkeypatch: pytest.MonkeyPatch):
    """The second run waits until its caller has gone, which only the button can bring about."""
    runs, left, whole = [], threading.Event(), ServedBundle.morph_at

    def slow(self: ServedBundle, points, shares, *rest: object) -> np.ndarray:
        if len(shares) == MORPH_PART:
            runs.append(caller())
            if len(runs) == 2 and runs[1].gone.wait(20):
                left.set()
        return whole(self, points, shares, *rest)

    monkeypatch.setattr(ServedBundle, "morph_at", slow)
    page = visit("?b=digits")
    tab(page, "Morph")
    page.locator(".tf-keyframe").nth(3).wait_for()
    page.get_by_label("Length in seconds").fill("10")
    page.get_by_role("button", name="Export GIF").click()
    page.get_by_text(f"{MORPH_PART} of 300 frames").wait_for()
    page.get_by_role("button", name="Cancel").press("Enter")
    page.get_by_text("Cancelled: nothing was exported.").wait_for()
    assert left.wait(20) and page.evaluate("document.activeElement.dataset.format") == "gif"
    assert len(runs) == 2  # of seventy-five
    page.get_by_label("Length in seconds").fill("2")
    page.get_by_role("button", name="Export GIF").click()
    page.get_by_role("link", name="Download digits-morph-0-1-4-5.gif").wait_for()


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
    page.get_by_label("Length in seconds").fill("2")
    page.get_by_role("radio", name="25").check()
    page.get_by_role("button", name="Export MP4").click()
    made = page.get_by_role("link", name="Download plain-morph-0-1-4-5.mp4")
    made.wait_for()
    assert page.evaluate(PLAY, made.get_attribute("href")) == [256, 256, 200]  # two seconds


def test_it_speaks_chinese(visit):
    page = visit("?b=digits&lang=zh-CN&tab=morph")
    page.get_by_role("button", name="导出胶片").wait_for()
    start = still(page, VIEWER)
    page.get_by_label("位置").fill("0.5")
    wait_for_change(page, VIEWER, start)
    for word in ("从收藏中添加", "将关键帧 1 后移", "随机种子", "播放"):
        assert page.get_by_role("button", name=word, exact=True).count() == 1, word


# --- time ----------------------------------------------------------------------------------------


def times(page: Page) -> list[str]:
    return page.locator(".tf-keyframe-time input").evaluate_all("all => all.map((one) => one.value)")


@pytest.mark.parametrize(
    "viewport", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}], ids=["wide", "phone"]
)
def test_keyframes_are_moved_in_time(visit, viewport: dict):
    """With the mouse, with keys, in a field; what is wrong gets a sentence, and the picture goes on."""
    page = visit("?b=digits&tab=morph&keys=0,1,4,5&seconds=4", viewport=viewport)
    page.locator(".tf-keyframe").nth(3).wait_for()
    assert times(page) == ["0", "1", "2", "3"]
    line, third = page.locator(".tf-timeline-line"), page.get_by_role("slider", name="Time of keyframe 3", exact=True)
    third.scroll_into_view_if_needed()
    inside, handle = line.bounding_box(), third.bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(inside["x"] + 0.65 * inside["width"], handle["y"] + 5, steps=4)
    page.mouse.up()
    assert float(times(page)[2]) == pytest.approx(2.6, abs=0.03)
    third.press("Home")  # no further than the one before it
    assert times(page)[2] == "1.05" and third.get_attribute("aria-valuetext") == "1.05 s"
    third.press("Shift+ArrowRight")
    assert times(page) == ["0", "1", "2.05", "3"]
    page.get_by_label("Time of keyframe 4, in seconds").fill("99")
    page.keyboard.press("Tab")
    assert times(page)[3] == "3.95"  # in a loop it returns to the first
    page.get_by_label("Loop back").uncheck()
    page.get_by_label("Length in seconds").fill("8")
    assert times(page) == ["0", "2", "4.1", "7.9"]
    for wrong in ("1", "601", ""):
        page.get_by_label("Length in seconds").fill(wrong)
        page.get_by_role("alert").filter(has_text="A film is 2 to 600 seconds long.").wait_for()
    start = still(page, VIEWER)
    line.click(position={"x": 0.75 * line.bounding_box()["width"], "y": 3})  # look there
    wait_for_change(page, VIEWER, start)
    asked = {
        name: page.evaluate(f"new URL(Twofold.link()).searchParams.get('{name}')") for name in ("times", "seconds")
    }
    assert asked == {"times": "0,2,4.1,7.9", "seconds": "8"}
    page.get_by_role("button", name="Spread evenly").click()
    assert times(page) == ["0", "2.67", "5.33", "8"]


def test_a_film_of_sixty_frames_a_second_says_what_a_gif_holds(visit):
    page = visit("?b=digits&tab=morph&keys=0,1&seconds=2")
    note = page.get_by_text("GIF counts in hundredths of a second")
    page.get_by_role("radio", name="50").check()
    assert not note.is_visible()
    page.get_by_role("radio", name="60").check()
    note.wait_for()
    page.get_by_role("button", name="Export GIF").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download digits-morph-0-1.gif").click()
    with Image.open(download.value.path()) as film:
        assert film.n_frames == 100


# --- paths from elsewhere ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "viewport", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}], ids=["wide", "phone"]
)
def test_a_path_drawn_on_the_map_becomes_a_morph(visit, viewport: dict, address: str):
    page = visit("?b=digits&m=gan&tab=explore", viewport=viewport)
    chart = page.locator(".tf-latent-map")
    page.get_by_text("Each dot is a sample from the fitted prior").wait_for()
    page.get_by_label("Draw a path").check()
    box: dict[str, float] = {}

    def look() -> None:
        chart.scroll_into_view_if_needed()
        box.update(chart.bounding_box())

    def at(angle: float) -> tuple[float, float]:
        return box["x"] + box["width"] * (0.5 + 0.3 * np.cos(angle)), box["y"] + box["height"] * (
            0.5 + 0.3 * np.sin(angle)
        )

    look()
    page.mouse.click(*at(0))
    page.get_by_role("button", name="Open in Morph").last.click()
    page.get_by_role("alert").filter(has_text="A path has two points at least").wait_for()
    page.get_by_role("button", name="Start again").click()
    look()
    page.mouse.move(*at(0))
    page.mouse.down()
    for angle in np.linspace(0, 2 * np.pi, 60):
        page.mouse.move(*at(angle))
    page.mouse.up()
    assert page.get_by_label("Close the path to a loop").is_checked()
    page.get_by_role("button", name="Open in Morph").last.click()
    page.get_by_role("tab", name="Morph", selected=True).wait_for()
    page.locator(".tf-keyframe").nth(7).wait_for()
    assert page.evaluate("Twofold.state.m") == "vae" and keys(page).count("pca:") >= 8
    assert page.get_by_label("Loop back").is_checked() and page.get_by_role("radio", name="Spline").is_checked()
    first = keys(page).split(",")[0].split(":")
    settle(page)
    shown = np.array(still(page, VIEWER).split(","), int)
    there = httpx.get(f"{address}live/digits/map?mapx={first[1]}&mapy={first[2]}").content
    grey = np.asarray(Image.open(io.BytesIO(there))).astype(int)
    assert np.abs(shown.reshape(*grey.shape, -1)[..., 0] - grey).max() <= 1
    page.get_by_role("radio", name="GAN").check()
    page.get_by_role("alert").filter(has_text="is a picture of the VAE: choose the VAE").wait_for()
    page.get_by_role("radio", name="VAE").check()
    page.get_by_role("alert").filter(has_text="is a picture of the VAE").wait_for(state="hidden")


def test_a_path_is_placed_with_the_keyboard(visit):
    page = visit("?b=digits&m=vae&tab=explore")
    chart = page.locator(".tf-latent-map")
    page.get_by_text("Each dot is a sample from the fitted prior").wait_for()
    page.get_by_label("Draw a path").check()
    chart.focus()
    for key in ("Enter", "ArrowRight", "ArrowRight", "Enter", "ArrowUp", "Enter", "Backspace", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("3 keyframes").wait_for()
    page.get_by_role("button", name="Open in Morph").last.press("Enter")
    page.locator(".tf-keyframe").nth(2).wait_for()
    assert keys(page).count("pca:") == 3 and not page.get_by_label("Loop back").is_checked()


def test_playback_goes_on_in_a_loop_after_it_has_played_backwards(visit):
    page = visit("?b=digits&tab=morph&loop=0&seconds=2&keys=0,1&p=0.9")
    page.locator(".tf-keyframe").nth(1).wait_for()
    place = page.get_by_role("slider", name="Position")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("slider => slider.value === '1'", arg=place.element_handle())
    page.wait_for_function("slider => slider.value < 0.9", arg=place.element_handle())
    page.get_by_label("Loop back to the first").check()
    for share in ("slider.value > 0.5", "slider.value < 0.4", "slider.value > 0.5"):
        page.wait_for_function(f"slider => {share}", arg=place.element_handle())
    page.get_by_role("button", name="Pause").click()
