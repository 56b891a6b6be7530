"""What the static page says where it cannot be loaded: a damaged model, a script that does not arrive, no server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.targets import web
from tests.browser.conftest import WIDE
from tests.support import tiny
from tests.support.static_site import hosted, written


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("bundles") / "plain", name="plain", classes=0, channels=3)


@pytest.fixture(scope="module")
def site(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the exported folder."""
    with hosted(written([bundle], tmp_path_factory.mktemp("static") / "site")) as address:
        yield address


def test_a_damaged_model_is_found_before_it_draws(browser, site):
    context = browser.new_context(viewport=WIDE, service_workers="block")
    page = context.new_page()

    def flip(route: Any) -> None:
        body = bytearray(route.fetch().body())
        body[-100] ^= 1
        route.fulfill(body=bytes(body))

    page.route("**/synthesis.onnx", flip)
    page.goto(site)
    page.get_by_role("alert").filter(has_text="synthesis.onnx is damaged").first.wait_for(timeout=30_000)
    assert page.evaluate("Twofold.stats.shown") == 0
    page.unroute_all(behavior="ignoreErrors")  # the page tries again meanwhile
    context.close()


@pytest.mark.parametrize("missing", ["samples.js", "core.js", "strip.js"])
def test_a_script_that_does_not_arrive_is_named(browser, site, missing: str):
    page = browser.new_page(service_workers="block")
    page.route(f"**/{missing}", lambda route: route.abort())
    page.goto(site)
    told = "page.js" if missing == "strip.js" else missing  # a module's own imports are told of it alone
    page.get_by_text(f"{told} could not be loaded. Check the connection and reload the page.").wait_for()
    assert not page.get_by_text("Loading …").is_visible()
    page.close()


def test_opened_as_a_file_it_says_what_to_do(browser, bundle, tmp_path):
    web.write([bundle], tmp_path / "site")
    page = browser.new_page()
    page.goto((tmp_path / "site" / "index.html").as_uri())
    page.get_by_text("python -m http.server").wait_for()
    page.close()
