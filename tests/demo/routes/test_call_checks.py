"""Wrong calls of the endpoints, by curl and by gradio_client: a sentence, and no traceback in the log."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio_client
import httpx
import numpy as np
import pytest

from bundle import images
from tests.support.server import demo

pytestmark = pytest.mark.serving

FORM = "multipart/form-data; boundary=x"
SAMPLE = ("seeds", "bundle", "model", "label", "truncation", "attributes")
NO_FILE = "The picture must be a file that was uploaded first, to /gradio_api/upload."


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "errors"


@pytest.fixture(scope="module")
def server(tiny_bundle: Path, log: Path) -> Iterator[str]:
    with log.open("wb") as errors, demo("--bundles", tiny_bundle, "--provider", "cpu", errors=errors) as address:
        yield address


@pytest.fixture(scope="module")
def curl(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server}/gradio_api/", timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def no_traceback(server: str, log: Path) -> Iterator[None]:
    yield
    assert "Traceback" not in log.read_text()


def uploaded(curl: httpx.Client, data: bytes) -> dict[str, Any]:
    return {"path": curl.post("upload", files={"files": ("a.png", data)}).json()[0]}


def told(curl: httpx.Client, endpoint: str, data: list[Any]) -> str:
    """What the stream of a call says in the end."""
    number = curl.post(f"call/{endpoint}", json={"data": data}).raise_for_status().json()["event_id"]
    return curl.get(f"call/{endpoint}/{number}").text


@pytest.mark.parametrize("action", ["call/{}", "run/{}", "api/{}", "run/{}/", "call/{}/"])
@pytest.mark.parametrize(
    ("endpoint", "data", "sentence"),
    [
        (
            "sample",
            [],
            "The argument 'seeds' is missing: /sample takes seeds, bundle, model, label, truncation, attributes, bend.",
        ),
        ("repair", [], "The argument 'picture' is missing: /repair takes picture, mask, bundle, model."),
        ("classify", ["/etc/passwd", ""], NO_FILE),
        ("classify", ["http://127.0.0.1:1/x.png", ""], NO_FILE),
        ("classify", [{"path": "http://127.0.0.1:1/x.png"}, ""], NO_FILE),
        ("classify", [{"url": "http://127.0.0.1:1/x.png"}, ""], NO_FILE),
        ("classify", [{"path": "/etc/passwd"}, ""], NO_FILE),
        ("classify", [{"path": "x" * 5000}, ""], NO_FILE),
        ("classify", [{"path": "\0"}, ""], NO_FILE),
        ("classify", [3, ""], NO_FILE),
        ("classify", [[], ""], NO_FILE),
        ("invert", [None, "", "many", 0], "The rounds must be a number."),
    ],
)
def test_wrong_calls_have_a_status_and_a_sentence(
    curl: httpx.Client, action: str, endpoint: str, data: list[Any], sentence: str
):
    answer = curl.post(action.format(endpoint), json={"data": data})
    assert (answer.status_code, answer.json()) == (400, {"detail": sentence})


@pytest.mark.parametrize(
    ("endpoint", "given", "sentence"),
    [
        ("sample", {}, "The argument 'seeds' is missing: "),
        ("sample", {"seeds": [1], "sort": 3}, "There is no argument 'sort': /sample takes seeds, bundle"),
        ("sample", [[1]], "The call must be a JSON object with the arguments by name."),
        ("classify", {"picture": "/etc/passwd"}, NO_FILE),
        ("repair", {"picture": 3, "mask": 4}, NO_FILE),
    ],
)
def test_wrong_arguments_by_name(curl: httpx.Client, endpoint: str, given: Any, sentence: str):
    answer = curl.post(f"call/v2/{endpoint}", json=given)
    assert answer.status_code == 400 and answer.json()["detail"].startswith(sentence)


def test_arguments_by_name(curl: httpx.Client):
    number = curl.post("call/v2/sample", json={"seeds": [1], "truncation": 0.5}).raise_for_status().json()["event_id"]
    assert "event: complete" in curl.get(f"call/v2/sample/{number}").text


@pytest.mark.parametrize("body", [b"no JSON", b"{}", b'{"data": "x"}', b"[]", b"[" * 9000])
def test_what_is_no_call(curl: httpx.Client, body: bytes):
    for path in ("call/sample", "run/sample"):
        answer = curl.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and "in a list" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["run/sample", "api/sample"])
@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        ([[1], "", "GAN"], 400, "The model must be one of gan, vae, not 'GAN'."),
        ([[1], "nope"], 400, "There is no bundle 'nope': choose one of tiny."),
        (["seven"], 400, "Seeds must be a list of 1 to 64 whole numbers or points [x, y]."),
        ([[1]], 200, ""),
    ],
)
def test_what_an_endpoint_refuses_at_once_has_its_status(
    curl: httpx.Client, path: str, data: list[Any], status: int, sentence: str
):
    answer = curl.post(path, json={"data": data})
    assert (answer.status_code, answer.json().get("error", "")) == (status, sentence)


def test_an_empty_upload_is_no_picture(curl: httpx.Client):
    assert "not a picture that can be read" in told(curl, "classify", [uploaded(curl, b""), ""])


def test_what_is_left_out_has_its_default(curl: httpx.Client, tiny_bundle: Path):
    assert "event: complete" in told(curl, "sample", [[1]])
    assert "event: complete" in told(curl, "classify", [uploaded(curl, (tiny_bundle / "sheet.png").read_bytes())])


def test_a_call_that_is_too_large(curl: httpx.Client):
    answer = curl.post("call/sample", content=b'{"data": [[' + b"1," * 2_500_000 + b"1]]}")
    assert answer.status_code == 413 and "too large" in answer.json()["detail"]


def test_gradio_client_is_told_in_a_sentence(server: str, tmp_path: Path):
    client = gradio_client.Client(server, verbose=False)
    for wrong in (3, "/etc/passwd", "http://127.0.0.1:1/x.png"):
        with pytest.raises(Exception, match=r"A picture is needed\."):
            client.predict(wrong, "", api_name="/classify")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(Exception, match="not a picture that can be read"):
        client.predict(gradio_client.handle_file(tmp_path / "empty.png"), "", api_name="/classify")
    (tmp_path / "good.png").write_bytes(images.png(np.zeros((32, 32, 1), np.uint8)))
    assert len(client.predict(gradio_client.handle_file(tmp_path / "good.png"), "", api_name="/classify")) == 10


@pytest.mark.parametrize("path", ["gradio_api/call/sample", "rebuild/tiny", "rebuild/tiny/eight-bits"])
def test_a_client_that_leaves_while_it_sends_is_no_failure(server: str, path: str):
    address = httpx.URL(server)
    with socket.create_connection((address.host, address.port or 80)) as client:
        head = f"POST /{path} HTTP/1.1\r\nHost: twofold\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\n"
        client.sendall(head.encode() + b"--x")
        time.sleep(0.3)  # long enough for the server to begin reading
    time.sleep(0.3)  # and to notice; then `no_traceback` looks into its log
    assert httpx.get(f"{server}/healthz").status_code == 200
