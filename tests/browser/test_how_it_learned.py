"""How it learned, in a real Chromium: the slider, its words, playing, the marks, films, the tour; and a plain sentence
for a bundle that has nothing to show."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.browser.test_page import settle

Page = Any  # playwright's, which need not be installed
LEARNED = "#tf-about .tf-learned"


def pixels(page: Page, box: str = LEARNED) -> str:
    return page.locator(f"{box} canvas").evaluate("c => c.toDataURL()")


def test_the_slider_goes_through_the_training(visit, tmp_path: Path):
    page = visit("?b=learner&m=gan&tab=about")
    slider = page.get_by_role("slider", name="Moment of the training")
    slider.wait_for()
    page.locator(f"{LEARNED} .tf-marker").wait_for(state="attached")
    assert slider.get_attribute("aria-valuetext") == "400 pictures seen, after 40 s; possible mode collapse"
    curves = page.locator(LEARNED).get_by_role("combobox", name="Curve").locator("option").all_inner_texts()
    assert curves == ["variety of the samples relative to the data", "loss"]
    assert page.locator(f"{LEARNED} .tf-learned-track .tf-alarm").count() == 1
    last, marker = pixels(page), page.locator(f"{LEARNED} .tf-marker").get_attribute("d")
    slider.focus()
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "100 pictures seen, after 10 s"
    assert page.get_by_role("img", name="GAN: 100 pictures seen, after 10 s").is_visible()
    assert pixels(page) != last and page.locator(f"{LEARNED} .tf-marker").get_attribute("d") != marker
    page.locator(LEARNED).get_by_role("button", name="Play").click()
    page.locator(LEARNED).get_by_role("button", name="Pause").wait_for()
    page.wait_for_function(f"document.querySelector('{LEARNED} input[type=range]').value === '2'")
    assert pixels(page) == last
    page.locator(LEARNED).get_by_role("button", name="Pause").click()
    page.locator(LEARNED).get_by_role("radio", name="VAE").check()
    page.get_by_role("img", name="VAE: 400 pictures seen, after 40 s; possible mode collapse").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Film as GIF").click()
    download.value.save_as(tmp_path / "film.gif")
    with Image.open(io.BytesIO((tmp_path / "film.gif").read_bytes())) as film:
        seen = [np.asarray(film.convert("L")).copy() for i in range(film.n_frames) if film.seek(i) is None]
    assert len(seen) >= 3 and (seen[0] != seen[1]).mean() > 0.2


def test_the_tour_plays_it_and_stands_still_where_motion_is_unwanted(visit):
    for motion, still in (("no-preference", False), ("reduce", True)):
        page = visit("?b=learner&m=gan&tour=1", reduced_motion=motion)
        for _ in range(5):
            page.locator(".tf-tour").get_by_role("button", name="Next").click()
        assert page.locator(".tf-tour-step.tf-current h4").inner_text() == "6. All of it was learned"
        words = "Play" if still else "Pause"
        page.locator(".tf-tour").get_by_role("button", name=words, exact=True).wait_for()


def test_the_tour_is_printed_once_its_last_step_is_drawn(visit):
    page = visit("?b=learner&m=gan&tour=1", "window.print = () => { window.printed = true; };")
    late = """() => {
        const { imageAt } = window.Twofold;
        window.Twofold.imageAt = (url) => new Promise((give) => (window.arrive = () => give(imageAt(url))));
    }"""
    page.evaluate(late)
    page.get_by_role("button", name="Print the tour").click()
    page.wait_for_function("Boolean(window.arrive)")
    settle(page)
    page.wait_for_timeout(200)
    assert not page.evaluate("window.printed")
    page.evaluate("arrive()")
    page.wait_for_function("window.printed")
    assert page.locator(".tf-tour .tf-learned canvas").evaluate("c => c.width !== 64")


def test_a_bundle_without_snapshots_says_how_to_get_them(visit):
    page = visit("?b=plain&tab=about")
    page.get_by_text("This bundle has no snapshots of its training").wait_for()
    page.get_by_text("--resume takes them from then on").wait_for()
    assert (
        page.locator(f"{LEARNED} canvas").count() == 0
        and page.get_by_role("heading", name="How it learned").count() == 0
    )
