"""The shipped HAProxy configuration in a real HAProxy, in front of two real processes of the demo.

Who served a request is told by HAProxy in the header X-Twofold-Process; whom a visitor belongs to, by its cookie.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio_client
import httpx
import pytest

from bundle.sessions import choose_provider
from demo.routes.endpoints import drawing
from demo.serving.served_bundle import open_bundles
from tests.support import server
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = REPOSITORY / "deploy" / "haproxy.cfg"
VISITORS = 24

pytestmark = [
    pytest.mark.serving,
    pytest.mark.skipif(not shutil.which("haproxy"), reason="no HAProxy here: apt-get install haproxy"),
]


@dataclass(frozen=True)
class Site:
    """Two processes by name, their addresses, and the address of HAProxy in front of them."""

    processes: dict[str, subprocess.Popen]
    addresses: dict[str, str]
    url: str


def healthy(url: str) -> bool:
    """Whether a demo answers there that it is well."""
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.HTTPError:
        return False


@contextmanager
def haproxy(config: Path, addresses: dict[str, str]) -> Iterator[str]:
    """A running HAProxy; gives its address."""
    place = f"127.0.0.1:{server.free_port()}"
    names = {"TWOFOLD_BIND": place, "TWOFOLD_A": addresses["a"], "TWOFOLD_B": addresses["b"]}
    proxy = subprocess.Popen(
        ["haproxy", "-db", "-f", config], env=os.environ | names, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: proxy.poll() is not None or healthy(f"http://{place}"))
        assert proxy.poll() is None, "HAProxy ended"
        yield f"http://{place}"
    finally:
        proxy.terminate()
        proxy.wait(timeout=10)


@pytest.fixture(scope="module")
def site(tiny_bundle: Path) -> Iterator[Site]:
    flags = ("--bundles", tiny_bundle, "--provider", "cpu", "--port")
    ports = {name: server.free_port() for name in ("a", "b")}
    with ExitStack() as stack:
        processes = {}
        for name, port in ports.items():
            processes[name], line = stack.enter_context(server.started(*flags, str(port)))
            assert line.startswith(server.GREETING)
        addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        url = stack.enter_context(haproxy(CONFIG, addresses))
        yield Site(processes, addresses, url)


@pytest.fixture(scope="module")
def pictures(tiny_bundle: Path) -> dict[int, str]:
    """What the visitors shall see, by seed."""
    served = open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]
    return dict(enumerate(drawing({"tiny": served})["sample"](list(range(VISITORS)))["images"]))


class Visitor:
    """A browser's session: a page, and then events through Gradio's queue, as its own JavaScript sends them."""

    def __init__(self, url: str):
        self.served_by: list[str] = []
        self.session = secrets.token_hex(5)
        self.client = httpx.Client(base_url=url, timeout=30, event_hooks={"response": [self.note]})
        self.client.get("/").raise_for_status()
        functions = self.client.get("/config").json()["dependencies"]
        self.functions = {function["api_name"]: function["id"] for function in functions}

    def note(self, answer: httpx.Response) -> None:
        self.served_by.append(answer.headers.get("X-Twofold-Process", "nobody"))

    @property
    def cookie(self) -> str | None:
        return self.client.cookies.get("twofold")

    def join(self, name: str, *data: object) -> None:
        event = {"data": data, "fn_index": self.functions[name], "session_hash": self.session}
        self.client.post("/gradio_api/queue/join", json=event).raise_for_status()

    def answer(self) -> dict:
        """What comes of the event that was joined. httpx.HTTPError when the stream is not there or breaks off."""
        parameters = {"session_hash": self.session}
        with self.client.stream("GET", "/gradio_api/queue/data", params=parameters) as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if told.get("msg") == "process_completed" and told["success"]:
                    return told["output"]["data"][0]
        raise httpx.ReadError("the stream ended without an answer")

    def sample(self, seed: int) -> str:
        self.join("sample", [seed], "", "", "", 1.0)
        return self.answer()["images"][0]


def test_the_configuration_is_valid_as_it_is():
    done = subprocess.run(["haproxy", "-c", "-f", CONFIG], capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr


def test_24_of_24_sessions_work_and_stay_on_their_process(site: Site, pictures: dict[int, str]):
    visitors = [Visitor(site.url) for _ in range(VISITORS)]

    def visit(number: int) -> int:
        return sum(visitors[number].sample(number) == pictures[number] for _ in range(3))

    with ThreadPoolExecutor(6) as people:
        assert list(people.map(visit, range(VISITORS))) == [3] * VISITORS
    for visitor in visitors:
        assert set(visitor.served_by) == {visitor.cookie} and len(visitor.served_by) == 8
    assert Counter(visitor.cookie for visitor in visitors) == {"a": VISITORS // 2, "b": VISITORS // 2}


def test_without_the_cookie_sessions_do_not_work(site: Site, tmp_path: Path):
    """What the cookie is for: an event is joined at one process and its answer asked of the other."""
    text = CONFIG.read_text()
    (line,) = [line for line in text.splitlines() if line.strip().startswith("cookie ")]
    (tmp_path / "haproxy.cfg").write_text(text.replace(f"{line}\n", ""))
    with haproxy(tmp_path / "haproxy.cfg", site.addresses) as url:
        visitors = [Visitor(url) for _ in range(4)]
        failed = 0
        for visitor in visitors:
            try:
                visitor.sample(1)
            except httpx.HTTPError:
                failed += 1
        assert failed and all(visitor.cookie is None for visitor in visitors)


def test_gradio_client_keeps_the_cookie(site: Site, pictures: dict[int, str]):
    for seed in range(2):
        client = gradio_client.Client(site.url, verbose=False)
        for _ in range(3):
            assert client.predict([seed], api_name="/sample")["images"] == [pictures[seed]]


def test_the_cookie_is_for_this_site_and_no_script(site: Site):
    told = httpx.get(f"{site.url}/healthz").headers["set-cookie"]
    assert told.startswith("twofold=") and "HttpOnly" in told and "SameSite=Lax" in told and "path=/" in told
    invented = httpx.get(f"{site.url}/healthz", cookies={"twofold": "../c"})
    assert invented.status_code == 200 and invented.headers["set-cookie"].startswith("twofold=")


def test_a_process_that_is_killed_leaves_its_visitors_to_the_other(site: Site, pictures: dict[int, str]):
    visitors = [Visitor(site.url) for _ in range(6)]
    for visitor in visitors:
        visitor.sample(0)
    homeless = [visitor for visitor in visitors if visitor.cookie == "a"]
    settled = [visitor for visitor in visitors if visitor.cookie == "b"]
    assert homeless and settled
    homeless[0].join("interpolate", [1, 2], "", "", "", 1.0, "linear", True, 240, "webp", 20)
    site.processes["a"].kill()
    began = time.monotonic()
    with pytest.raises(httpx.HTTPError):  # what was being drawn is lost, and said to be at once …
        homeless[0].answer()
    assert time.monotonic() - began < 5
    for seed, visitor in enumerate(homeless):  # … the next click works, on the other process
        assert visitor.sample(seed) == pictures[seed]
        assert visitor.cookie == visitor.served_by[-1] == "b"
    for seed, visitor in enumerate(settled):
        assert visitor.sample(seed) == pictures[seed] and set(visitor.served_by) == {"b"}
