"""The live routes: right pictures, one sentence for every wrong parameter, honest health."""

import io
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
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.latents import class_weights, one_hot
from bundle.read import Unavailable, read
from demo.routes.live import routes
from demo.serving.engine import Engine, choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


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


@pytest.fixture(scope="module")
def client(served: ServedBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    plain = tiny.build(tmp_path_factory.mktemp("live") / "plain", "plain", classes=0, channels=3)
    bundles = {"tiny": served, **open_bundles(plain, choose_provider("cpu"))[0]}
    app = Starlette(routes=routes(bundles, [Unavailable("lost", "File 'x' is missing.")]))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture).reshape(32, 32, -1)


def test_a_picture_of_the_plane(client: TestClient, served: ServedBundle):
    answer = client.get("/live/tiny?m=gan&x=1.25&y=-2.5&t=0.8&c=3&n=17")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert (pixels(answer.content) == images.to_uint8(served.at(1.25, -2.5, one_hot(3, 10), 0.8, "gan"))[0]).all()
    assert answer.headers["x-sequence"] == "17"
    assert answer.headers["cache-control"] == "private, max-age=3600"
    name, duration = answer.headers["server-timing"].split(";dur=")
    assert name == "model" and 0 < float(duration) < 5000


def test_raw_bytes(client: TestClient):
    raw = client.get("/live/plain?x=0.5&f=raw&m=vae")
    assert raw.headers["content-type"] == "application/octet-stream" and raw.headers["x-shape"] == "32,32,3"
    png = client.get("/live/plain?x=0.5&m=vae").content
    assert (np.frombuffer(raw.content, np.uint8).reshape(32, 32, 3) == pixels(png)).all()
    assert "x-sequence" not in raw.headers


def test_no_parameters_at_all(client: TestClient, served: ServedBundle):
    wanted = images.to_uint8(served.sample([0], one_hot(0, 10)))[0]
    assert (pixels(client.get("/live/tiny").content) == wanted).all()


def test_class_shares(client: TestClient, served: ServedBundle):
    wanted = images.to_uint8(served.at(2, 0, class_weights({3: 1, 5: 3}, 10)))[0]
    assert (pixels(client.get("/live/tiny?x=2&c=3:0.5,5:1.5").content) == wanted).all()


@pytest.mark.parametrize(
    ("given", "held"),
    [("x=1e9", "x=1e6"), ("y=-1e300", "y=-1e6"), ("t=99", "t=1.5"), ("t=-1", "t=0"), ("x=3&evil=1&seed=9", "x=3")],
)
def test_excess_is_held_in_range_and_foreign_parameters_are_ignored(client: TestClient, given: str, held: str):
    assert client.get(f"/live/tiny?{given}").content == client.get(f"/live/tiny?{held}").content


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("x=nan", "'x' must be a finite number"),
        ("y=inf", "'y' must be a finite number"),
        ("x=-Infinity", "'x'"),
        ("t=warm", "'t' must be a finite number"),
        ("x=1e999", "'x'"),
        ("n=1.5", "'n' takes whole numbers"),
        ("n=-1", "'n' takes whole numbers"),
        ("n=" + "9" * 5000, "'n' takes whole numbers"),
        ("n=9999999999999999", "'n' takes whole numbers"),
        ("n=%C2%B2", "'n' takes whole numbers"),
        ("n=1%0d%0aSet-Cookie:%20a=b", "'n' takes whole numbers"),
        ("m=diffusion", "gan, vae"),
        ("f=exe", "png, raw"),
        ("c=10", "below 10"),
        ("c=-1", "below 10"),
        ("c=three", "below 10"),
        ("c=3:x", "below 10"),
        ("c=3:nan", "share of class 3"),
        ("c=3:-1", "share of class 3"),
        ("c=3:0", "more than zero"),
        ("c=3:1e308,4:1e308", "share of class 3"),
    ],
)
def test_wrong_parameters_are_answered_with_a_sentence(client: TestClient, query: str, words: str):
    answer = client.get(f"/live/tiny?{query}")
    assert answer.status_code == 400 and words in answer.text
    assert answer.headers["content-type"].startswith("text/plain") and len(answer.text) < 200


def test_classes_of_a_model_without_classes(client: TestClient):
    assert client.get("/live/plain?c=0").status_code == 400
    assert client.get("/live/plain").status_code == 200


