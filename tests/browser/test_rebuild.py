"""The Rebuild tab in a real Chromium: draw, crop, webcam; samples, repair, a stopped search, before and after."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.browser import drag
from bundle.images import png
from demo.tabs.rebuild import completions
from tests.bundle.test_picture_files import png_of_16_bits

Page = Any  # playwright's, which need not be installed

INPUT = "The input as the models see it"
VAE = "The VAE's reconstruction of the input"
# The bytes of a picture on the page: r, g, b, a, r, …
PIXELS = """async (image) => {
    for (let left = 50; !(await image.decode().then(() => true, () => false)); left--) {  // not while it is changing
        if (!left) throw new Error(`no picture: ${image.alt}`);
        await new Promise((done) => setTimeout(done, 100));
    }
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def opened(page: Page) -> Page:
    page.get_by_role("tab", name="Rebuild").click()
    page.get_by_alt_text(VAE).wait_for()
    return page


def pixels(page: Page, alt: str) -> np.ndarray:
    """[H, W, 3] of a picture on the page."""
    flat = np.array(page.get_by_alt_text(alt, exact=True).evaluate(PIXELS), np.uint8)
    side = int(np.sqrt(len(flat) / 4))
    return flat.reshape(side, side, 4)[..., :3]


def wait_for_colour(page: Page, *colour: int) -> None:
    """Until the middle of the input is of a colour; wait_for_function would not wait for a promise."""
    for _ in range(300):
        if np.abs(pixels(page, INPUT)[16, 16] - np.array(colour)).max() < 8:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the middle of the input is {pixels(page, INPUT)[16, 16]}, not {colour}")


def test_a_drawn_digit_is_rebuilt_read_and_repaired(visit):
    page = opened(visit("?b=digits"))
    page.get_by_role("radio", name="Draw").check()
    drag(page, ".tf-board", (0.5, 0.2), (0.5, 0.8))
    wait_for_colour(page, 255, 255, 255)
    seen, small = pixels(page, INPUT), page.get_by_label("The drawing at the models' resolution")
    shown = small.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    preview = np.array(shown).reshape(32, 32, 4)[..., 0]
    assert np.abs(preview - seen[..., 0].astype(int)).mean() < 6  # two ways of making it small
    for model in ("VAE", "GAN"):
        assert page.get_by_role("group", name=model, exact=True).locator("dd").count() == 3
    assert page.locator(".tf-reconstructions .tf-classified:visible", has_text="reads ").count() == 3
    assert page.locator(".tf-best").count() == 1

    page.get_by_role("button", name="Lower half").click()
    page.get_by_alt_text("Completion 4 of 4").wait_for()
    names = [f"The picture with its hidden pixels filled in by the {model}" for model in ("VAE", "GAN")]
    answers = [pixels(page, alt) for alt in (*names, *(f"Completion {i} of 4" for i in range(1, 5)))]
    assert all((answer[:16] == seen[:16]).all() for answer in answers)
    assert len({answer[16:].tobytes() for answer in answers[2:]}) == 4
    assert page.locator(".tf-repair .tf-classified:visible", has_text="reads ").count() == 6

    page.get_by_label("What is laid over the input").select_option("Completion 2")
    uncovered = page.get_by_label("How much of the input is uncovered")
    uncovered.press("Home")
    for _ in range(3):
        uncovered.press("ArrowRight")
    after = page.get_by_alt_text("After: Completion 2")
    assert after.evaluate("i => i.style.clipPath").replace("0px", "0") == "inset(0 0 0 3%)"
    assert uncovered.get_attribute("aria-valuetext") == "3 % input, 97 % answer"


def test_the_keyboard_draws_and_the_temperature_widens_the_samples(visit):
    page = opened(visit("?b=digits"))
    page.get_by_role("radio", name="Draw").check()
    board = page.get_by_role("application", name="Drawing board")
    board.focus()
    for key in (" ", *["Shift+ArrowDown"] * 3, " "):
        board.press(key)
    wait_for_colour(page, 255, 255, 255)
    drawn = board.evaluate("c => c.toDataURL()")
    board.press(" ")
    board.press("ArrowLeft")
    board.press("Control+z")
    assert board.evaluate("c => c.toDataURL()") == drawn

    samples = "[...document.querySelectorAll('.tf-posterior .tf-samples img')].map((i) => i.src)"
    page.wait_for_function(f"new Set({samples}).size === 8")
    assert page.locator(".tf-legend-ends span").last.inner_text() != "0.000"
    page.get_by_label("Temperature").and_(page.locator(".tf-posterior input")).fill("0")
    page.wait_for_function(f"{samples}.length === 8 && new Set({samples}).size === 1")
    assert page.locator(".tf-legend-ends span").last.inner_text() == "0.000"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Semaphore, threading.Event]]:
    """Searches take a step only when they are let; the event says that one was given up."""
    let, ended = threading.Semaphore(0), threading.Event()
    search = completions.search

    def slow(*args: Any) -> Iterator[completions.Step]:
        try:
            for step in search(*args):
                let.acquire(timeout=30)
                yield step
        except GeneratorExit:
            ended.set()
            raise

    monkeypatch.setattr(completions, "search", slow)
    yield let, ended
    let.release(1000)


