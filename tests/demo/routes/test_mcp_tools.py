"""--mcp: the endpoints through the protocol's own client, and how the flag is refused without its package."""

import asyncio
import base64
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette

from benchmarks.browser import started
from bundle import images
from bundle.sessions import choose_provider
from demo import app
from demo.serving.address import Address
from demo.serving.batching import Caller, caller
from demo.serving.served_bundle import open_bundles
from tests.support.server import demo, free_port
from tests.support.waiting import wait_until

HERE = importlib.util.find_spec("mcp") is not None
NAMES = ["classify", "interpolate", "invert", "reconstruct", "repair", "report", "sample"]


def pixels(data: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.serving
@pytest.mark.skipif(not HERE, reason="mcp is not installed (pip install -r demo/requirements-mcp.txt)")
def test_a_client_finds_and_uses_every_tool(tiny_bundle: Path):
    from mcp import Client

    served = open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]
    picture = served.sample([4])
    given = "data:image/png;base64," + base64.b64encode(images.png(images.to_uint8(picture)[0])).decode()

    async def use(address: str) -> None:
        async with Client(f"{address}/mcp") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert sorted(tools) == NAMES
            assert tools["sample"].input_schema["required"] == ["seeds"]
            assert "1 to 64 whole numbers" in tools["sample"].description

            async def call(name: str, **given: object) -> tuple[dict, list]:
                answer = await client.call_tool(name, given)
                assert not answer.is_error, answer
                return json.loads(answer.content[0].text), answer.content[1:]

            told, drawn = await call("sample", seeds=[4, 5], truncation=0.8)
            wanted = images.to_uint8(served.sample([4, 5], None, 0.8))[..., 0]
            assert told == {"images": ["image 1", "image 2"]}
            assert all(np.array_equal(pixels(one.data), want) for one, want in zip(drawn, wanted, strict=True))
            told, drawn = await call("interpolate", seeds=[1, 2], frames=4)
            assert told["frames"] == 4 and drawn[0].mime_type == "image/webp"
            told, (archive,) = await call("interpolate", seeds=[1, 2], frames=4, format="zip")
            assert told == {"animation": "file 1", "frames": 4} and archive.resource.mime_type == "application/zip"
            assert "path.json" in zipfile.ZipFile(io.BytesIO(base64.b64decode(archive.resource.blob))).namelist()
            told, drawn = await call("reconstruct", picture=given)
            assert told["mse"] > 0 and len(drawn) == 3
            assert len((await call("repair", picture=given, mask=given))[1]) == 1
            assert len((await call("invert", picture=given, rounds=1))[0]["w"]) == 4
            assert len((await call("classify", picture=given))[0]) == 10
            assert (await call("report"))[0]["quality"]["figures"]

            bad = [
                ("sample", {"seeds": [1], "bundle": "other"}, "There is no bundle 'other'"),
                ("sample", {"seeds": [10**9] * 65}, "Seeds must be a list of 1 to 64"),
                ("classify", {"picture": str(tiny_bundle / "sheet.png")}, "A picture is needed."),
                ("classify", {"picture": "data:image/png;base64,AAAA"}, "not a picture that can be read"),
                ("classify", {"picture": 3}, "The argument 'picture' of classify is wrong: "),
                ("sample", {}, "The argument 'seeds' is missing: sample takes seeds, bundle, model, label"),
                ("sample", {"seeds": "one"}, "The argument 'seeds' of sample is wrong: "),
            ]
            for name, arguments, sentence in bad:
                answer = await client.call_tool(name, arguments)
                assert answer.is_error and sentence in answer.content[0].text, answer
                assert "pydantic" not in answer.content[0].text

    words = ["demo/app.py", "--bundles", str(tiny_bundle), "--provider", "cpu", "--mcp", "--port"]
    # In a thread: the browser of other tests leaves a running event loop in this one.
    with started(words, "Twofold is at") as server, ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, use(server.address)).result()