@pytest.mark.parametrize("path", ["/live/none", "/live/none/morph?keys=1", "/live/lost", "/live/%2e%2e"])
def test_an_unknown_bundle(client: TestClient, path: str):
    answer = client.get(path)
    assert answer.status_code == 404


def test_only_reading_is_possible(client: TestClient):
    assert client.post("/live/tiny").status_code == 405


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_scrubbing_a_morph_shows_what_the_export_shows(client: TestClient, served: ServedBundle, model: str):
    rows = np.stack([one_hot(7, 10), class_weights({3: 1, 5: 1}, 10), one_hot(3, 10)])
    frames = images.to_uint8(served.morph([1, 2, 33], rows, 6, "spline", True, 0.9, model))
    for i, frame in enumerate(frames):
        query = f"keys=1,2,33&classes=7,3:0.5|5:0.5,&p={i / 6!r}&path=spline&loop=1&m={model}&t=0.9&n={i}"
        answer = client.get(f"/live/tiny/morph?{query}")
        assert np.abs(pixels(answer.content).astype(int) - frame).max() <= 1
        assert answer.headers["x-sequence"] == str(i)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "keys=",
        "keys=1,,2",
        "keys=a",
        "keys=4294967296",
        "keys=" + ",".join(["1"] * 17),
        "keys=1,2&path=zigzag",
        "keys=1,2&loop=2",
        "keys=1,2&p=nan",
        "keys=1,2&classes=3",
        "keys=1,2&classes=3,99",
    ],
)
def test_wrong_morphs_are_answered_with_a_sentence(client: TestClient, query: str):
    answer = client.get(f"/live/tiny/morph?{query}")
    assert answer.status_code == 400 and answer.text.endswith(".")


def test_too_many_waiting_requests_are_turned_away(served: ServedBundle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.live.MAX_WAITING", 0)
    with TestClient(Starlette(routes=routes({"tiny": served}))) as client:
        answer = client.get("/live/tiny")
    assert answer.status_code == 503 and "try again" in answer.text


def test_who_closes_the_page_leaves_the_line(tiny_bundle: Path, server: Callable[[Starlette], str]):
    """Two visitors wait behind a slow run; one leaves, and nothing is drawn for him."""
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


def test_metrics(client: TestClient):
    def figures() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    before = figures()
    for _ in range(3):
        assert client.get("/live/plain?m=vae&x=5").status_code == 200
    after, decoder = figures(), '{bundle="plain",graph="decoder"}'
    for name in ("requests", "rows", "runs"):
        assert after[f"twofold_{name}_total{decoder}"] - before[f"twofold_{name}_total{decoder}"] == 3
    assert after[f"twofold_seconds_total{decoder}"] > before[f"twofold_seconds_total{decoder}"]
    assert after['twofold_loaded{bundle="plain"}'] == 1 and after["process_resident_memory_bytes"] > 1e7


def test_a_fault_that_is_found_later_is_told(broken_bundle: Path):
    tiny.replace_graph(broken_bundle, "decoder", float("nan"))
    bundles, _ = open_bundles(broken_bundle, choose_provider("cpu"), check=False)
    with TestClient(Starlette(routes=routes(bundles))) as client:
        assert client.get("/healthz").json()["bundles"]["tiny"]["checked"] is False
        answer = client.get("/live/tiny?m=gan")
        assert answer.status_code == 400 and "'decoder'" in answer.text and "not finite" in answer.text
        report = client.get("/healthz")
    assert report.status_code == 503 and report.json()["unavailable"] == [{"name": "tiny", "reason": answer.text}]


def test_health(client: TestClient):
    report = client.get("/healthz").json()
    assert report["status"] == "degraded" and set(report["bundles"]) == {"tiny", "plain"}
    assert report["unavailable"] == [{"name": "lost", "reason": "File 'x' is missing."}]
    provider = report["bundles"]["tiny"]["provider"]
    assert provider == {"requested": "cpu", "active": "CPUExecutionProvider", "reason": "CPU: asked for."}
    assert {"python", "numpy", "gradio"} <= set(report["versions"])


def test_health_of_nothing():
    with TestClient(Starlette(routes=routes({}))) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["status"] == "unavailable"
