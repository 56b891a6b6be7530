"""A flood of requests whose answers nobody fetches, beside a visitor who wants one picture at a time."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.server import demo

pytestmark = pytest.mark.serving

FLOOD, VISITOR = {"X-Forwarded-For": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.2"}
JSON = {"Content-Type": "application/json"}
SOON = 2.0  # seconds, on a machine that does nothing else
SLOWER = 20  # as many times as without the flood, on a machine that has other work


@pytest.fixture
def server(tiny_bundle: Path) -> Iterator[str]:
    with demo("--bundles", tiny_bundle, "--provider", "cpu") as address:
        yield address


@pytest.fixture
def visitor(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, headers=VISITOR, timeout=60) as client:
        yield client


def call(client: httpx.Client, endpoint: str, *data: object) -> str:
    """Starts a call; gives the address of its answer."""
    path = f"/gradio_api/call/{endpoint}"
    answer = client.post(path, content=json.dumps({"data": data}), headers=JSON).raise_for_status()
    return f"{path}/{answer.json()['event_id']}"


def sample(visitor: httpx.Client) -> None:
    assert "event: complete" in visitor.get(call(visitor, "sample", [1], "", "", "", 1)).text


def live(visitor: httpx.Client) -> None:
    assert visitor.get("/live/tiny?x=1").status_code == 200


def seconds(ask: Callable[[httpx.Client], None], visitor: httpx.Client) -> float:
    """How long the visitor waits for an answer: the longest of five, but the slowest, which chance may slow."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        ask(visitor)
        times.append(time.monotonic() - began)
    return sorted(times)[-2]


FLOODS: dict[str, tuple[str, list[object]]] = {
    "films": ("interpolate", [[1, 2], "", "", "", 1, "spline", True, 240, "gif", 20]),
    "sheets": ("sample", [list(range(64)), "", "", "", 1]),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_endpoint_calls(server: str, visitor: httpx.Client, kind: str):
    alone = {ask: seconds(ask, visitor) for ask in (sample, live)}
    endpoint, data = FLOODS[kind]
    with httpx.Client(base_url=server, headers=FLOOD, timeout=60) as flood:
        calls = [call(flood, endpoint, *data) for _ in range(90)]
        for ask, usual in alone.items():
            assert seconds(ask, visitor) < max(SOON, SLOWER * usual)
        told = flood.get(calls[-1]).text  # its turn came, or too many waited, or its time was over
        assert "event: complete" in told or "Too many people" in told or "Timed out" in told


def test_a_flood_of_live_pictures(server: str, visitor: httpx.Client):
    alone = {ask: seconds(ask, visitor) for ask in (sample, live)}
    host, port = server.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for n in range(120):
            one = stack.enter_context(socket.create_connection((host, int(port))))
            one.sendall(f"GET /live/tiny/grid?grid=8&seed={n}&m=vae HTTP/1.1\r\nHost: x\r\n".encode())
            one.sendall(b"X-Forwarded-For: 203.0.113.1\r\n\r\n")
        for ask, usual in alone.items():
            assert seconds(ask, visitor) < max(SOON, SLOWER * usual)
