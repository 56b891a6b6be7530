"""Clients that leave, or cancel a call: the endpoint is told, whichever way they came.

Gradio has no public way to ask for this, so demo/routes/gradio_api.py and demo/routes/cancelled_calls.py read names of
its own. A release that calls them otherwise fails here."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import gradio_client
import httpx
import pytest
from gradio_client.utils import Status

from bundle.sessions import choose_provider
from demo.routes import gradio_api
from demo.serving.batching import caller
from demo.serving.calls import CALLS
from demo.serving.served_bundle import open_bundles
from tests.support.demo_page import launched
from tests.support.waiting import wait_until

pytestmark = pytest.mark.serving
PATIENCE = 20  # seconds


class Waiting:
    """An endpoint in place of /sample, which waits until it is told that its client has gone."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.entered, self.told = threading.Event(), threading.Event()
        self.ending: set[int] = set()  # seeds whose calls end by themselves

    def sample(self, seeds: list, bundle: str = "", model: str = "", label: str = "", truncation: float = 1) -> dict:
        self.entered.set()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self.ending & set(seeds):
            if caller().gone.wait(0.05):
                self.told.set()
                break
        return {"seeds": seeds}


@pytest.fixture(scope="module")
def endpoint() -> Waiting:
    return Waiting()


@pytest.fixture
def waiting(endpoint: Waiting) -> Waiting:
    endpoint.begin()
    return endpoint


@pytest.fixture(scope="module")
def server(endpoint: Waiting, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        whole = gradio_api.drawing
        patch.setattr(gradio_api, "drawing", lambda bundles: whole(bundles) | {"sample": endpoint.sample})
        bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
        with launched(bundles, unavailable, files=tmp_path_factory.mktemp("gradio")) as address:
            yield address.rstrip("/")


def joined(client: httpx.Client, session: str) -> dict[str, Any]:
    """A call of /sample in the queue, as a page of the session makes one; how it is named to cancel it."""
    functions = {one["api_name"]: one["id"] for one in client.get("/config").json()["dependencies"]}
    call = {"fn_index": functions["sample"], "session_hash": session}
    answer = client.post("/gradio_api/queue/join", json=call | {"data": [[1], "", "", "", 1]})
    return call | {"event_id": answer.raise_for_status().json()["event_id"]}


def test_a_client_that_closes_the_stream(server: str, waiting: Waiting):
    with httpx.Client(base_url=server, timeout=60) as client:
        number = client.post("/gradio_api/call/sample", json={"data": [[1]]}).json()["event_id"]
        with client.stream("GET", f"/gradio_api/call/sample/{number}"):
            assert waiting.entered.wait(PATIENCE) and not waiting.told.is_set()
    assert waiting.told.wait(PATIENCE)


def test_a_client_that_closes_the_stream_of_its_session(server: str, waiting: Waiting):
    with httpx.Client(base_url=server, timeout=60) as client:
        joined(client, "first")
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "first"}):
            assert waiting.entered.wait(PATIENCE) and not waiting.told.is_set()
    assert waiting.told.wait(PATIENCE)


def test_a_call_that_is_cancelled(server: str, waiting: Waiting):
    with httpx.Client(base_url=server, timeout=60) as client:
        call = joined(client, "second")
        assert waiting.entered.wait(PATIENCE) and not waiting.told.is_set()
        client.post("/gradio_api/cancel", json=call).raise_for_status()
        client.get("/gradio_api/queue/data", params={"session_hash": "second"}).raise_for_status()
    assert waiting.told.wait(PATIENCE)


def test_a_job_of_gradio_client_that_is_cancelled(server: str, waiting: Waiting):
    """Only that one: another job of the same client goes on, and its answer arrives."""
    client = gradio_client.Client(server, verbose=False)
    job, other = (client.submit([seed], api_name="/sample") for seed in (1, 2))
    wait_until(lambda: {job.status().code, other.status().code} == {Status.PROCESSING}, PATIENCE)
    assert not waiting.told.is_set() and job.cancel()
    assert waiting.told.wait(PATIENCE)
    with pytest.raises(CancelledError):
        job.result(timeout=PATIENCE)
    waiting.ending.add(2)
    assert other.result(timeout=PATIENCE) == {"seeds": [2]}
    waiting.ending.add(3)
    assert client.predict([3], api_name="/sample") == {"seeds": [3]}


def test_a_job_that_is_cancelled_before_its_client_knows_its_number(server: str, waiting: Waiting):
    client = gradio_client.Client(server, verbose=False)
    sent = threading.Event()
    send = client.send_data

    def slowly(*args: Any) -> str:
        number = send(*args)
        assert sent.wait(PATIENCE)
        return number

    client.send_data = slowly
    job = client.submit([1], api_name="/sample")
    assert waiting.entered.wait(PATIENCE)
    job.cancel()
    sent.set()
    assert waiting.told.wait(PATIENCE)


def test_cancelled_jobs_make_way(server: str, waiting: Waiting):
    """One visitor has a share of the turns; what waits for one and is cancelled takes none of the others'."""
    client = gradio_client.Client(server, verbose=False)
    jobs = [client.submit([seed], api_name="/sample") for seed in range(CALLS)]
    assert waiting.entered.wait(PATIENCE)
    wait_until(lambda: all(job.status().code == Status.PROCESSING for job in jobs), PATIENCE)
    for job in jobs:
        job.cancel()
    waiting.ending.add(99)
    began = time.monotonic()
    assert client.predict([99], api_name="/sample") == {"seeds": [99]}
    assert time.monotonic() - began < PATIENCE / 2
