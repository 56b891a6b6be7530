"""Where the demo is started, and what programs ask of it."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import UserError
from bundle.sessions import choose_provider
from demo.routes import call_checks, files, health, live
from demo.serving.address import Address, free_address, root_path
from demo.serving.public_link import open_link
from demo.serving.served_bundle import open_bundles
from tests.inputs.cases import case
from tests.support import tiny
from tests.support.server import free_port

ROOM = "Clients and hosts"


def listening(host: str, port: str | int | None = None) -> str:
    """The address that the demo would print with this --host and --port, or why it refuses."""
    try:
        return free_address(host, free_port() if port is None else port).url
    except UserError as problem:
        return f"error: {problem}"


def listening_at_ipv6(host: str) -> str:
    """As `listening`; skips the test where the machine has no IPv6."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    return listening(host)


@case(ROOM, "`--host ::1`")
def ipv6(place: Path) -> str:
    return listening_at_ipv6("::1")


@case(ROOM, "`--host ::`")
def all_of_ipv6(place: Path) -> str:
    return listening_at_ipv6("::")


@case(ROOM, "a host that is not of this machine")
def foreign_host(place: Path) -> str:
    return listening("192.0.2.1")


@case(ROOM, "a host with a port or a scheme")
def host_with_scheme(place: Path) -> str:
    return listening("http://127.0.0.1")


@case(ROOM, "`GRADIO_SERVER_PORT=abc`, `--port abc`")
def no_port(place: Path) -> str:
    return listening("127.0.0.1", "abc")


@case(ROOM, "`--root-path app`")
def no_root_path(place: Path) -> str:
    try:
        return str(root_path("app"))
    except UserError as problem:
        return f"error: {problem}"


@case(ROOM, "`--share` without a network")
def share_offline(place: Path) -> str:
    nowhere = "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        patch.setenv("https_proxy", nowhere)
        with gr.Blocks(analytics_enabled=False) as page, pytest.raises(UserError) as refused:
            open_link(page, Address("127.0.0.1", 7860))
    return str(refused.value)


@contextmanager
def served(place: Path) -> Iterator[tuple[TestClient, Path]]:
    """A server of a bundle, and the bundle's folder."""
    folder = Path(shutil.copytree(tiny.build(place / "made"), place / "tiny"))
    bundles = open_bundles(folder, choose_provider("cpu"), check=False)[0]
    with TestClient(
        Starlette(routes=[*files.routes(bundles), *live.routes(bundles), *health.routes(bundles, [])])
    ) as client:
        yield client, folder


@case(ROOM, "a bundle's file that was deleted while the server runs")
def deleted_file(place: Path) -> str:
    with served(place) as (client, folder):
        (folder / "sheet.png").unlink()
        return f"{client.get('/bundles/tiny/sheet.png').text} {client.get('/healthz').text}"


@case(ROOM, "a bundle's file that was replaced while the server runs")
def replaced_file(place: Path) -> str:
    with served(place) as (client, folder):
        (folder / "bundle.json").write_text("{}")
        return f"{client.get('/bundles/tiny/bundle.json').text} {client.get('/healthz').text}"


@case(ROOM, "a graph's file that was deleted before it was used")
def deleted_graph(place: Path) -> str:
    with served(place) as (client, folder):
        (folder / "decoder.onnx").unlink()
        answer = client.get("/live/tiny?m=vae")
        return f"{answer.status_code} {answer.text} {client.get('/healthz').text}"


@case(ROOM, "a call without its arguments")
def no_arguments(place: Path) -> str:
    return call_checks.mend("sample", [])


@case(ROOM, "a picture that is a path, an address or a number")
def picture_by_path(place: Path) -> str:
    return "\n".join(call_checks.mend("classify", [one]) for one in ("/etc/passwd", "https://example.org/a.png", 7))
