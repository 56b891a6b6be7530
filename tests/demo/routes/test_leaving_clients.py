"""Clients that leave, or cancel a call: the endpoint is told, whichever way they came.

Gradio has no public way to ask for this, so demo/routes/gradio_api.py reads names of its own. A release that calls them
otherwise fails here."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bundle.sessions import choose_provider
from demo.page import build_demo, launch_settings
from demo.routes import gradio_api
from demo.serving.batching import caller
from demo.serving.served_bundle import open_bundles

pytestmark = pytest.mark.serving
SESSION = "abc"
PATIENCE = 20  # seconds


class Waiting:
    """An endpoint in place of /sample, which waits until it is told that its client has gone."""

    def __init__(self) -> None:
        self.entered, self.told = threading.Event(), threading.Event()

    def sample(self, seeds: list, bundle: str = "", model: str = "", label: str = "", truncation: float = 1) -> dict:
        self.entered.set()
        if caller().gone.wait(PATIENCE):
            self.told.set()
        return {}


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    waiting = Waiting()
    whole = gradio_api.drawing
    monkeypatch.setattr(gradio_api, "drawing", lambda bundles: whole(bundles) | {"sample": waiting.sample})
    return waiting


@pytest.fixture
def server(
    waiting: Waiting, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
    demo = build_demo(bundles, unavailable)
    settings: dict[str, Any] = launch_settings(bundles, unavailable)
    _, address, _ = demo.launch(quiet=True, prevent_thread_lock=True, server_name="127.0.0.1", **settings)
    yield address.rstrip("/")
    demo.close(verbose=False)


def joined(client: httpx.Client) -> dict[str, Any]:
    """A call of /sample in the queue, as a page of the session makes one; how it is named to cancel it."""
    functions = {one["api_name"]: one["id"] for one in client.get("/config").json()["dependencies"]}
    call = {"fn_index": functions["sample"], "session_hash": SESSION}
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
        joined(client)
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": SESSION}):
            assert waiting.entered.wait(PATIENCE) and not waiting.told.is_set()
    assert waiting.told.wait(PATIENCE)


def test_a_call_that_is_cancelled(server: str, waiting: Waiting):
    with httpx.Client(base_url=server, timeout=60) as client:
        call = joined(client)
        assert waiting.entered.wait(PATIENCE) and not waiting.told.is_set()
        client.post("/gradio_api/cancel", json=call).raise_for_status()
        client.get("/gradio_api/queue/data", params={"session_hash": SESSION}).raise_for_status()
    assert waiting.told.wait(PATIENCE)
