"""Models that visitors bring: they draw, or end in a sentence; the server is never the worse for it."""

import asyncio
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from bundle.adopt import About, adopt
from bundle.errors import BundleError, Busy, InputError, UserError
from bundle.read import read
from bundle.sessions import choose_provider
from demo.routes import bodies, uploads
from demo.routes.live import routes
from demo.routes.uploads import Uploads
from demo.serving import sandbox
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny
from tests.support.server import demo

pytestmark = pytest.mark.serving

HEADERS = {"X-Twofold": "upload"}


def value(name: str, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def generator(*nodes: onnx.NodeProto, **weights: np.ndarray) -> bytes:
    """z [n, 4] -> image [n, 1, 8, 8]; the nodes lead from "rows" [n, 64] to "lit"."""
    draw = np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    constants = {"draw": draw, "shape": np.array([-1, 1, 8, 8], np.int64), **weights}
    steps = [
        helper.make_node("MatMul", ["z", "draw"], ["rows"]),
        *nodes,
        helper.make_node("Sigmoid", ["lit" if nodes else "rows"], ["grey"]),
        helper.make_node("Reshape", ["grey", "shape"], ["image"]),
    ]
    entries = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(steps, "g", [value("z", ["n", 4])], [value("image", ["n", 1, 8, 8])], entries)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def hungry() -> bytes:
    """Wants 400 GB for a picture."""
    return generator(
        helper.make_node("Tile", ["rows", "many"], ["vast"]),
        helper.make_node("ReduceMean", ["vast", "axis"], ["mean"], keepdims=1),
        helper.make_node("Add", ["rows", "mean"], ["lit"]),
        many=np.array([1, 1_600_000_000], np.int64),
        axis=np.array([1], np.int64),
    )


@pytest.fixture
def mine(tiny_bundle: Path) -> Iterator[tuple[TestClient, dict[str, ServedBundle]]]:
    bundles = open_bundles(tiny_bundle, choose_provider("cpu"))[0]
    held = Uploads(bundles)
    with TestClient(Starlette(routes=[*routes(bundles), *held.routes()])) as client:
        yield client, bundles
    held.close()


def test_a_model_that_a_visitor_brings_draws_for_everybody(mine):
    client, bundles = mine
    answer = client.post("/uploads?title=Blobs", content=generator(), headers=HEADERS)
    assert answer.status_code == 200, answer.text
    name = answer.json()["name"]
    assert answer.json()["title"] == "Blobs" and [one["name"] for one in client.get("/uploads").json()] == [name]
    picture = client.get(f"/live/{name}?x=5&f=raw")
    assert picture.status_code == 200 and picture.headers["x-shape"] == "8,8,1"
    z = tiny.seed_latent(5, 4)[None]
    draw = np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    wanted = np.rint(255 / (1 + np.exp(-(z @ draw)))).astype(int)
    assert np.abs(np.frombuffer(picture.content, np.uint8).astype(int) - wanted.ravel()).max() <= 1
    assert "limits" in bundles[name].engine.reason


def test_any_title_has_a_model(mine):
    titles = {"%00": "A visitor's model", "Two%0Alines%00": "Two lines"}
    for asked, title in titles.items():
        answer = mine[0].post(f"/uploads?title={asked}", content=generator(), headers=HEADERS)
        assert answer.status_code == 200 and answer.json()["title"] == title


def test_only_a_few_are_kept_and_their_files_go(mine, monkeypatch: pytest.MonkeyPatch):
    client, bundles = mine
    monkeypatch.setattr(uploads, "MAX_MODELS", 1)
    first, second = (client.post("/uploads", content=generator(), headers=HEADERS).json()["name"] for _ in range(2))
    assert first not in bundles and second in bundles and "tiny" in bundles
    assert client.get(f"/live/{first}").status_code == 404 and client.get(f"/live/{second}").status_code == 200
    assert not (bundles[second].engine.bundle.folder.parent / first).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no model", "not an ONNX file"),
        (b"", "not an ONNX file"),
        (generator(helper.make_node("RandomNormalLike", ["rows"], ["lit"])), "operators that are not run here"),
        (hungry(), "does not run|more memory"),
    ],
)
def test_what_cannot_be_served_is_refused_and_leaves_nothing(mine, content: bytes, words: str):
    client, bundles = mine
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.post("/uploads", content=content, headers=HEADERS)
    assert answer.status_code == 400 and re.search(words, answer.text), answer.text
    assert list(bundles) == ["tiny"] and client.get("/live/tiny").status_code == 200
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.mark.parametrize(
    ("code", "last_words", "said"),
    [(-9, "", "limit"), (1, "MemoryError", "limit"), (-6, "std::bad_alloc", "limit"), (-11, "", "unexpectedly")],
)
def test_only_what_broke_a_limit_is_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, last_words: str, said: str
):
    done = subprocess.CompletedProcess([], code, "", last_words)
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *of, **named: done)
    with pytest.raises(UserError, match=said):
        sandbox.adopt_there(tmp_path / "g.onnx", tmp_path / "out", "g", "G")


