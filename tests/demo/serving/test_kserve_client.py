"""The client of inference servers against one that misbehaves: every failure is a sentence, and comes in time.

A well-behaved one, the real Triton: tests/test_triton.py.
"""

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleError, RuntimeUnavailable, UserError
from bundle.read import OpenBundle, read
from demo.serving import kserve_client
from tests.demo.serving.liar import Liar, Reply, message, tensor
from tests.support import tiny
from tests.support.waiting import wait_until

pytestmark = pytest.mark.serving

READY, ABOUT, MODEL, INFER = "/v2/health/ready", "/v2", "/v2/models/tiny_decoder", "/v2/models/tiny_decoder/infer"
SHAPE = (2, 1, 32, 32)
PICTURES = np.linspace(0, 1, 2048, dtype=np.float32).reshape(SHAPE)
INPUTS = {"z": np.zeros((2, tiny.CODE), np.float32)}


def answer(*outputs: dict, tail: bytes = b"", **headers: object) -> bytes:
    """An answer to a request for pictures, as JSON with bytes after it."""
    head = json.dumps({"model_name": "tiny_decoder", "outputs": outputs}).encode()
    return message(head + tail, **({"Inference_Header_Content_Length": len(head)} | headers))


def image(size: object = PICTURES.nbytes, shape: tuple[int, ...] = SHAPE, kind: str = "FP32") -> dict:
    return tensor("image", list(shape), kind, parameters={"binary_data_size": size})


def numbers(data: object) -> bytes:
    """The pictures as JSON."""
    return message({"outputs": [tensor("image", list(SHAPE), data=data)]})


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as server:
        server.answers |= {
            READY: message(""),
            ABOUT: message({"name": "liar", "version": "1", "extensions": ["binary_tensor_data"]}),
            MODEL: message({"inputs": [tensor("z", [-1, tiny.CODE])], "outputs": [tensor("image", [-1, 1, 32, 32])]}),
            INFER: answer(image(), tail=PICTURES.tobytes()),
        }
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> OpenBundle:
    return read(tiny_bundle)


def ask(liar: Liar, bundle: OpenBundle, timeout: float = 5.0) -> list[np.ndarray]:
    """A whole visit: connect, look at the model, draw."""
    server = kserve_client.connect(liar.url, timeout)
    try:
        return server.graph(bundle, "decoder")(INPUTS)
    finally:
        server.close()


def sentence(liar: Liar, bundle: OpenBundle, kind: type[UserError], timeout: float = 5.0) -> str:
    """The one sentence with which a visit fails."""
    with pytest.raises(kind) as caught:
        ask(liar, bundle, timeout)
    text = str(caught.value)
    assert text.endswith(".") and text.isprintable() and len(text) < 500, text
    assert f"127.0.0.1:{liar.server_address[1]}" in text
    return text


# --- what is asked -------------------------------------------------------------------------------


def test_a_visit_as_bytes(liar: Liar, bundle: OpenBundle):
    (pictures,) = ask(liar, bundle)
    assert pictures.tobytes() == PICTURES.tobytes() and pictures.shape == SHAPE
    pictures[:] = 0  # the caller's own
    assert [path for path, _, _ in liar.asked] == [READY, ABOUT, MODEL, INFER]
    _, headers, body = liar.asked[-1]
    length = int(headers["inference-header-content-length"])
    assert json.loads(body[:length]) == {
        "inputs": [tensor("z", [2, tiny.CODE], parameters={"binary_data_size": 48})],
        "outputs": [{"name": "image", "parameters": {"binary_data": True}}],
    }
    assert body[length:] == INPUTS["z"].tobytes()


@pytest.mark.parametrize("data", [PICTURES.ravel().tolist(), PICTURES.tolist()], ids=["flat", "nested"])
def test_a_visit_as_json(liar: Liar, bundle: OpenBundle, data: list):
    liar.answers |= {ABOUT: message({"name": "mlserver"}), INFER: numbers(data)}
    assert ask(liar, bundle)[0].tobytes() == PICTURES.tobytes()
    _, headers, body = liar.asked[-1]
    assert "inference-header-content-length" not in headers and headers["content-type"] == "application/json"
    assert json.loads(body)["inputs"] == [tensor("z", [2, tiny.CODE], data=[0.0] * 12)]


