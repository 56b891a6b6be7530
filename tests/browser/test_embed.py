"""`<twofold-generator>`: a generator of the static page in a page of another host."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.latents import one_hot
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.browser.conftest import WIDE
from tests.support import tiny
from tests.support.static_site import AnyOrigin, hosted, written
from tests.support.static_visit import close, until

PIXELS = """element => {
    const canvas = element.shadowRoot.querySelector('canvas');
    return Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data);
}"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundles")
    tiny.build(root / "digits", name="digits")
    tiny.build(root / "plain", name="plain", classes=0, channels=3)
    return root


@pytest.fixture(scope="module")
def models(bundles: Path) -> dict[str, ServedBundle]:
    return dict(open_bundles(bundles, choose_provider("cpu"))[0])


@pytest.fixture(scope="module")
def site(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = written([bundles / "digits", bundles / "plain"], tmp_path_factory.mktemp("embed") / "site")
    with hosted(folder, AnyOrigin) as address:
        yield address


def pixels(page: Any, selector: str) -> np.ndarray:
    flat = np.array(page.locator(selector).evaluate(PIXELS))
    side = int((len(flat) / 4) ** 0.5)
    return flat.reshape(side, side, 4)[..., :3]


def test_another_page_shows_the_demos_pictures(browser: Any, site: str, models, tmp_path: Path):
    (tmp_path / "index.html").write_text(
        f"""<!doctype html><script type="module" src="{site}embed.js"></script>
        <script>window.drawn = []; addEventListener("draw", (e) => drawn.push(e.target.id), true)</script>
        <twofold-generator id="a" bundle="digits" seed="7" truncation="0.8"></twofold-generator>
        <twofold-generator id="b" bundle="plain" seed="4" model="vae" still></twofold-generator>
        <twofold-generator id="c" bundle="nowhere"></twofold-generator>
        <twofold-generator id="d" bundle="digits" of-class="99"></twofold-generator>
        <twofold-generator id="e" bundle="digits" of-class="1.5"></twofold-generator>
        <twofold-generator id="f" bundle="digits" truncation="much"></twofold-generator>
        <twofold-generator id="g" class="card large" bundle="digits" seed="7" of-class="2"></twofold-generator>
        <twofold-generator id="h" class="3" bundle="digits" seed="7"></twofold-generator>"""
    )
    with hosted(tmp_path) as address:
        page = browser.new_page(viewport=WIDE)
        page.goto(address)
        until(page, "['a', 'b', 'g', 'h'].every((id) => drawn.includes(id))")
        classes = models["digits"].class_count
        assert close(pixels(page, "#a"), models["digits"].at(7, 0, one_hot(7 % classes, classes), 0.8))
        assert close(pixels(page, "#b"), models["plain"].at(4, 0, model="vae"))
        for place, c in (("#g", 2), ("#h", 3)):
            assert close(pixels(page, place), models["digits"].at(7, 0, one_hot(c, classes)))
        page.get_by_text("There is no bundle 'nowhere' here; these are: digits, plain.").wait_for()
        page.get_by_text("'digits' has no class 99").wait_for()
        page.get_by_text("'digits' has no class 1.5").wait_for()
        page.get_by_text("'much' is no truncation").wait_for()
        page.evaluate("drawn.length = 0")
        page.locator("#b").click()  # still
        page.locator("#a").click()
        until(page, "drawn.includes('a')")
        assert close(pixels(page, "#a"), models["digits"].at(8, 0, one_hot(8 % classes, classes), 0.8))
        assert page.evaluate("drawn") == ["a"]
        page.evaluate("document.body.prepend(document.querySelector('#a')); drawn.length = 0")  # connected once more
        page.locator("#a").click()
        until(page, "drawn.includes('a')")
        assert page.locator("#a").get_attribute("seed") == "9"
        assert page.locator("#b").get_attribute("tabindex") is None and page.get_by_role("button").count() >= 3
        title = page.locator("#a canvas").get_attribute("aria-label").partition(",")[0]
        button = page.get_by_role("button", name=f"{title}, seed 9")
        for key, seed in (("Enter", 10), (" ", 11)):
            button.focus()
            page.keyboard.press(key)
            button = page.get_by_role("button", name=f"{title}, seed {seed}")
            button.wait_for()
        page.close()


def test_the_example_page_draws(browser: Any, site: str):
    page = browser.new_page(viewport=WIDE)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{site}embed.html")
    for number in (0, 1):
        until(
            page,
            f"document.querySelectorAll('twofold-generator')[{number}].shadowRoot?.querySelector('canvas[aria-label]')",
        )
    assert page.get_by_text('<twofold-generator bundle="digits" seed="7">').is_visible() and not troubles
    page.close()
