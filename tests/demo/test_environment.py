"""What the environment may set, and what it may not."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from demo import environment
from tests.support.server import demo

REPOSITORY = Path(__file__).resolve().parents[2]
# Each of these ended the start, held it up, or opened more to visitors than the page.
ODD = {
    "GRADIO_DEBUG": "1",
    "GRADIO_NUM_PORTS": "many",
    "GRADIO_NUM_WORKERS": "some",
    "GRADIO_ANALYTICS_MAX_EVENTS": "all",
    "GRADIO_ANALYTICS_ENABLED": "True",
    "GRADIO_DEFAULT_CONCURRENCY_LIMIT": "high",
    "GRADIO_MCP_SERVER": "true",
    "GRADIO_WATCH_DIRS": "/",
    "GRADIO_VIBE_MODE": "1",
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_BLOCKED_PATHS": "relative",
    "GRADIO_NODE_SERVER_PORT": "x",
    "GRADIO_SSR_MODE": "true",
    "GRADIO_RUN_HISTORY": "true",
}
NOWHERE = "http://127.0.0.1:9"
PROXIES = {"http_proxy": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": "socks5://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(environment, "given", {})
    return environment.given


def test_gradio_sees_none_of_its_variables():
    before = ODD | {"GRADIO_SERVER_PORT": " 99 ", "GRADIO_SHARE": "", "GRADIO_TEMP_DIR": "/t", "PATH": "/bin"}
    environment.take_over(before)
    assert before == environment.OURS | {"GRADIO_TEMP_DIR": "/t", "PATH": "/bin"}
    assert environment.given == {"GRADIO_SERVER_PORT": "99"}


def test_proxies_are_set_aside_and_put_back():
    before = {"http_proxy": NOWHERE, "NO_PROXY": "example.org"}
    now = dict(before)
    with environment.without_proxies(now):
        assert now == {"http_proxy": NOWHERE, "NO_PROXY": "*", "no_proxy": "*"}
    assert now == before


@pytest.mark.serving
def test_it_starts_whatever_gradio_s_variables_and_proxies_say(tiny_bundle: Path):
    odd = os.environ | ODD | PROXIES | {"GRADIO_SERVER_PORT": "abc"}
    odd = {name: value for name, value in odd.items() if name.lower() != "no_proxy"}
    with (
        demo("--bundles", tiny_bundle, "--provider", "cpu", "--host", "::1", environment=odd) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        assert address.startswith("http://[::1]:") and client.get("/healthz").json()["status"] == "ok"
        assert client.get("/gradio_api/file=/etc/passwd").status_code == 403


@pytest.mark.serving
def test_a_port_of_the_environment_that_is_none_ends_in_a_sentence(tmp_path: Path):
    words = [sys.executable, str(REPOSITORY / "demo" / "app.py")]
    done = subprocess.run(
        words, env=os.environ | {"GRADIO_SERVER_PORT": "abc"}, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'abc' is no port: write a number from 1 to 65535, such as --port 7860.\n"
