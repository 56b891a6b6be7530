"""Pictures of 96 x 64 pixels beside square ones, in one page and in the static page: nothing takes them for squares."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import drag
from bundle import on_device
from bundle.images import png
from bundle.sessions import choose_provider
from demo.routes import device
from demo.serving.served_bundle import open_bundles
from tests.browser.test_device import pixels
from tests.browser.test_page import TABS, settle, tab
from tests.support import tiny
from tests.support.demo_page import launched
from tests.support.static_site import hosted, written
from tests.support.static_visit import wait_for_script

Page = Any  # playwright's, which need not be installed

HEIGHT, WIDTH = 64, 96
PHONE = {"width": 390, "height": 844}
WINDOWS = (PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900})
# Pictures on screen whose sides are not in the proportion `ratio`, to a pixel.
OUT_OF_SHAPE = """ratio => [...document.querySelectorAll('.tf-picture, .tf-sheet button, .tf-board')]
    .filter((e) => e.offsetParent && Math.abs(e.clientWidth / ratio - e.clientHeight) > 1.01)
    .map((e) => `${e.className} ${e.alt ?? e.getAttribute('aria-label')} ${e.clientWidth} x ${e.clientHeight}`)"""

# Pairs of cards on screen that lie over each other.
OVERLAPPING = """() => {
    const boxes = [...document.querySelectorAll('.tf-card')].filter((e) => e.offsetParent)
        .map((e) => [e.getAttribute('aria-label') ?? e.textContent.slice(0, 30), e.getBoundingClientRect()]);
    const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    return boxes.flatMap(([name, a], i) =>
        boxes.slice(i + 1).filter(([, b]) => over(a, b)).map(([other]) => [name, other]));
}"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("proportions")
    tiny.build(root / "wide", name="wide", classes=3, channels=3, height=HEIGHT, width=WIDTH)
    tiny.build(root / "square", name="square")
    return root


