"""A page of `export web` under test: waiting for its pictures, reading and comparing them. Its content policy forbids
playwright's own waiting."""

import base64
import math
import time
from typing import Any

import numpy as np

from bundle import images

Page = Any  # playwright's, which need not be installed
# As text, base64: playwright takes a second for each 100 000 numbers.
PIXELS = """all => all.map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let bytes = '';
    for (let at = 0; at < data.length; at += 4096) bytes += String.fromCharCode(...data.subarray(at, at + 4096));
    return btoa(bytes);
})"""


def wait_for_script(page: Page, condition: str, seconds: float = 60) -> None:
    """Playwright's own waiting evaluates strings in the page, which the page's content policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"not in {seconds} s: {condition}"
        time.sleep(0.05)


def settle(page: Page) -> None:
    """Waits until every picture that the page wants is there."""
    page.wait_for_timeout(250)  # what the page puts off while somebody still types or drags
    wait_for_script(page, "Twofold.stats.inFlight === 0")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def pictures(page: Page, selector: str) -> np.ndarray:
    """RGB [N, H, W, 3] of square canvases, as whole numbers."""
    texts = page.locator(selector).evaluate_all(PIXELS)
    found = np.stack([np.frombuffer(base64.b64decode(text), np.uint8) for text in texts]).astype(int)
    side = math.isqrt(found.shape[1] // 4)
    return found.reshape(len(found), side, side, 4)[..., :3]


def picture(page: Page, selector: str) -> np.ndarray:
    return pictures(page, selector)[0]


def served(image: np.ndarray) -> np.ndarray:
    """The demo's image [1, C, H, W] in the same form."""
    return np.broadcast_to(images.to_uint8(image)[0].astype(int), (*image.shape[2:], 3))


def close(found: np.ndarray, image: np.ndarray) -> bool:
    """Within one grey level, and no blank canvas."""
    return found.max() > 0 and np.abs(found - served(image)).max() <= 1