PROXY = """
defaults
    mode http
    timeout connect 3s
    timeout client 1m
    timeout server 1m
listen stripping
    bind 127.0.0.1:{port}
    option forwardfor
    http-request set-header Host example.org
    http-request replace-path /app/(.*) /\\1
    server demo {demo}
"""


@pytest.mark.serving
@pytest.mark.skipif(not HERE, reason="mcp is not installed (pip install -r demo/requirements-mcp.txt)")
@pytest.mark.skipif(not shutil.which("haproxy"), reason="no HAProxy here: apt-get install haproxy")
@pytest.mark.parametrize(("root", "known"), [("https://example.org/app", True), ("/app", False)])
def test_behind_a_proxy_a_server_answers_to_the_public_name_that_it_was_told(
    tiny_bundle: Path, tmp_path: Path, root: str, known: bool
):
    from mcp import Client

    async def sampled(address: str) -> bool:
        async with Client(f"{address}/app/mcp") as client:
            return not (await client.call_tool("sample", {"seeds": [4]})).is_error

    with demo("--bundles", tiny_bundle, "--provider", "cpu", "--mcp", "--root-path", root) as address:
        port = free_port()
        (tmp_path / "haproxy.cfg").write_text(PROXY.format(port=port, demo=address.removeprefix("http://")))
        with subprocess.Popen(["haproxy", "-db", "-f", tmp_path / "haproxy.cfg"], stderr=subprocess.DEVNULL) as proxy:
            try:
                site = f"http://127.0.0.1:{port}"
                wait_until(lambda: reachable(f"{site}/app/healthz"))
                if known:
                    with ThreadPoolExecutor(1) as thread:  # see above
                        assert thread.submit(asyncio.run, sampled(site)).result()
                else:
                    answer = httpx.post(f"{site}/app/mcp", json={})
                    assert answer.status_code == 421 and "--root-path https://NAME" in answer.text
            finally:
                proxy.terminate()


def reachable(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.skipif(not HERE, reason="mcp is not installed (pip install -r demo/requirements-mcp.txt)")
def test_a_tool_runs_in_its_visitor_s_turn_and_ends_when_he_leaves(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    from demo.routes import mcp_tools

    callers: list[Caller] = []
    entered = threading.Event()

    def waiting(seeds: list[int]) -> dict:
        callers.append(caller())
        entered.set()
        callers[-1].gone.wait(20)
        return {}

    monkeypatch.setattr(mcp_tools, "drawing", lambda _: {"sample": waiting})
    monkeypatch.setattr(mcp_tools, "reading", lambda *_: {})
    tools = mcp_tools.McpTools({}, Address("0.0.0.0", 1))
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "sample", "arguments": {"seeds": [1]}},
    }
    headers = [(b"content-type", b"application/json"), (b"accept", b"application/json"), (b"host", b"x")]
    headers.append((b"x-forwarded-for", b"203.0.113.7"))
    scope = {"type": "http", "method": "POST", "path": "/mcp", "raw_path": b"/mcp", "query_string": b""}
    scope |= {"headers": headers, "client": ("10.0.0.1", 1), "server": ("x", 80), "scheme": "http", "root_path": ""}

    async def leave() -> None:
        body = [{"type": "http.request", "body": json.dumps(call).encode(), "more_body": False}]

        async def receive() -> dict:
            if body:
                return body.pop()
            while not entered.is_set():
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        async def send(_: object) -> None:
            pass

        app = Starlette(routes=tools.routes)
        async with tools.lifespan(app):
            await asyncio.wait_for(app(scope, receive, send), 15)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, leave()).result()
    assert [one.visitor for one in callers] == ["203.0.113.7"] and callers[0].gone.is_set()


def test_without_the_package_the_flag_names_the_line_to_type(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "demo.routes.mcp_tools", raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tiny_bundle.parent))
    assert app.main(["--bundles", str(tiny_bundle), "--provider", "cpu", "--mcp"]) == 2
    assert "pip install -r demo/requirements-mcp.txt" in capsys.readouterr().err
