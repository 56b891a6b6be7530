"""Make in a real Chromium: pictures from films and from the webcam."""

import base64
from typing import Any

from PIL import Image

from demo.make.projects import Projects
from tests.support.make_tab import DROP, FILM, make_tab, new_project


def test_a_video_gives_frames_without_those_that_are_almost_the_same(visit, projects: Projects):
    page = visit()
    new_project(page)
    film = page.evaluate(FILM)
    page.evaluate(DROP, [".tf-make-drop", [{"name": "disc.webm", "type": "video/webm", "bytes": film}]])
    page.locator(".tf-make-video").wait_for()
    page.get_by_role("button", name="Take the frames").click()
    page.get_by_text("pictures have arrived.").wait_for()
    page.get_by_text("the others were almost the same").wait_for()
    count = len(list((projects.folder(projects.names()[0]) / "pictures").glob("*/*")))
    assert 8 <= count <= 24  # 15 walk; of those that stand still one is kept
    torn = {"name": "torn.mp4", "type": "video/mp4", "bytes": base64.b64encode(b"no film").decode()}
    page.evaluate(DROP, [".tf-make-drop", [torn]])
    page.get_by_text("This browser cannot decode the video torn.mp4.").wait_for()


def test_a_video_that_fails_half_way_keeps_its_frames_and_is_named(visit, projects: Projects):
    page = visit()
    new_project(page)
    film = page.evaluate(FILM)
    files = [{"name": f"{name}.webm", "type": "video/webm", "bytes": film} for name in ("torn", "whole")]
    page.evaluate(DROP, [".tf-make-drop", files])
    page.locator(".tf-make-video").wait_for()
    tear = """() => {
        const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime");
        let seeks = 0;
        Object.defineProperty(HTMLMediaElement.prototype, "currentTime", { get, set(time) {
            if (++seeks === 8) this.dispatchEvent(new Event("error"));
            else set.call(this, time);
        } });
    }"""
    page.evaluate(tear)
    page.get_by_role("slider", name="One frame in").fill("1")
    page.get_by_role("button", name="Take the frames").click()
    page.get_by_text("pictures have arrived.").wait_for()
    page.get_by_text("This browser cannot decode the video torn.webm.").wait_for()
    folders = {path.parent.name for path in (projects.folder(projects.names()[0]) / "pictures").glob("*/*")}
    assert folders == {"torn", "whole"}


def test_the_webcam_takes_a_burst_and_a_series_that_may_end_early(launch: Any, address: str, projects: Projects):
    browser = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page = browser.new_page()
    page.goto(f"{address}?lang=en")
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    new_project(page)
    page.get_by_role("button", name="Use the webcam").click()
    page.wait_for_function("document.querySelector('.tf-make-aim video').videoWidth > 0")
    page.get_by_role("combobox", name="How many pictures").select_option("10")
    page.get_by_role("button", name="Take them").click()
    page.get_by_text("10 pictures have arrived.").wait_for()
    page.get_by_role("combobox", name="How often").select_option("30")
    page.get_by_role("button", name="Take them").click()
    page.get_by_text("1 of 10").wait_for()
    page.get_by_role("button", name="Enough").click()
    page.get_by_text("1 picture has arrived.").wait_for()
    files = list((projects.folder(projects.names()[0]) / "pictures").glob("*/*.png"))
    width, height = Image.open(files[0]).size
    assert len(files) == 11 and width == height > 200

    # Pictures belong to the project that was open when the burst began.
    filmed = projects.names()[0]
    page.get_by_role("button", name="Take them").click()
    page.get_by_text("1 of 10").wait_for()
    new_project(page)
    page.get_by_role("button", name="Enough").click()
    for _ in range(200):
        files = list((projects.folder(filmed) / "pictures").glob("*/*.png"))
        if len(files) > 11:
            break
        page.wait_for_timeout(50)
    assert len(files) == 12 and projects.names()[0] == filmed

    # Who goes elsewhere leaves no camera running, whether or not its picture was in view.
    page.evaluate("document.querySelector('.tf-make-aim').style.marginTop = '3000px'; scrollTo(0, 0)")
    page.wait_for_timeout(500)
    page.get_by_role("tab", name="Play").click()
    page.wait_for_function("document.querySelector('.tf-make-aim video').srcObject === null")
    browser.close()


def test_a_webcam_that_is_not_there_is_said(visit):
    page = visit()
    make_tab(page)
    page.get_by_role("button", name="Use the webcam").click()
    page.get_by_text("No webcam was found on this device.").wait_for()
    assert page.get_by_role("button", name="Use the webcam").is_enabled()
