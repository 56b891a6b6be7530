"""Requests to the models: how many may wait, and what becomes of those whose client disconnects."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from bundle.errors import FileGone, InputError, RuntimeUnavailable, ServerGone, UserError
from bundle.read import read
from bundle.sessions import choose_provider
from demo.routes import verify
from demo.routes.live import routes
from demo.routes.model_requests import FAILED, ModelRequests, status_of, visitor_of
from demo.serving.batching import caller
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support.server import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.serving


@pytest.fixture
def server() -> Iterator[Callable[[Starlette], str]]:
    """Serves an app on a real socket; gives its address."""
    with ExitStack() as stack:

        def serve(app: Starlette) -> str:
            port = free_port()
            runner = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
            thread = threading.Thread(target=runner.run)
            thread.start()
            stack.callback(thread.join, 20)
            stack.callback(setattr, runner, "should_exit", True)
            wait_until(lambda: runner.started or not thread.is_alive())
            return f"http://127.0.0.1:{port}"

        yield serve


def reporting(prepare: Callable[[], Generator[dict, None, None]]) -> Starlette:
    """An app whose one route streams the reports of `prepare`."""
    requests = ModelRequests()

    async def stream(request: Request) -> Response:
        return await requests.stream(request, prepare)

    return Starlette(routes=[Route("/", stream, methods=["POST"])])


def test_an_inference_server_that_is_down_is_no_wrong_request():
    assert status_of(RuntimeUnavailable("There is no connection.")) == status_of(ServerGone("no")) == 503
    assert (status_of(FileGone("gone")), status_of(UserError("wrong")), status_of(KeyError())) == (404, 400, 500)


def test_too_many_waiting_requests_are_refused(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.model_requests.MAX_WAITING", 0)
    bundles, _ = open_bundles(tiny_bundle, choose_provider("cpu"))
    with TestClient(Starlette(routes=routes(bundles))) as client:
        answer = client.get("/live/tiny")
    assert answer.status_code == 503 and "try again" in answer.text


def test_too_many_bodies_that_arrive_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.model_requests.MAX_WAITING_BODIES", 0)
    answer = TestClient(Starlette(routes=verify.routes({}))).post("/verify", content=b"x")
    assert answer.status_code == 503 and "try again" in answer.text


def test_a_body_that_arrives_too_slowly_frees_its_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.bodies.PATIENCE", 0.1)
    monkeypatch.setattr("demo.routes.model_requests.RECEIVING", 1)
    parts = [{"type": "http.request", "body": b"begins", "more_body": True}]

    async def never() -> dict:
        return parts.pop() if parts else await asyncio.Event().wait()

    async def at_once() -> dict:
        return {"type": "http.request", "body": b"whole"}

    async def test() -> bytes:
        requests, scope = ModelRequests(), {"type": "http", "headers": [], "client": ("192.0.2.7", 1)}
        with pytest.raises(InputError, match="too slowly"):
            await requests.body(Request(scope, never), 100)
        return await asyncio.wait_for(requests.body(Request(scope, at_once), 100), 10)

    assert asyncio.run(test()) == b"whole"


def test_requests_of_disconnected_clients_are_dropped(
    tiny_bundle: Path, server: Callable[[Starlette], str], monkeypatch: pytest.MonkeyPatch
):
    """Two requests wait behind a slow run; one client disconnects, and nothing is drawn for it."""
    entered, go, runs = threading.Event(), threading.Event(), []

    def slow(feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        runs.append(len(feed["z"]))
        entered.set()
        assert go.wait(20)
        return [np.zeros((len(feed["z"]), 1, 32, 32), np.float32)]

    engine = Engine(read(tiny_bundle), choose_provider("cpu"), opener=lambda bundle, graph: slow)
    monkeypatch.setattr(engine, "ensure_checked", lambda: None)  # `slow` would fail the check
    address = server(Starlette(routes=routes({"tiny": ServedBundle(engine)})))
    codes: list[int] = []

    def visit(x: int) -> threading.Thread:
        url = f"{address}/live/tiny?m=vae&x={x}"
        thread = threading.Thread(target=lambda: codes.append(httpx.get(url, timeout=30).status_code))
        thread.start()
        return thread

    staying = [visit(0)]
    assert entered.wait(20)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as leaving:
        leaving.sendall(b"GET /live/tiny?m=vae&x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: engine.waiting["decoder"] == 1)
    wait_until(lambda: engine.waiting["decoder"] == 0)
    staying.append(visit(2))
    wait_until(lambda: engine.waiting["decoder"] == 1)
    go.set()
    for thread in staying:
        thread.join(30)
    assert codes == [200, 200] and sum(runs) == 2


def test_reports_arrive_one_by_one_and_a_mistake_is_the_last(server: Callable[[Starlette], str]):
    seen = threading.Event()

    def prepare() -> Generator[dict, None, None]:
        yield {"n": 1}
        assert seen.wait(20)  # the first line is read before the second is made
        yield {"n": 2}
        raise InputError("No further.")

    with httpx.stream("POST", server(reporting(prepare)), timeout=30) as answer:
        lines = answer.iter_lines()
        assert answer.status_code == 200 and json.loads(next(lines)) == {"n": 1}
        seen.set()
        assert [json.loads(line) for line in lines] == [{"n": 2}, {"error": "No further."}]


@pytest.mark.parametrize(
    ("error", "status", "sentence"), [(InputError("Not so."), 400, "Not so."), (ZeroDivisionError("x"), 500, FAILED)]
)
def test_what_is_wrong_from_the_start_has_a_status(error: Exception, status: int, sentence: str):
    def prepare() -> Generator[dict, None, None]:
        raise error

    answer = TestClient(reporting(prepare)).post("/")
    assert (answer.status_code, answer.text) == (status, sentence)


@pytest.mark.parametrize("working", [True, False], ids=["in the middle of a step", "between two steps"])
def test_whoever_leaves_ends_the_work_and_frees_the_slot(
    server: Callable[[Starlette], str], monkeypatch: pytest.MonkeyPatch, working: bool
):
    monkeypatch.setattr("demo.routes.model_requests.STREAMS", 1)
    closed, stepping = threading.Event(), threading.Event()

    def prepare() -> Generator[dict, None, None]:
        try:
            yield {"n": 0}
            for n in range(10_000):
                stepping.set()
                if working:
                    assert caller().gone.wait(20)
                yield {"n": n, "much": "x" * 100_000}  # more than the connection holds
        finally:
            closed.set()

    address = server(reporting(prepare))
    with httpx.stream("POST", address, timeout=30) as answer:
        lines = answer.iter_lines()  # kept: httpx disconnects when its iterator is dropped
        assert json.loads(next(lines)) == {"n": 0}
        assert stepping.wait(20) and not closed.is_set()
    assert closed.wait(20)
    with httpx.stream("POST", address, timeout=30) as answer:  # the only slot is free again
        assert json.loads(next(answer.iter_lines())) == {"n": 0}


@pytest.mark.parametrize(
    ("client", "named", "visitor"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),  # whoever asks directly cannot name another
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "9.9.9.9, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "192.168.1.5", "192.168.1.5"),
    ],
)
def test_a_visitor_is_known_by_the_nearest_public_address(client: str, named: str | None, visitor: str):
    headers = [(b"x-forwarded-for", named.encode())] if named else []
    request = Request({"type": "http", "client": (client, 1), "headers": headers})
    assert visitor_of(request) == visitor