@pytest.mark.parametrize("nothing", [[], None])
def test_a_server_that_declares_no_tensors_is_checked_by_its_answers(liar: Liar, bundle: OpenBundle, nothing):
    liar.answers[MODEL] = message({"name": "tiny_decoder", "platform": "", "inputs": nothing, "outputs": nothing})
    assert len(ask(liar, bundle)) == 1


def test_nulls_as_kserve_writes_them(liar: Liar, bundle: OpenBundle):
    pictures = tensor("image", list(SHAPE), parameters=None, data=PICTURES.ravel().tolist())
    liar.answers |= {
        ABOUT: message({"name": "kserve", "version": None, "extensions": None}),
        INFER: message({"model_version": None, "id": None, "parameters": None, "outputs": [pictures]}),
    }
    assert ask(liar, bundle)[0].tobytes() == PICTURES.tobytes()


@pytest.mark.parametrize("end", ["", "/", "/v2", "/v2/"])
def test_addresses_as_people_write_them(liar: Liar, end: str):
    server = kserve_client.connect(liar.url + end)
    assert server.name == f"liar 1 at {liar.url.removeprefix('http://')}"
    server.close()


def test_an_address_with_a_path(liar: Liar):
    liar.answers |= {f"/serving{path}": liar.answers[path] for path in (READY, ABOUT)}
    kserve_client.connect(f"{liar.url}/serving/").close()
    assert [path for path, _, _ in liar.asked] == [f"/serving{READY}", f"/serving{ABOUT}"]


def test_no_proxy_of_the_environment(liar: Liar, monkeypatch: pytest.MonkeyPatch):
    with Liar() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        kserve_client.connect(liar.url).close()
        assert not proxy.asked and len(liar.asked) == 2
        proxy.shutdown()


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(liar: Liar, bundle: OpenBundle):
    def close(connection: socket.socket) -> None:
        liar.answers[INFER] = answer(image(), tail=PICTURES.tobytes())
        connection.close()

    liar.answers[INFER] = close
    assert ask(liar, bundle)[0].tobytes() == PICTURES.tobytes()
    assert [path for path, _, _ in liar.asked].count(INFER) == 2


def test_a_closed_server_leaves_no_thread(liar: Liar, bundle: OpenBundle):
    server = kserve_client.connect(liar.url)
    names = {thread.name for thread in threading.enumerate()}
    assert f"requests to {liar.url}" in names
    server.close()
    wait_until(lambda: all(thread.name != f"requests to {liar.url}" for thread in threading.enumerate()))
    server.close()
    with pytest.raises(RuntimeUnavailable, match=f"The connection to {re.escape(liar.url)} was closed"):
        server.graph(bundle, "decoder")


# --- no server -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "machine:8000", "//machine:8000", "ftp://machine", "file:///etc/passwd", "http://", "http://:8000",
     "http://machine:80800", "http://machine:port", "http://me:secret@machine:8000", "http://machine:8000/?model=1",
     "http://machine#part"],
)  # fmt: skip
def test_what_is_no_address(url: str):
    with pytest.raises(RuntimeUnavailable, match=r"is no address of an inference server: write http://machine:port\."):
        kserve_client.connect(url)


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(RuntimeUnavailable, match=f"^There is no connection to {re.escape(url)}: .*\\.$"):
        kserve_client.connect(url)
    with pytest.raises(RuntimeUnavailable, match=r"^There is no connection to http://no-such-machine\.invalid"):
        kserve_client.connect("http://no-such-machine.invalid")


