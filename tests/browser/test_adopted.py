"""Generators from elsewhere in the page: every tab shows what it can do with them, and nothing goes wrong in it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from bundle import images
from bundle.adopt import About, adopt
from bundle.generator_inputs import Given
from bundle.latents import one_hot
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.browser.test_device import pixels
from tests.browser.test_page import settle, tab
from tests.support import foreign, generators
from tests.support.demo_page import launched

Page = Any  # playwright's, which need not be installed

CLASSES = ("ant", "bee", "cat", "dog", "elk")
SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServedBundle]:
    """One with classes by number and a truncation, pictures with the channels last; one without classes, of grey
    pictures from 0 to 255, one at a time."""
    root = tmp_path_factory.mktemp("adopted")
    (root / "animals.onnx").write_bytes(foreign.exported())
    adopt(root / "animals.onnx", root / "animals", About("animals", "Animals"), Given(classes=CLASSES))
    grey = generators.Net(lambda x: x * 127.5 + 127.5, channels=1)
    (root / "grey.onnx").write_bytes(generators.exported(grey, torch.zeros(1, generators.DIM), free=False))
    adopt(root / "grey.onnx", root / "grey", About("grey", "Grey ones", "somebody's pictures", "CC0", "uniform"))
    return open_bundles(root, choose_provider("cpu"))[0]


@pytest.fixture(scope="module")
def address(models: dict[str, ServedBundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over both."""
    with launched(models, files=tmp_path_factory.mktemp("gradio")) as url:
        yield url


def shown(page: Page, selector: str = ".tf-travel") -> np.ndarray:
    """The picture of a canvas, int [H, W, 3]."""
    return pixels(page, selector).astype(int).reshape(16, 16, 4)[..., :3]


def expected(image: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images.to_uint8(image)[0].astype(int), (16, 16, 3))


def test_play_draws_what_the_generator_draws(visit: Callable[..., Page], models: dict[str, ServedBundle]):
    page = visit("?b=animals&c=3&x=5&y=0")
    served = models["animals"]
    assert np.abs(shown(page) - expected(served.at(5, 0, one_hot(3, 5)))).max() <= 1
    page.get_by_role("radiogroup", name="Class").get_by_role("radio", name="bee").check()
    page.get_by_label("Truncation").fill("0.4")
    settle(page)
    assert np.abs(shown(page) - expected(served.at(5, 0, one_hot(1, 5), 0.4))).max() <= 1
    page.evaluate("Twofold.set({ x: 5.3, y: -2.6 })")
    settle(page)
    assert np.abs(shown(page) - expected(served.at(5.3, -2.6, one_hot(1, 5), 0.4))).max() <= 1
    page.get_by_label("Pictures (bundle)").select_option("grey")
    settle(page)
    x, y, t = page.evaluate("[Twofold.state.x, Twofold.state.y, Twofold.state.t]")
    assert np.abs(shown(page) - expected(models["grey"].at(x, y, None, t))).max() <= 1
    assert not page.get_by_role("radiogroup", name="Class").is_visible()


def test_morph_goes_through_its_seeds(visit: Callable[..., Page], models: dict[str, ServedBundle]):
    page = visit("?b=animals")
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("1,2,8")
    page.get_by_text("Seed 8").first.wait_for()
    page.get_by_role("radio", name="Spherical").check()
    page.get_by_label("Position").fill("0.15")
    settle(page)
    keys = np.eye(5, dtype=np.float32)[[1, 2, 3]]
    frame = models["animals"].morph_at([1, 2, 8], np.array([0.15]), keys, "spherical", True)
    assert np.abs(shown(page, ".tf-morph .tf-viewer canvas") - expected(frame)).max() <= 1


def test_about_and_api_say_what_is_known(visit: Callable[..., Page]):
    page = visit("?b=animals")
    tab(page, "About")
    for words in ("Animals", "ant, bee, cat, dog, elk", "16 × 16, colour", "This bundle has no measured figures."):
        page.locator(".tf-about").get_by_text(words, exact=True).first.wait_for()
    assert page.locator(".tf-about").get_by_text("unknown").count() == 3  # source, licence, number of pictures
    tab(page, "API")
    code = page.locator(".tf-api .tf-code")
    assert '"label": ' in code.inner_text() and "transpose(2, 0, 1)" in code.inner_text()
    page.get_by_role("link", name="generator.onnx").first.wait_for()


@pytest.mark.parametrize("name", ["animals", "grey"])
def test_every_tab_fits_and_says_what_it_lacks(visit: Callable[..., Page], name: str):
    page = visit(f"?b={name}")
    names = page.evaluate("Twofold.tabs().map((one) => one.textContent.trim())")
    assert "Rebuild" not in names and {"Play", "Morph", "Explore", "Compare", "API", "About"} <= set(names)
    for one in names:
        tab(page, one)
        page.locator(".tf-card:visible").first.wait_for()
        settle(page)
        for size in SIZES:
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"], one
