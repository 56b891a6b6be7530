"""Bundles from the Hub, spoken to over HTTP by its own client; here a server on this machine answers in its place."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bundle.errors import UserError
from bundle.read import discover
from demo.serving import hub

pytestmark = pytest.mark.serving

REPOSITORY = Path(__file__).resolve().parents[3]
EXTRA = {"weights.pkl": b"x", "run.py": b"x", "order.txt": b"tiny\n", "packed/graphs.tar.xz": b"x"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """The endpoints that fetching needs, for the repository some/models."""

    folder: Path
    extra: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(path)
        files = {f"tiny/{p.name}": p.read_bytes() for p in self.folder.iterdir()} | self.extra
        headers = {"X-Repo-Commit": COMMIT}
        if path in ("/api/models/some/models/revision/v1", "/api/models/some/models"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            data = json.dumps({"id": "some/models", "sha": COMMIT, "siblings": siblings}).encode()
        elif path == f"/api/models/some/models/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": n, "size": len(d), "oid": hashlib.sha1(d).hexdigest()}
                for n, d in files.items()
            ]
            data = json.dumps(tree).encode()
        elif path.startswith(f"/some/models/resolve/{COMMIT}/"):
            data = files[path.split("/", 5)[5]]
            headers |= {"ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
        else:
            code = "RevisionNotFound" if "/some/models/" in path else "RepoNotFound"
            self.send_response(404)
            self.send_header("X-Error-Code", code)
            self.end_headers()
            return
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tiny_bundle: Path) -> Iterator[type[Hub]]:
    handler = type("Handler", (Hub,), {"folder": tiny_bundle, "extra": EXTRA, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        handler.address = f"http://127.0.0.1:{httpd.server_port}"
        yield handler
        httpd.shutdown()
        thread.join()


def fetched(address: str, endpoint: str, cache: Path, first: str = "") -> subprocess.CompletedProcess:
    """In a process of its own: the library reads its settings once. `first`: what to do before."""
    tried = f"try: print(hub.fetch({address!r}))\nexcept hub.UserError as e: print('NO', e)"
    code = f"from demo.serving import hub\n{first}\n{tried}"
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    words, env = [sys.executable, "-c", code], os.environ | settings
    return subprocess.run(words, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=300)


def test_a_revision_is_fetched_verified_and_kept(server: type[Hub], tmp_path: Path):
    done = fetched("hf://some/models@v1", server.address, tmp_path)
    folder = Path(done.stdout.strip())
    bundles, unavailable = discover(folder)
    assert [bundle.info.name for bundle in bundles] == ["tiny"] and not unavailable, done.stderr
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"bundle.json", "order.txt", "graphs.tar.xz"} <= names
    assert not {"weights.pkl", "run.py"} & names  # nothing but a bundle's files
    offline = fetched("hf://some/models@v1", "http://127.0.0.1:9", tmp_path)
    assert offline.stdout.strip() == str(folder), offline.stdout + offline.stderr


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("hf://some/models@v9", "no revision 'v9' of some/models"),
        ("hf://no/such", "no repository no/such"),
    ],
)
def test_what_is_not_there(server: type[Hub], tmp_path: Path, address: str, words: str):
    done = fetched(address, server.address, tmp_path)
    assert done.stdout.startswith("NO ") and words in done.stdout, done.stdout + done.stderr


def test_without_a_network_and_a_copy(tmp_path: Path):
    done = fetched("hf://some/models", "http://127.0.0.1:9", tmp_path)
    assert done.stdout.startswith("NO The Hub cannot be reached"), done.stdout + done.stderr


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch):
    def full(*of: object, **named: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub, "_size", lambda *of: 0)
    monkeypatch.setattr(hub, "snapshot_download", full)
    with pytest.raises(UserError, match="The disk is full"):
        hub.fetch("hf://some/models")


def test_too_much_is_not_fetched(server: type[Hub], tmp_path: Path):
    done = fetched("hf://some/models", server.address, tmp_path, first="hub.MAX_BYTES = 1000")
    assert "the limit is 0 MB" in done.stdout, done.stdout + done.stderr
    assert not [path for path in server.asked if "/resolve/" in path]


NO_ADDRESSES = ["hf://", "hf://user", "hf://a/b/c", "hf://a/b@", "hf://a/b@x y", "https://a/b"]


@pytest.mark.parametrize("address", [*NO_ADDRESSES, "hf://user/my--model", "hf://user/my..model", "hf://user/model."])
def test_addresses_that_are_none(address: str):
    with pytest.raises(UserError, match="write hf://user/repo"):
        hub.parse(address)
