"""--mcp: the endpoints through the protocol's own client, and how the flag is refused without its package."""

import asyncio
import base64
import importlib.util
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import started
from bundle import images
from bundle.sessions import choose_provider
from demo import app
from demo.serving.served_bundle import open_bundles

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
            ]
            for name, arguments, sentence in bad:
                answer = await client.call_tool(name, arguments)
                assert answer.is_error and sentence in answer.content[0].text

    words = ["demo/app.py", "--bundles", str(tiny_bundle), "--provider", "cpu", "--mcp", "--port"]
    # In a thread: the browser of other tests leaves a running event loop in this one.
    with started(words, "Twofold is at") as server, ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, use(server.address)).result()


def test_without_the_package_the_flag_names_the_line_to_type(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "demo.routes.mcp_tools", raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tiny_bundle.parent))
    assert app.main(["--bundles", str(tiny_bundle), "--provider", "cpu", "--mcp"]) == 2
    assert "pip install -r demo/requirements-mcp.txt" in capsys.readouterr().err
