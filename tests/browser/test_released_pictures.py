"""The static page draws seeds 0 to 63 of every released bundle within one grey level of what is drawn here."""

import functools
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from bundle.errors import UserError
from bundle.model import Model
from export.targets import web
from tests.browser.conftest import WIDE
from tests.browser.test_static_page import Quiet, pictures, settle, tab, until
from tests.support.released import ARTIFACTS, NAMES, SEEDS, drawn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a static page over the released bundles."""
    try:
        web.dist()
    except UserError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("static") / "site"
    web.write([ARTIFACTS / name for name in NAMES], folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("model", ["gan", "vae"])
@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_drawn_as_here(browser: Any, site: str, name: str, model: Model):
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{site}?b={name}&m={model}")
    until(page, "window.Twofold?.stats.shown > 0")
    tab(page, "Samples")
    settle(page)
    shown = [pictures(page, ".tf-samples canvas")]
    page.get_by_role("button", name="Next").last.click()
    page.get_by_role("group", name="seeds 40 to 79").wait_for()
    settle(page)
    shown.append(pictures(page, ".tf-samples canvas"))
    page.close()
    expected = np.broadcast_to(drawn(name, model), (*drawn(name, model).shape[:3], 3)).astype(int)
    found = np.concatenate(shown)[: len(SEEDS)]
    assert found.shape == expected.shape and found.max() > 0
    assert np.abs(found - expected).max() <= 1
