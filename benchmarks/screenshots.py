"""The pictures of the documents, taken from the running page: `python -m benchmarks.screenshots`.

Serves artifacts/, opens the page in headless Chromium, and writes docs/{play,morph,rebuild,explore,compare}.png,
docs/phone.png at 390 px, and docs/play.webp, a film of a drag across the picture. Needs playwright and a Chromium.
"""

import io
import math
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from benchmarks.browser import REPOSITORY, box_of, chromium, drag, served

THREE = [(0.32, 0.28), (0.5, 0.2), (0.66, 0.32), (0.5, 0.48), (0.68, 0.64), (0.5, 0.8), (0.3, 0.72)]

FRAMES, FRAME_MS, FILM_WIDTH = 72, 80, 720


def film(page: Page, address: str, path: Path) -> None:
    """An endless drag around a circle on Play's picture, as an animated WebP whose last frame leads to the first."""
    page.goto(f"{address}/?c=3&x=5.2&y=0.1")
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    page.wait_for_timeout(1500)
    box = box_of(page.locator("canvas").first)
    middle, reach = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), 0.3 * box["width"]
    frames = []
    page.mouse.move(middle[0] + reach, middle[1])
    page.mouse.down()
    for i in range(2 * FRAMES):  # once around to begin with, so that the end meets the beginning
        angle = 2 * math.pi * (i + 1) / FRAMES
        page.mouse.move(middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle))
        page.wait_for_timeout(60)
        if i >= FRAMES:
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            frames.append(shot.resize((FILM_WIDTH, shot.height * FILM_WIDTH // shot.width), Image.Resampling.LANCZOS))
    page.mouse.up()
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=60, method=6)


def take(page: Page, address: str, folder: Path) -> None:
    """Every picture, one after the other."""
    page.goto(f"{address}/?c=3&x=5.2&y=0.1")
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "play.png", full_page=True)
    page.get_by_role("tab", name="Morph").click()
    page.wait_for_timeout(2000)
    page.screenshot(path=folder / "morph.png", full_page=True)
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
        film(browser.new_page(viewport={"width": 1180, "height": 760}), server.address, folder / "play.webp")
        take(browser.new_page(viewport={"width": 1280, "height": 800}), server.address, folder)
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        phone.goto(server.address)
        phone.wait_for_function("window.Twofold?.stats.shown > 0")
        phone.wait_for_timeout(1500)
        phone.screenshot(path=folder / "phone.png")
    for path in sorted([*folder.glob("*.png"), *folder.glob("*.webp")]):
        print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
