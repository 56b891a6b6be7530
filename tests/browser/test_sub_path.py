"""The page under a path of a site, behind a real HAProxy that passes the path on or strips it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio_client
import httpx
import pytest

from bundle.sessions import choose_provider
from demo.routes.endpoints import drawing
from demo.serving.served_bundle import open_bundles
from tests.browser.conftest import at_home
from tests.support.server import demo, free_port
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.serving,
    pytest.mark.skipif(not shutil.which("haproxy"), reason="no HAProxy here: apt-get install haproxy"),
]
CONFIG = """
defaults
    mode http
    timeout connect 3s
    timeout client 1m
    timeout server 1m
listen passing
    bind 127.0.0.1:{passing}
    http-request deny if !{{ path_beg /app }}
    server demo {demo}
listen stripping
    bind 127.0.0.1:{stripping}
    http-request redirect code 308 location /app/ if {{ path /app }}
    http-request deny if !{{ path_beg /app/ }}
    http-request replace-path /app/(.*) /\\1
    server demo {demo}
"""


@pytest.fixture(scope="module")
def sites(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The page's address where HAProxy passes its path on, and where it strips it."""
    flags = ("--bundles", tiny_bundle, "--provider", "cpu", "--root-path", "/app")
    with demo(*flags) as address:
        ports = {"passing": free_port(), "stripping": free_port()}
        config = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
        config.write_text(CONFIG.format(demo=address.removeprefix("http://"), **ports))
        proxy = subprocess.Popen(["haproxy", "-db", "-f", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            sites = {name: f"http://127.0.0.1:{port}/app" for name, port in ports.items()}
            wait_until(lambda: proxy.poll() is not None or all(map(reachable, sites.values())))
            yield sites
        finally:
            proxy.terminate()
            proxy.wait(timeout=10)


def reachable(site: str) -> bool:
    try:
        return httpx.get(f"{site}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("proxy", ["passing", "stripping"])
def test_routes_files_and_endpoints(sites: dict[str, str], proxy: str, tiny_bundle: Path):
    site = sites[proxy]
    with httpx.Client(base_url=site, timeout=60) as visitor:
        page = visitor.get("/")
        assert page.status_code == 200 and page.headers["content-encoding"] == "gzip" and "<html" in page.text
        for path in ("/live/tiny?x=3", "/bundles/tiny/bundle.json", "/page/any/page.js", "/gradio_api/openapi.json"):
            assert visitor.get(path).status_code == 200, path
        shortened = httpx.get(f"{site}")  # without the slash, relative addresses would lead elsewhere
        assert shortened.is_redirect and shortened.headers["location"].endswith("/app/")
        assert visitor.get("/nothing").status_code == 404
    served = open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]
    answer = gradio_client.Client(f"{site}/", verbose=False).predict([3], api_name="/sample")
    assert answer == drawing({"tiny": served})["sample"]([3])


def test_the_slash_is_added_and_the_rest_of_the_address_kept(sites: dict[str, str]):
    answer = httpx.get(f"{sites['passing']}?b=tiny&x=7")
    assert answer.is_redirect and answer.headers["location"].endswith("/app/?b=tiny&x=7")


@pytest.mark.parametrize("proxy", ["passing", "stripping"])
def test_the_page_draws_rebuilds_and_exports(browser: Any, sites: dict[str, str], proxy: str):
    site, troubles = sites[proxy], []
    page = browser.new_context().new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: None if at_home(r.url, site) else troubles.append(f"foreign: {r.url}"))
    page.on(
        "response",
        lambda r: troubles.append(f"{r.status}: {r.url}") if r.status >= 400 and "manifest.json" not in r.url else None,
    )
    page.goto(f"{site}?b=tiny")
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    page.get_by_role("tab", name="Morph").click()
    page.get_by_role("button", name="Export GIF").click()
    page.locator(".tf-export img").wait_for()
    page.get_by_role("tab", name="Rebuild").click()
    page.locator(".tf-rebuild img[src^='data:']").first.wait_for()
    page.context.close()
    assert not troubles
