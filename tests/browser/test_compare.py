"""Compare in a real Chromium: locked grids, one over the other, figures, a closer look, a quiz without leaks."""

import csv
import json
from pathlib import Path
from typing import Any

from tests.browser.test_page import pixels, settle, still

Page = Any  # playwright's

OVER = "?b=digits&tab=compare"


def ready(page: Page) -> None:
    page.locator(".tf-side-grid button[aria-label*='grey levels apart']").first.wait_for()
    settle(page)


def test_two_grids_are_locked_and_a_link_restores_them(visit):
    page = visit(OVER)
    ready(page)
    tiles = page.locator(".tf-side-grid button")
    assert tiles.count() == 32
    tiles.nth(5).focus()
    assert page.locator(".tf-marked").count() == 2 and "tf-marked" in tiles.nth(21).get_attribute("class")
    page.keyboard.press("ArrowRight")
    assert tiles.nth(6).evaluate("e => e === document.activeElement")
    told = float(tiles.nth(6).get_attribute("aria-label").split(", ")[-1].split(" ")[0])
    apart = tiles.nth(6).evaluate("""(a, b) => {
        const data = [a, b].map((e) => e.querySelector('canvas').getContext('2d').getImageData(0, 0, 32, 32).data);
        let sum = 0;
        for (let i = 0; i < data[0].length; i += 4) sum += Math.abs(data[0][i] - data[1][i]);
        return sum / 1024; }""", tiles.nth(22).element_handle())  # fmt: skip
    assert abs(told - apart) < 0.06
    page.get_by_label("Right model").select_option("digits.gan")
    page.locator(".tf-side-grid button[aria-label*='0.0 of 255']").nth(31).wait_for()  # the same model: equal pairs
    page.get_by_label("Right model").select_option("plain.vae")
    page.get_by_label("First seed").fill("30")
    page.evaluate("Twofold.sides.set({})")  # something else of the sides changes while the seed is being typed
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="6 × 6").check()
    page.get_by_label("Class of the pictures").select_option("3")
    page.get_by_text("different sizes").or_(page.get_by_text("36 pairs")).wait_for()
    page.wait_for_function("Twofold.addressNotes.grid === 6 && Twofold.state.c === 3")
    page.get_by_role("button", name="Left, Seed 65").wait_for()
    first = still(page, ".tf-side-grid canvas")
    link = page.evaluate("Twofold.link()")
    again = visit("?" + link.split("?")[1])
    again.get_by_role("button", name="Left, Seed 65").wait_for()
    again.wait_for_function(f"() => ({PIXELS_OF_FIRST})() === {json.dumps(first)}")
    assert again.get_by_label("Right model").input_value() == "plain.vae"
    old = link
    for name, former in (("right", "r"), ("seed", "s"), ("grid", "g"), ("oneclass=1", "k=one")):
        assert f"&{name}" in old or f"?{name}" in old
        old = old.replace(f"{name}=", f"{former}=").replace(name, former)
    before = visit("?" + old.split("?")[1])  # as links were written earlier
    before.get_by_role("button", name="Left, Seed 65").wait_for()
    before.wait_for_function(f"() => ({PIXELS_OF_FIRST})() === {json.dumps(first)}")
    assert sorted(before.evaluate("Twofold.link()").split("?")[1].split("&")) == sorted(link.split("?")[1].split("&"))


PIXELS_OF_FIRST = """() => { const c = document.querySelector('.tf-side-grid canvas');
    return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).join(); }"""


def test_a_sheet_that_fails_leaves_no_picture_of_another_model(visit):
    page = visit(OVER, refused="/grid")
    ready(page)
    busy = "Too many people are drawing right now; try again in a second."
    page.route("**/live/plain/grid?*", lambda route: route.fulfill(status=503, content_type="text/plain", body=busy))
    page.get_by_label("Right model").select_option("plain.gan")
    page.get_by_text(busy).first.wait_for()
    inks = """() => [...document.querySelectorAll('.tf-side-grid')].map((grid) => [...grid.querySelectorAll('canvas')]
        .some((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)))"""
    assert page.evaluate(inks) == [True, False]
    with page.expect_response("**/live/digits/grid?*"):
        page.get_by_label("First seed").fill("7")
        page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.get_by_text(busy).first.is_visible()  # that the other side arrived mends nothing
    page.unroute("**/live/plain/grid?*")
    page.get_by_label("First seed").fill("1")
    page.keyboard.press("Enter")  # any change asks again
    page.wait_for_function(f"({inks})()[1]")