def test_a_search_shows_its_errors_is_stopped_and_goes_on(visit, gate):
    let, ended = gate
    page = opened(visit("?b=digits"))
    page.get_by_role("button", name="Refine (20 rounds)").click()
    let.release(4)
    page.get_by_text("after 3 rounds of search").wait_for()
    line = (
        "document.querySelector('.tf-curve-line').getAttribute('points').split(' ').map((p) => Number(p.split(',')[1]))"
    )
    assert len(page.evaluate(line)) == 4
    page.get_by_role("button", name="Stop", exact=True).click()
    stopped = page.get_by_text("stopped after 3 rounds of search")
    stopped.wait_for()
    best = page.get_by_alt_text("The best picture that the search has found").get_attribute("src")
    let.release(1)  # the step that it waits for
    assert ended.wait(20)
    assert stopped.is_visible() and page.get_by_alt_text("The best picture").get_attribute("src") == best
    page.get_by_role("button", name="Refine (20 rounds)").click()
    let.release(100)
    page.get_by_text("after 23 rounds of search").wait_for()
    heights = page.evaluate(line)  # from the top of the plot downwards
    assert len(heights) == 24 and heights == sorted(heights) and heights[-1] > heights[3]
    assert "Refined by search" in page.get_by_label("What is laid over the input").inner_text()
    page.get_by_role("button", name="Centre", exact=True).click()  # another question: that answer is gone
    page.get_by_text("No search yet").wait_for()


def test_a_search_begins_after_an_answer_that_failed(visit):
    page = opened(visit("?b=digits", refused="/rebuild/"))
    page.route("**/rebuild/digits", lambda route: route.fulfill(status=503), times=1)
    page.get_by_role("button", name="Lower half").click()
    page.locator(".tf-rebuild .tf-error:visible").wait_for()
    page.get_by_role("button", name="Refine (20 rounds)").click()
    page.get_by_text("after 20 rounds of search").wait_for()
    assert page.locator(".tf-rebuild .tf-error:visible").count() == 0


def test_a_part_of_an_upload_is_chosen_and_without_a_webcam_there_is_a_sentence(visit, tmp_path: Path):
    page = opened(visit("?b=plain"))
    the_part_of_an_upload_is_chosen_by_keys_and_pointer(page, tmp_path)
    page.get_by_role("radio", name="Webcam").check()
    page.get_by_role("button", name="Start the webcam").click()
    page.get_by_role("alert").filter(has_text="webcam").wait_for()
    assert page.get_by_role("button", name="Start the webcam").is_enabled()


def the_part_of_an_upload_is_chosen_by_keys_and_pointer(page: Page, tmp_path: Path) -> None:
    page.get_by_role("radio", name="Upload").check()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    chooser = page.get_by_label("Choose a picture file")
    chooser.set_input_files(tmp_path / "broken.png")
    page.get_by_role("alert").filter(has_text="not a picture that can be read").wait_for()
    flag = np.repeat(np.array([[[200, 30, 30], [30, 160, 30], [30, 30, 200]]], np.uint8), 40, axis=1).repeat(40, axis=0)
    chooser.set_input_files({"name": "flag.png", "mimeType": "image/png", "buffer": png(flag)})
    page.get_by_text("flag.png").wait_for()
    page.get_by_role("alert").filter(has_text="not a picture").wait_for(state="hidden")
    wait_for_colour(page, 30, 160, 30)
    assert (pixels(page, INPUT) == [30, 160, 30]).all()  # the part in the middle, to the last pixel
    frame = page.get_by_role("application", name="The part that is used")
    for _ in range(5):
        frame.press("Shift+ArrowLeft")
    wait_for_colour(page, 200, 30, 30)
    page.get_by_text("40 × 40 of 120 × 40 pixels, from 0, 0").wait_for()
    drag(page, ".tf-crop-stage", (1 / 6, 0.5), (0.5, 0.5), (0.95, 0.5))
    wait_for_colour(page, 30, 30, 200)
    for _ in range(3):
        frame.press("+")
    page.get_by_text("30 × 30 of 120 × 40 pixels").wait_for()
    page.get_by_role("button", name="Largest frame").click()
    wait_for_colour(page, 30, 160, 30)
    deep = png_of_16_bits(np.full((40, 40), 3000, np.uint16))  # 12 bits, which a browser alone shows nearly black
    chooser.set_input_files({"name": "deep.png", "mimeType": "image/png", "buffer": deep})
    wait_for_colour(page, 187, 187, 187)