@pytest.fixture(scope="module")
def address(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over both bundles."""
    models, unavailable = open_bundles(bundles, choose_provider("cpu"))
    with launched(models, unavailable, files=tmp_path_factory.mktemp("gradio")) as url:
        yield url


def in_shape(page: Page, ratio: float) -> None:
    """Waits until every picture is in shape: after a change of the bundle some are drawn a little later."""
    for _ in range(200):
        wrong = page.evaluate(OUT_OF_SHAPE, ratio)
        if not wrong and page.evaluate("Twofold.stats.inFlight") == 0:
            return
        page.wait_for_timeout(50)
    assert wrong == []


def test_every_tab_has_pictures_of_this_shape_and_changes_with_the_bundle(visit: Callable[..., Any]):
    page = visit("?b=wide&c=1&x=5&y=0")
    for name in TABS:
        tab(page, name)
        page.locator(".tf-card:visible").first.wait_for()
        for size in WINDOWS:
            page.set_viewport_size(size)
            in_shape(page, WIDTH / HEIGHT)
            assert page.evaluate(OVERLAPPING) == [], (name, size)
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"], name
    page.get_by_text("96 × 64, colour").wait_for()
    page.evaluate("Twofold.set({ b: 'square' })")
    for name in TABS:
        tab(page, name)
        page.locator(".tf-card:visible").first.wait_for()
        in_shape(page, 1)


def test_a_drag_goes_as_far_down_as_across_and_the_device_draws_the_same(visit: Callable[..., Any]):
    page = visit("?b=wide&c=1&x=5&y=0")
    box = page.locator(".tf-travel").bounding_box()
    drag(page, ".tf-travel", (0.5, 0.5), (0.75, 0.5))
    drag(page, ".tf-travel", (0.5, 0.5), (0.5, 0.5 + 0.25 * box["width"] / box["height"]))
    assert page.evaluate("[Twofold.state.x, Twofold.state.y]") == pytest.approx([5.25, 0.25], abs=0.01)
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    by_server = pixels(page)
    assert len(by_server) == 4 * WIDTH * HEIGHT
    page.get_by_role("switch", name="On my device").check()
    page.wait_for_function("Twofold.onDevice")
    page.evaluate("Twofold.set({ x: 9 })")
    settle(page)
    page.evaluate("Twofold.set({ x: 5.25 })")
    assert np.abs(pixels(page) - by_server).max() <= 1


def test_a_mask_a_drawing_and_an_upload(visit: Callable[..., Any], tmp_path: Path):
    page = visit("?b=wide")
    tab(page, "Rebuild")
    page.get_by_alt_text("The VAE's reconstruction of the input").wait_for()
    page.get_by_role("button", name="Left half").click()
    page.get_by_alt_text("Completion 4 of 4").wait_for()
    in_shape(page, WIDTH / HEIGHT)
    mask = page.locator(".tf-mask")
    hidden = mask.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 3)"
    )
    hidden = np.array(hidden).reshape(HEIGHT, WIDTH) > 0
    assert hidden[:, : WIDTH // 2].all() and not hidden[:, WIDTH // 2 :].any()
    page.get_by_role("button", name="Refine (20 rounds)").click()
    page.get_by_alt_text("The best picture that the search has found").wait_for()

    page.get_by_role("radio", name="Draw").check()
    page.get_by_text("What the models see: 96 × 64 pixels").wait_for()
    drag(page, ".tf-board", (0.1, 0.5), (0.9, 0.5))
    page.get_by_alt_text("The VAE's reconstruction of the input").wait_for()
    in_shape(page, WIDTH / HEIGHT)

    page.get_by_role("radio", name="Upload").check()
    picture = np.full((200, 400, 3), 200, np.uint8)
    picture[:, 50:350] = [30, 160, 30]
    (tmp_path / "broad.png").write_bytes(png(picture))
    page.get_by_label("Choose a picture file").first.set_input_files(tmp_path / "broad.png")
    page.get_by_text("300 × 200 of 400 × 200 pixels, from 50, 0").wait_for()
    frame = page.locator(".tf-crop-frame >> visible=true").bounding_box()
    assert frame["width"] / frame["height"] == pytest.approx(1.5, rel=0.02)
    page.get_by_role("slider", name="Zoom").fill("2")
    page.get_by_text("150 × 100 of 400 × 200 pixels, from 125, 50").wait_for()


def test_the_critics_map_the_quiz_and_two_shapes_side_by_side(visit: Callable[..., Any]):
    page = visit("?b=wide")
    tab(page, "Compare")
    page.get_by_role("button", name="Look closer").click()
    page.get_by_alt_text("Map of the critic's attention").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Picture 1 of 20").wait_for()
    in_shape(page, WIDTH / HEIGHT)
    page.get_by_label("Right model").select_option("square.gan")
    page.get_by_text("The two sides draw pictures of different sizes").wait_for()
    shapes = page.locator(".tf-side-grid").evaluate_all(
        "g => g.map((e) => [e.querySelector('canvas').width, e.querySelector('canvas').height])"
    )
    assert shapes == [[WIDTH, HEIGHT], [32, 32]]


def test_the_static_page(browser: Any, bundles: Path, tmp_path: Path):
    page = browser.new_page(viewport=PHONE)
    with hosted(written([bundles / "wide", bundles / "square"], tmp_path / "site")) as address:
        page.goto(f"{address}?b=wide")
        wait_for_script(page, "window.Twofold?.stats.shown > 0")
        for name in ("Play", "Morph", "About", "Samples"):
            tab(page, name)
            in_shape(page, WIDTH / HEIGHT)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save PNG").locator("visible=true").click()
        assert Image.open(io.BytesIO(Path(download.value.path()).read_bytes())).size == (10 * WIDTH, 4 * HEIGHT)
        tab(page, "Morph")
        page.get_by_role("slider", name="Frames of a strip").fill("12")
        page.get_by_role("button", name="Export PNG strip").click()
        page.get_by_role("link", name="Download").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert Image.open(io.BytesIO(Path(download.value.path()).read_bytes())).size == (20 * WIDTH, 4 * HEIGHT)
        page.evaluate("Twofold.set({ b: 'square' })")
        in_shape(page, 1)
    page.close()
