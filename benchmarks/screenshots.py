"""The pictures of the documents, taken from the running page: `python -m benchmarks.screenshots`.

Serves artifacts/, opens the page in headless Chromium, and writes docs/{play,morph,rebuild,explore,compare}.png,
docs/phone.png at 390 px, and docs/play.webp, a film of the page at work. Needs playwright and a Chromium.
"""

import io
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from benchmarks.browser import REPOSITORY, box_of, chromium, drag, served, wait_for_a_picture

THREE = [(0.32, 0.28), (0.5, 0.2), (0.66, 0.32), (0.5, 0.48), (0.68, 0.64), (0.5, 0.8), (0.3, 0.72)]

FRAME_MS, FILM_WIDTH = 100, 720
OPENED = 6  # frames to look at what a scene begins with


def film(page: Page, address: str, path: Path) -> None:
    """The page at work for 20 s, as an animated WebP: a drag, an attribute, a bent style, the latent map."""
    page.goto(address)
    wait_for_a_picture(page)
    page.wait_for_timeout(1500)
    frames = [*travelling(page), *moving_an_attribute(page), *bending_a_style(page), *walking_on_the_map(page)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=55, method=6)


def shot(page: Page) -> Image.Image:
    """The window as it is a moment later, FILM_WIDTH wide."""
    page.wait_for_timeout(60)
    window = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return window.resize((FILM_WIDTH, window.height * FILM_WIDTH // window.width), Image.Resampling.LANCZOS)


def around(page: Page, selector: str, frames: int, reach: float) -> Iterator[Image.Image]:
    """A drag around a circle on the first element that is found. `reach`: its radius as a share of the width."""
    box = box_of(page.locator(selector).first)
    middle, radius = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), reach * box["width"]
    for i in range(frames):
        angle = 2 * math.pi * i / frames
        page.mouse.move(middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle))
        if i == 0:
            page.mouse.down()
        yield shot(page)
    page.mouse.up()


def there_and_back(page: Page, fold: str, label: str, reach: float, frames: int) -> Iterator[Image.Image]:
    """A slider in a fold, which is open meanwhile: from 0 as far as `reach`, to the other side, and back."""
    box = page.locator(fold)
    box.locator("summary").click()
    yield from (shot(page) for _ in range(OPENED))
    for i in range(frames):
        box.get_by_label(label).first.fill(f"{reach * math.sin(2 * math.pi * (i + 1) / frames):.2f}")
        yield shot(page)
    box.locator("summary").click()


def travelling(page: Page) -> Iterator[Image.Image]:
    yield from around(page, "canvas", 60, 0.3)


def moving_an_attribute(page: Page) -> Iterator[Image.Image]:
    yield from there_and_back(page, ".tf-attribute-fold", "glasses", 3, 40)


def bending_a_style(page: Page) -> Iterator[Image.Image]:
    yield from there_and_back(page, ".tf-bend-fold", "Rotate", 120, 34)


def walking_on_the_map(page: Page) -> Iterator[Image.Image]:
    page.get_by_role("tab", name="Explore").click()
    page.wait_for_timeout(3000)
    yield from (shot(page) for _ in range(OPENED))
    yield from around(page, ".tf-latent-map", 48, 0.32)


def take(page: Page, address: str, folder: Path) -> None:
    """Every picture, one after the other."""
    page.goto(address)
    wait_for_a_picture(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "play.png", full_page=True)
    page.get_by_role("tab", name="Morph").click()
    page.wait_for_timeout(2000)
    page.screenshot(path=folder / "morph.png", full_page=True)
    page.goto(f"{address}/?b=mnist&c=3&x=5.2&y=0.1")
    wait_for_a_picture(page)
    page.get_by_role("tab", name="Rebuild").click()
    page.get_by_role("radio", name="Draw").check()
    page.wait_for_timeout(500)
    drag(page, ".tf-board", *THREE)
    page.get_by_role("button", name="Centre").click()
    page.wait_for_timeout(2500)
    page.screenshot(path=folder / "rebuild.png", full_page=True)
    for name in ("explore", "compare"):  # long pages: their beginning
        page.get_by_role("tab", name=name.capitalize()).click()
        page.wait_for_timeout(3000)
        path = folder / f"{name}.png"
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": 1100}, full_page=True)


def main() -> int:
    folder = REPOSITORY / "docs"
    folder.mkdir(exist_ok=True)
    with served(REPOSITORY / "artifacts", "cpu") as server, chromium() as browser:
        film(browser.new_page(viewport={"width": 1180, "height": 1320}), server.address, folder / "play.webp")
        take(browser.new_page(viewport={"width": 1280, "height": 800}), server.address, folder)
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        phone.goto(server.address)
        wait_for_a_picture(phone)
        phone.wait_for_timeout(1500)
        phone.screenshot(path=folder / "phone.png")
    for path in sorted([*folder.glob("*.png"), *folder.glob("*.webp")]):
        print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
