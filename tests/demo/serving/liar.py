"""An inference server that misbehaves as it is told: what the client of such servers is tested against."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable

Reply = bytes | Callable[[socket.socket], None]


def message(body: bytes | str | dict | list, status: int = 200, **headers: object) -> bytes:
    """A whole HTTP answer; headers by name, with _ for -."""
    body = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = [f"HTTP/1.1 {status} Word", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def tensor(name: str, shape: list[int], kind: str = "FP32", **more: object) -> dict:
    return {"name": name, "datatype": kind, "shape": shape, **more}


class Liar(socketserver.ThreadingTCPServer):
    """Answers each path as told, and remembers what it was asked."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, Reply] = {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Conversation(socketserver.StreamRequestHandler):
    server: Liar

    def handle(self) -> None:
        while line := self.rfile.readline().decode():
            headers = {}
            while text := self.rfile.readline().decode().strip():
                name, _, value = text.partition(": ")
                headers[name.lower()] = value
            path = line.split()[1]
            self.server.asked.append((path, headers, self.read_body(headers)))
            reply = self.server.answers.get(path, message({"error": "nothing here"}, 404))
            if callable(reply):
                return reply(self.connection)
            self.wfile.write(reply)

    def read_body(self, headers: dict[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length", 0)))