def test_too_large_a_file_is_not_read_to_its_end(mine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 1000)
    answer = mine[0].post("/uploads", content=b"x" * 5000, headers=HEADERS)
    assert answer.status_code == 400 and "at most 0 MB" in answer.text


def test_a_file_that_arrives_too_slowly_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "PATIENCE", 0.5)
    parts = [{"type": "http.request", "body": generator()[:100], "more_body": True}]

    async def slow() -> None:
        async def receive() -> dict:
            if parts:
                return parts.pop()
            await asyncio.sleep(60)
            raise AssertionError("it waited to the end")

        await uploads.receive(Request({"type": "http", "method": "POST", "headers": []}, receive), tmp_path / "slow")

    # In a thread: the browser of other tests leaves a running event loop in this one.
    with ThreadPoolExecutor(1) as thread, pytest.raises(InputError, match="too slowly: at least 50 kB a second"):
        thread.submit(asyncio.run, slow()).result()


def test_a_file_that_arrives_slowly_holds_up_no_other(tiny_bundle: Path):
    with demo("--bundles", tiny_bundle, "--provider", "cpu", "--allow-upload") as address, ExitStack() as stack:
        host, port = address.removeprefix("http://").split(":")
        for _ in range(3):
            slow = stack.enter_context(socket.create_connection((host, int(port))))
            slow.sendall(b"POST /uploads HTTP/1.1\r\nHost: x\r\nX-Twofold: upload\r\nContent-Length: 9000\r\n\r\nab")
        answer = httpx.post(f"{address}/uploads?title=Quick", content=generator(), headers=HEADERS, timeout=120)
        assert answer.status_code == 200 and answer.json()["title"] == "Quick"


def test_pages_of_other_sites_cannot_send_models(mine):
    assert mine[0].post("/uploads", content=generator()).status_code == 403


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "g.onnx").write_bytes(generator())
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"))
    return tmp_path / "out"


def test_a_child_that_has_ended_is_started_anew(bundle: Path):
    box = sandbox.Sandbox(read(bundle))
    run, feed = box.open(read(bundle), "generator"), {"z": np.ones((3, 4), np.float32)}
    (first,) = run(feed, time.monotonic() + 60)
    assert box.pid is not None
    os.kill(box.pid, signal.SIGKILL)
    os.waitpid(box.pid, 0)
    (again,) = run(feed, time.monotonic() + 60)
    assert np.array_equal(first, again) and first.shape == (3, 1, 8, 8)
    box.close()
    assert box.pid is None


def test_a_child_that_is_ended_under_a_request_is_replaced(bundle: Path):
    """By the system, as others before had used up its processor time."""
    box = sandbox.Sandbox(read(bundle))
    run, feed = box.open(read(bundle), "generator"), {"z": np.ones((3, 4), np.float32)}
    (first,) = run(feed, time.monotonic() + 60)
    child = box.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    ended = threading.Timer(0.3, os.kill, (child, signal.SIGKILL))
    ended.start()
    (again,) = run(feed, time.monotonic() + 60)
    ended.join()
    assert np.array_equal(first, again) and box.pid != child
    box.close()