@pytest.mark.parametrize(
    ("path", "reply", "words"),
    [
        (READY, message("starting", 503), "is not ready: status 503"),
        (READY, message("", 400), "is not ready: status 400"),
        (READY, message("", 404), "does not speak KServe v2"),
        (READY, message("", 307, Location="http://127.0.0.1:1/"), r"a redirect \(307\), which is not followed"),
        (ABOUT, message("<html>Welcome</html>"), "does not speak KServe v2"),
        (ABOUT, message(["triton"]), "does not speak KServe v2"),
        (ABOUT, message({"version": "2"}), "does not speak KServe v2"),
        (ABOUT, message({"name": "x"}, 500), "does not speak KServe v2"),
        (ABOUT, message(gzip.compress(b'{"name": "x"}', mtime=0), Content_Encoding="gzip"), "does not speak KServe v2"),
        (ABOUT, message("[" * 50_000), "does not speak KServe v2"),
        (ABOUT, message(b"x" * 70_000), "sent more than the 64000 bytes"),
        (READY, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "broke off"),
        (READY, b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n", "broke off"),
        (READY, lambda connection: connection.close(), "broke off"),
    ],
)  # fmt: skip
def test_what_is_no_ready_server_of_the_protocol(liar: Liar, bundle: OpenBundle, path: str, reply: Reply, words: str):
    liar.answers[path] = reply
    assert re.search(words, sentence(liar, bundle, RuntimeUnavailable))


def test_a_redirect_is_not_followed(liar: Liar, bundle: OpenBundle):
    with Liar() as other:
        liar.answers[INFER] = message("", 308, Location=f"{other.url}{INFER}")
        assert "status 308" in sentence(liar, bundle, RuntimeUnavailable)
        assert not other.asked
        other.shutdown()


# --- deadlines -----------------------------------------------------------------------------------


def silent(connection: socket.socket) -> None:
    time.sleep(3)


def endless_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for count in range(60):
        connection.sendall(f"X-{count}: 1\r\n".encode())
        time.sleep(0.05)


def slow_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("path", [READY, INFER])
@pytest.mark.parametrize("reply", [silent, endless_header, slow_body])
def test_the_deadline_holds_for_the_whole_request(liar: Liar, bundle: OpenBundle, path: str, reply: Reply):
    """However busily the server sends a byte now and then."""
    liar.answers[path] = reply
    began = time.monotonic()
    assert "did not answer within 0.4 s" in sentence(liar, bundle, RuntimeUnavailable, timeout=0.4)
    assert time.monotonic() - began < 2


def test_more_bytes_than_the_pictures_have_are_not_taken(liar: Liar, bundle: OpenBundle):
    sent = []

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(2000):
                connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                sent.append(0x10000)
        except OSError:
            pass  # the client has had enough

    liar.answers[INFER] = flood
    assert "sent more than the 129536 bytes" in sentence(liar, bundle, RuntimeUnavailable)
    assert sum(sent) < 50_000_000


# --- other models, wrong pictures ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            message({"error": "Request for unknown model: 'x' is not found"}, 400),
            "has no model 'tiny_decoder' .*export",
        ),
        (message({"detail": "Not Found"}, 404), "has no model 'tiny_decoder'"),
        (message({"error": "out of\nmemory \x1b[31m" + 900 * "y"}, 500), r"status 500 \(out of memory \[31my+\)"),
        (message("no JSON"), "does not describe model 'tiny_decoder'"),
        (message({"inputs": "z"}), "does not describe model 'tiny_decoder'"),
        (message({"inputs": [tensor("z", [-1, 7])]}), r"inputs are z FP32 \[-1, 7\] instead of z FP32 \[-1, 6\]"),
        (message({"inputs": [tensor("z", [2, 6])]}), r"inputs are z FP32 \[2, 6\] instead"),
        (message({"inputs": [tensor("code", [-1, 6])]}), "inputs are code FP32"),
        (message({"inputs": [tensor("z", [-1, 6], "FP16")]}), "inputs are z FP16"),
        (message({"outputs": [tensor("image", [-1, 32, 32, 1])]}), "outputs are image FP32 .* export the bundle"),
    ],
)
def test_models_that_are_not_there_or_are_others(liar: Liar, bundle: OpenBundle, reply: Reply, words: str):
    liar.answers[MODEL] = reply
    assert re.search(words, sentence(liar, bundle, RuntimeUnavailable))


