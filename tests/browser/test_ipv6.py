"""The page at an IPv6 address, which stands in brackets wherever it is written."""

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import at_home
from tests.support.server import demo

pytestmark = [
    pytest.mark.serving,
    pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6"),
]


def test_the_page_draws(browser: Any, tiny_bundle: Path):
    troubles: list[str] = []
    with demo("--bundles", tiny_bundle, "--provider", "cpu", "--host", "::1") as address:
        page = browser.new_context().new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: None if at_home(r.url, address) else troubles.append(f"foreign: {r.url}"))
        page.goto(address)
        page.wait_for_function("window.Twofold?.stats.shown > 0")
        page.context.close()
    assert address.startswith("http://[::1]:") and not troubles