def test_a_late_request_starts_no_child_of_a_closed_sandbox(bundle: Path):
    box = sandbox.Sandbox(read(bundle))
    run = box.open(read(bundle), "generator")
    box.close()
    with pytest.raises(BundleError, match="not here any more"):
        run({"z": np.ones((1, 4), np.float32)}, time.monotonic() + 60)
    assert box.pid is None


def test_a_child_that_takes_too_long_is_ended(bundle: Path):
    box = sandbox.Sandbox(read(bundle))
    run = box.open(read(bundle), "generator")
    with pytest.raises(Busy, match="took too long"):
        run({"z": np.ones((1, 4), np.float32)}, time.monotonic())  # its start alone takes longer
    box.close()


def test_a_child_that_ends_before_it_has_read_is_told_of_in_words(bundle: Path, monkeypatch: pytest.MonkeyPatch):
    box = sandbox.Sandbox(read(bundle))
    run = box.open(read(bundle), "generator")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", shutil.which("false"))
        with pytest.raises(BundleError, match="stopped unexpectedly"):
            run({"z": np.ones((1, 4), np.float32)}, time.monotonic() + 60)
    (again,) = run({"z": np.ones((1, 4), np.float32)}, time.monotonic() + 60)
    assert again.shape == (1, 1, 8, 8)
    box.close()


@pytest.mark.slow
def test_the_limits_hold_in_the_child():
    code = (
        "import resource, demo.serving.sandbox as s; s.limit(5)\n"
        "assert resource.getrlimit(resource.RLIMIT_AS)[1] == s.MEMORY\n"
        "try: bytearray(s.MEMORY); print('had it')\nexcept MemoryError: print('refused')\n"
        "while True: pass"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "refused\n" and done.returncode < 0 and time.monotonic() - began < 100


def in_a_child(code: str, before: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", "-c", f'{before} exec "$0" -c "$1"', sys.executable, code], capture_output=True, text=True, timeout=120
    )


def test_a_lower_limit_of_the_system_is_taken():
    code = "import resource, demo.serving.sandbox as s; print(s.limit(5), resource.getrlimit(resource.RLIMIT_AS)[1])"
    done = in_a_child(code, "ulimit -v 3500000;")
    assert done.stdout == f"[] {3_500_000 * 1024}\n", done.stderr


REFUSING = """
import resource, time, demo.serving.sandbox as s
def refuses(kind, limits, really=resource.setrlimit):
    if kind == resource.RLIMIT_AS: raise ValueError("current limit exceeds maximum limit")  # as macOS does
    really(kind, limits)
resource.setrlimit = refuses
"""


def test_where_the_system_limits_no_memory_a_model_that_takes_too_much_is_ended():
    code = REFUSING + "assert s._peak() > 1_000_000; taken = [s.MEMORY]; s._peak = lambda: taken[0]\n"
    code += "print(s.limit(60), flush=True); time.sleep(0.5); print('alive', flush=True)\n"
    code += "taken[0] += 1; time.sleep(60)"
    done = in_a_child(code)
    assert (done.stdout, done.returncode) == ("['memory']\nalive\n", -signal.SIGKILL), done.stderr


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ([], ""),
        (["memory"], "visitors' models: memory. They are ended once they have taken more than 4 GB"),
        (["processor time"], "visitors' models: processor time."),
    ],
)
def test_which_limits_are_missing_is_said(monkeypatch: pytest.MonkeyPatch, refused: list[str], said: str):
    done = subprocess.CompletedProcess([], 0, json.dumps(refused), "")
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *of, **named: done)
    words = sandbox.missing_limits()
    assert said in words and bool(words) == bool(refused)


def test_this_system_sets_all_limits():
    assert sandbox.missing_limits() == "" or sys.platform != "linux"


def test_the_server_s_secrets_do_not_reach_the_child(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert "HF_TOKEN" not in sandbox.environment()


@pytest.mark.parametrize(
    "head", [b"[1]", b'{"0": 3}', b'{"0": [null]}', b'{"0": [1e999]}', b"[" * 9000, b"{", b'{"0": [-1]}']
)
def test_malformed_messages_of_a_model_are_refused(head: bytes):
    with pytest.raises(ValueError):
        sandbox.receive(io.BytesIO(head + b"\n"), 10)