def test_a_graph_that_the_bundle_lacks(liar: Liar, broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    del index["graphs"]["critic"]
    tiny.save_index(broken_bundle, index)
    server = kserve_client.connect(liar.url)
    with pytest.raises(BundleError, match="Bundle 'tiny' has no graph 'critic'"):
        server.graph(read(broken_bundle), "critic")
    server.close()


NAN = PICTURES.copy()
NAN[1, 0, 3, 4] = np.nan


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(image(), tail=NAN.tobytes()), "values in 'image' that are not finite"),
        (answer(image(shape=(1, 1, 32, 32), size=4096), tail=bytes(4096)), "'image' as FP32 .1, 1, 32, 32. instead of"),
        (answer(image(shape=(2, 32, 32, 1)), tail=bytes(8192)), r"instead of FP32 \[2, 1, 32, 32\]"),
        (answer(image(kind="FP64"), tail=bytes(8192)), "'image' as FP64"),
        (answer(image(), tail=bytes(8191)), "'image' with a wrong number of bytes"),
        (answer(image(), tail=bytes(8193)), "more bytes than its outputs have"),
        (answer(image(size=8188), tail=bytes(8188)), "'image' with a wrong number of bytes"),
        (answer(image(size=-4), tail=bytes(8192)), "'image' with a wrong number of bytes"),
        (answer(image(size="8192"), tail=bytes(8192)), "'image' with a wrong number of bytes"),
        (answer(tail=bytes(8192)), "other outputs than image"),
        (answer(image(), image(), tail=bytes(16384)), "other outputs than image"),
        (answer(tensor("picture", [2]), tail=b""), "other outputs than image"),
        (answer(image(), tail=bytes(8192), Inference_Header_Content_Length=10**6), "an answer whose length is wrong"),
        (answer(image(), tail=bytes(8192), Inference_Header_Content_Length="-1"), "an answer whose length is wrong"),
        (answer(image(), tail=bytes(8192), Inference_Header_Content_Length=12), "not of the KServe v2 protocol"),
        (message("[]"), "not of the KServe v2 protocol"),
        (message(""), "not of the KServe v2 protocol"),
        (message('{"outputs": [' + "[" * 60_000), "not of the KServe v2 protocol"),
        (numbers([0.5] * 2047), "'image' with a wrong number of values"),
        (numbers(0.5), "'image' with a wrong number of values"),
        (numbers(None), "'image' with a wrong number of values"),
        (numbers([None] * 2048), "not finite"),
        (numbers([1e300] * 2048), "not finite"),
        (numbers([float("nan")] * 2048), "not finite"),
        (numbers(["red"] * 2048), "something else than lists of numbers"),
        (numbers([[1, 2], [3]]), "something else than lists of numbers"),
        (numbers([0.5] * 2047 + [10**400]), "something else than lists of numbers"),
        (numbers({"0": 1}), "something else than lists of numbers"),
    ],
)
def test_wrong_pictures(liar: Liar, bundle: OpenBundle, reply: Reply, words: str):
    liar.answers[INFER] = reply
    text = sentence(liar, bundle, BundleError)
    assert text.startswith("Model 'tiny_decoder' of liar 1 at ") and re.search(words, text)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (message({"error": "CUDA out of memory."}, 500), r"status 500 \(CUDA out of memory\)"),
        (message("<html>Bad Gateway</html>", 502), "status 502"),
        (message({"error": "no."}, 429), "status 429"),
        (message({"error": "unloaded"}, 404), "has no model"),
        (answer(image(), tail=PICTURES.tobytes())[:-100], "did not answer within 0.5 s"),
    ],
)
def test_a_server_that_fails(liar: Liar, bundle: OpenBundle, reply: Reply, words: str):
    liar.answers[INFER] = reply
    assert re.search(words, sentence(liar, bundle, RuntimeUnavailable, timeout=0.5))


def test_a_server_that_goes_away(liar: Liar, bundle: OpenBundle):
    server = kserve_client.connect(liar.url)
    draw = server.graph(bundle, "decoder")
    half = answer(image(), tail=PICTURES.tobytes())[:-100]
    liar.answers[INFER] = lambda connection: connection.sendall(half)
    with pytest.raises(RuntimeUnavailable, match="broke off"):
        draw(INPUTS)
    liar.shutdown()
    liar.server_close()
    with pytest.raises(RuntimeUnavailable, match="There is no connection to"):
        draw(INPUTS)
    server.close()