def test_a_file_that_is_slow_does_not_override_a_later_choice(visit, tmp_path: Path):
    page = visit("?b=digits&tab=rebuild")
    (tmp_path / "slow.png").write_bytes(png(np.full((48, 64, 1), 200, np.uint8)))
    slow = """() => { const quick = createImageBitmap;
        window.createImageBitmap = (...of) => new Promise((done) => (window.go = () => done(quick(...of)))); }"""
    page.evaluate(slow)
    sources = page.get_by_role("radiogroup", name="Where the picture comes from")
    sources.get_by_role("radio", name="Upload").check()
    page.locator(".tf-sources input[type=file]").set_input_files(tmp_path / "slow.png")
    page.wait_for_function("Boolean(window.go)")
    sources.get_by_role("radio", name="Test").check()
    page.evaluate("go()")
    page.wait_for_timeout(200)
    assert sources.get_by_role("radio", name="Test").is_checked()
    assert not page.get_by_text("slow.png").is_visible()


def test_where_training_padded_an_upload_is_shown_whole_on_the_background(visit):
    page = visit("?b=digits")
    page.evaluate("Object.assign(Twofold.bundle('plain').dataset, { fit: 'pad', background: '#0000ff' })")
    page.evaluate("Twofold.set({ b: 'plain' })")
    opened(page).get_by_role("radio", name="Upload").check()
    wide = np.full((20, 40, 3), (200, 30, 30), np.uint8)
    chooser = page.get_by_label("Choose a picture file")
    chooser.set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": png(wide)})
    page.get_by_text("40 × 40 of 40 × 20 pixels").wait_for()
    wait_for_colour(page, 200, 30, 30)
    shown = pixels(page, INPUT)
    assert (shown[[0, 6, 25, 31]] == [0, 0, 255]).all() and (shown[10:22] == [200, 30, 30]).all()
    page.get_by_role("slider", name="Zoom").first.fill("2")
    page.get_by_text("20 × 20 of 40 × 20 pixels").wait_for()


@pytest.fixture
def camera(launch: Callable[..., Any]) -> Iterator[Callable[[str], Page]]:
    """Opens pages in a Chromium with a camera that films a test card."""
    own = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    yield lambda address: _recorded(own, address)
    own.close()


def _recorded(browser: Any, address: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(15_000)
    page.add_init_script(
        """window.tracks = [];
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wish) => {
            const stream = await ask(wish);
            window.tracks.push(...stream.getTracks());
            return stream;
        };"""
    )
    page.goto(address)
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    return opened(page)


def test_the_webcam_gives_one_picture_and_is_stopped(camera, address: str):
    page = camera(address + "?b=plain")
    before = page.get_by_alt_text(INPUT).get_attribute("src")
    page.get_by_role("radio", name="Webcam").check()
    assert page.evaluate("tracks.length") == 0  # only after a click
    page.get_by_role("button", name="Start the webcam").click()
    page.wait_for_function("document.querySelector('.tf-video').videoWidth > 0")
    page.get_by_role("button", name="Take the picture").click()
    page.wait_for_function(
        "([alt, src]) => document.querySelector(`img[alt='${alt}']`).src !== src", arg=[INPUT, before]
    )
    assert page.evaluate("tracks.map((t) => t.readyState)") == ["ended"]
    assert pixels(page, INPUT).std() > 5  # the test card, not an empty frame
    page.get_by_role("button", name="Take another").click()
    page.get_by_role("button", name="Take the picture").wait_for()
    page.get_by_role("radio", name="Test", exact=True).check()  # who goes elsewhere leaves no camera running
    assert page.evaluate("tracks.map((t) => t.readyState)") == ["ended", "ended"]
