"""Requests to the models: how many may wait, and what becomes of those whose client disconnects."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.read import read
from bundle.sessions import choose_provider
from demo.routes.live import routes
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle, open_bundles

pytestmark = pytest.mark.serving


@pytest.fixture
def server() -> Iterator[Callable[[Starlette], str]]:
    """Serves an app on a real socket; gives its address."""
    with ExitStack() as stack:

        def serve(app: Starlette) -> str:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            runner = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
            thread = threading.Thread(target=runner.run)
            thread.start()
            stack.callback(thread.join, 20)
            stack.callback(setattr, runner, "should_exit", True)
            while not runner.started and thread.is_alive():
                time.sleep(0.01)
            return f"http://127.0.0.1:{port}"

        yield serve


def test_too_many_waiting_requests_are_refused(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.model_requests.MAX_WAITING", 0)
    bundles, _ = open_bundles(tiny_bundle, choose_provider("cpu"))
    with TestClient(Starlette(routes=routes(bundles))) as client:
        answer = client.get("/live/tiny")
    assert answer.status_code == 503 and "try again" in answer.text


def test_requests_of_disconnected_clients_are_dropped(tiny_bundle: Path, server: Callable[[Starlette], str]):
    """Two requests wait behind a slow run; one client disconnects, and nothing is drawn for it."""
    entered, go, runs = threading.Event(), threading.Event(), []

    def slow(feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        runs.append(len(feed["z"]))
        entered.set()
        assert go.wait(20)
        return [np.zeros((len(feed["z"]), 1, 32, 32), np.float32)]

    engine = Engine(read(tiny_bundle), choose_provider("cpu"), opener=lambda bundle, graph: slow)
    engine._checked = True
    address = server(Starlette(routes=routes({"tiny": ServedBundle(engine)})))
    codes: list[int] = []

    def visit(x: int) -> threading.Thread:
        url = f"{address}/live/tiny?m=vae&x={x}"
        thread = threading.Thread(target=lambda: codes.append(httpx.get(url, timeout=30).status_code))
        thread.start()
        return thread

    def until(true: Callable[[], bool]) -> None:
        patience = time.monotonic() + 20
        while not true() and time.monotonic() < patience:
            time.sleep(0.01)
        assert true()

    staying = [visit(0)]
    assert entered.wait(20)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as leaving:
        leaving.sendall(b"GET /live/tiny?m=vae&x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: engine.waiting["decoder"] == 1)
    until(lambda: engine.waiting["decoder"] == 0)
    staying.append(visit(2))
    until(lambda: engine.waiting["decoder"] == 1)
    go.set()
    for thread in staying:
        thread.join(30)
    assert codes == [200, 200] and sum(runs) == 2
