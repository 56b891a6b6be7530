"""A small server that speaks what huggingface_hub needs to make a Space and to commit files to it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub(ThreadingHTTPServer):
    """`files`: what the one Space holds, None while it does not exist; `asked`: "METHOD path" of each request, and
    `sent`: what came with the last one of each path. `refusal`: the status with which commits are answered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files: dict[str, bytes] | None = None
        self.private = False
        self.refusal = 0
        self.asked: list[str] = []
        self.sent: dict[str, Any] = {}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["key"] == "file":
                self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del self.files[line["value"]["path"]]


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.file(self.path.split("?")[0].partition("/resolve/main/")[2])

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if "/resolve/main/" in path:
            return self.file(path.partition("/resolve/main/")[2])
        self.server.asked.append(f"GET {path}")
        if self.server.files is None:
            self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif "/tree/" in path:
            self.answer([{"type": "file", "path": name, "size": 1, "oid": "0"} for name in self.server.files])
        else:
            siblings = [{"rfilename": name} for name in self.server.files]
            self.answer({"id": path.removeprefix("/api/spaces/"), "private": self.server.private, "siblings": siblings})

    def file(self, place: str) -> None:
        """Answers with a file, or with its length alone, as huggingface_hub downloads one."""
        data = (self.server.files or {}).get(place)
        if data is None:
            return self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        self.send_response(200)
        for name, text in (("ETag", f'"{hash(data)}"'), ("X-Repo-Commit", "1"), ("Content-Length", str(len(data)))):
            self.send_header(name, text)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def do_POST(self) -> None:
        hub, path = self.server, self.path.split("?")[0]
        hub.asked.append(f"POST {path}")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = [json.loads(line) for line in body.splitlines()] if path.endswith("/commit/main") else json.loads(body)
        hub.sent[path] = sent
        if path == "/api/repos/create":
            if hub.files is None:
                hub.files, hub.private = {".gitattributes": b""}, sent.get("visibility") == "private"
            self.answer({"url": f"{hub.endpoint}/spaces/{sent['organization']}/{sent['name']}"})
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            names = [file["path"] for file in sent["files"]]
            self.answer({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif hub.refusal:
            self.answer({"error": "You have no right to write here"}, hub.refusal)
        else:
            hub.commit(sent)
            self.answer({"commitUrl": f"{hub.endpoint}/spaces/me/digits/commit/1", "commitOid": "1"})

    def answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running() -> Iterator[Hub]:
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()
