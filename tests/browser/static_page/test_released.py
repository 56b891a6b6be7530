"""The static page draws seeds 0 to 63 of every released bundle within one grey level of what is drawn here."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bundle.model import Model
from tests.browser.conftest import WIDE
from tests.support.released import ARTIFACTS, EVERY, NAMES, SEEDS, drawn
from tests.support.static_site import hosted, written
from tests.support.static_visit import pictures, settle, tab, wait_for_script

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a static page over the released bundles."""
    folders = [ARTIFACTS / name for name in NAMES]
    with hosted(written(folders, tmp_path_factory.mktemp("static") / "site")) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser: Any, site: str) -> Iterator[Any]:
    """The page, opened once: a bundle is loaded when it is chosen."""
    opened = browser.new_page(viewport=WIDE)
    opened.goto(site)
    wait_for_script(opened, "window.Twofold?.stats.shown > 0")
    yield opened
    opened.close()


@pytest.mark.parametrize(("name", "model"), EVERY)
def test_seeds_are_drawn_as_here(page: Any, name: str, model: Model):
    tab(page, "Play")
    page.evaluate("state => Twofold.set(state)", {"b": name, "m": model, "c": None, "t": 1, "x": 0, "y": 0})
    tab(page, "Samples")
    shown = [sheet(page, "seeds 0 to 39")]
    page.get_by_role("button", name="Next").last.click()
    shown.append(sheet(page, "seeds 40 to 79"))
    page.get_by_role("button", name="Previous").last.click()
    expected = np.broadcast_to(drawn(name, model), (*drawn(name, model).shape[:3], 3)).astype(int)
    found = np.concatenate(shown)[: len(SEEDS)]
    assert found.shape == expected.shape and found.max() > 0
    assert np.abs(found - expected).max() <= 1


def sheet(page: Any, seeds: str) -> np.ndarray:
    """The 40 pictures of the tab Samples, once they are those of these seeds."""
    page.get_by_role("group", name=seeds).wait_for()
    settle(page)
    return pictures(page, ".tf-samples canvas")