def test_one_over_the_other_by_key_and_by_slider_and_nothing_moves_unasked(visit):
    page = visit(OVER, reduced_motion="reduce")
    ready(page)
    page.get_by_role("radio", name="Blink").check()
    below, above = page.locator(".tf-stacked canvas").nth(1), page.locator(".tf-stacked canvas").nth(0)
    assert above.is_visible() and below.is_visible()
    page.keyboard.press("b")
    assert above.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    page.get_by_text("Right: digits (random) · VAE").last.wait_for()
    page.get_by_role("button", name="Show the other").click()
    assert above.evaluate("e => getComputedStyle(e).visibility") == "visible"
    assert not page.get_by_role("button", name="Blink by itself").is_visible()
    page.get_by_text("set to reduce motion").first.wait_for()
    whole = pixels(page, ".tf-stacked canvas")
    page.get_by_role("radio", name="Slider").check()
    page.get_by_label("How much of the right picture").fill("20")
    assert above.evaluate("e => getComputedStyle(e).clipPath") == "inset(0px 80% 0px 0px)"
    page.get_by_label("Only the chosen pair").check()
    assert len(pixels(page, ".tf-stacked canvas").split(",")) == 32 * 32 * 4 < len(whole.split(","))


def test_figures_then_a_closer_look_then_the_quiz(visit, tmp_path: Path):
    page = visit(OVER + "&right=plain.gan", refused="compare/look")  # a file that is no picture
    figures_have_floors_words_and_downloads_and_curves_are_told_of(page)
    page.get_by_label("Right model").select_option("digits.vae")
    ready(page)
    a_closer_look_at_a_tile_and_at_a_file(page, tmp_path)
    the_quiz_leaks_nothing_counts_right_and_keeps_the_best_here(page)


def figures_have_floors_words_and_downloads_and_curves_are_told_of(page: Page) -> None:
    row = page.locator(".tf-figures tbody tr").filter(has_text="Fréchet").first
    row.get_by_text("floor 0.5").first.wait_for()
    assert "not comparable" in row.inner_text()  # grey and coloured pictures
    page.get_by_text("How they were measured").click()
    page.get_by_text("measured on 24 pictures").first.wait_for()
    for name in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download {name}").click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(text.splitlines())) if name == "CSV" else json.loads(text)["rows"]
        assert rows[0]["figure"] == "frechet" and rows[0]["verdict"] == "incomparable"
    page.get_by_text("this bundle has no training curves").wait_for()


def a_closer_look_at_a_tile_and_at_a_file(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Right, Seed 9").click()
    page.get_by_role("button", name="Look closer").click()
    page.get_by_text("Shown below: digits (random) · VAE · Seed 9 · 9").wait_for()
    shown = page.get_by_alt_text("digits (random) · VAE · Seed 9 · 9").first
    tile = page.locator(".tf-side-grid").nth(1).locator("canvas").nth(9)
    values = """e => { const p = document.createElement('canvas').getContext('2d'); p.drawImage(e, 0, 0);
        return [...p.getImageData(0, 0, 32, 32).data]; }"""
    apart = [abs(a - b) for a, b in zip(shown.evaluate(values), tile.evaluate(values), strict=True)]
    assert max(apart) <= 1
    page.get_by_alt_text("Map of the critic's attention").wait_for()
    page.get_by_text("carries no training codes").wait_for()
    page.locator(".tf-closer").get_by_role("radio", name="Upload").check()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page.locator(".tf-closer input[type=file]").set_input_files(tmp_path / "broken.png")
    page.get_by_role("alert").filter(has_text="not a picture that can be read").wait_for()
    page.evaluate("FileReader.prototype.readAsDataURL = function () { this.dispatchEvent(new Event('error')); }")
    (tmp_path / "moved.png").write_bytes(b"gone")
    page.locator(".tf-closer input[type=file]").set_input_files(tmp_path / "moved.png")
    page.get_by_role("alert").filter(has_text="This file cannot be read: it may be a folder").wait_for()


def the_quiz_leaks_nothing_counts_right_and_keeps_the_best_here(page: Page) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Picture 1 of 20").wait_for()
    quiz = page.locator(".tf-quiz")
    before = " ".join(asked) + quiz.evaluate("e => e.querySelector('.tf-quiz-play').outerHTML").lower()
    assert all(word not in before for word in ("examples", "truth", "seed=", "held-out picture"))
    for n in range(1, 21):
        if n % 2:
            page.keyboard.press("r")
        else:
            quiz.get_by_role("button", name="Generated").click()
        if n < 20:
            page.get_by_text(f"Picture {n + 1} of 20").wait_for()
    page.get_by_role("heading", name="of 20 right").wait_for()
    right = int(page.get_by_role("heading", name="of 20 right").inner_text().split(" ")[0])
    marks = quiz.locator("figcaption").all_inner_texts()
    assert sum(mark.startswith("✓") for mark in marks) == right and len(marks) == 20
    assert sum("real" in mark for mark in marks) == 10
    assert "Wilson" in quiz.inner_text() and f"{right} of 20" in quiz.get_by_label("Result to share").input_value()
    quiz.get_by_text(f"Best result in this browser: {right} of 20").wait_for()
    page.get_by_label("Left model").select_option("digits.vae")
    quiz.get_by_text("Best result").wait_for(state="hidden")  # of another model nothing is known
