"""The static page of `export web` and plain file servers for it, as web hosts have them."""

import functools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bundle.errors import UserError
from export.targets import web


def need_runtime() -> None:
    """Skips the test where onnxruntime-web is not installed."""
    try:
        web.runtime()
    except UserError as missing:
        pytest.skip(str(missing))


def written(bundles: Sequence[Path], folder: Path, title: str | None = None) -> Path:
    """The folder, with the page over these bundles in it; skips where onnxruntime-web is not installed."""
    need_runtime()
    web.write(bundles, folder, title)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class AnyOrigin(Quiet):
    """Lets pages of other hosts load the files, as GitHub Pages and static Spaces do."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


class FileServer:
    """A plain file server for a folder, on one port, which can be switched off and on."""

    def __init__(self, folder: Path, handler: type[Quiet] = Quiet):
        self.folder, self.handler, self.port = folder, handler, 0
        self.switch_on()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def switch_on(self) -> None:
        handler = functools.partial(self.handler, directory=self.folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def switch_off(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hosted(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address of a file server for the folder."""
    server = FileServer(folder, handler)
    try:
        yield server.address
    finally:
        server.switch_off()
