"""A visitor of a running server who needs no browser: live pictures, endpoints, uploads and the page's own events."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Answer:
    """What came back: a value, or the sentence that says why there is none."""

    value: Any = None
    error: str | None = None


@dataclass
class Visitor:
    """One keep-alive connection to the server at `address`, with a session of its own as the page has one."""

    address: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    session: str = field(default_factory=lambda: secrets.token_hex(6))
    _events: dict[str, int] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """The whole address of a path of the server."""
        return f"{self.address.rstrip('/')}/{path}"

    def get(self, path: str, /, **params: Any) -> httpx.Response:
        """The answer of a path, whatever its status."""
        return self.client.get(self.url(path), params=params or None)

    def upload(self, data: bytes, name: str = "picture.png") -> httpx.Response:
        """Hands a file to Gradio, as its upload widgets do; the answer lists where it lies."""
        return self.client.post(self.url("gradio_api/upload"), files={"files": (name, data)})

    def picture(self, data: bytes) -> dict[str, Any]:
        """An uploaded picture, as an argument of an endpoint."""
        (path,) = self.upload(data).raise_for_status().json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, *data: Any) -> Answer:
        """A public endpoint, as curl would. NaN and the infinities are sent as Python writes them."""
        body = json.dumps({"data": data})
        head = {"Content-Type": "application/json"}
        asked = self.client.post(self.url(f"gradio_api/call/{endpoint}"), content=body, headers=head)
        if asked.status_code != 200:
            return Answer(error=f"{asked.status_code}: {asked.text}")
        answer = self.client.get(self.url(f"gradio_api/call/{endpoint}/{asked.json()['event_id']}")).text
        kind, _, sent = answer.strip().rpartition("\n\n")[2].partition("\ndata: ")
        value = json.loads(sent)
        return Answer(value[0]) if kind == "event: complete" else Answer(error=_sentence(value))

    def rebuild(self, bundle: str, request: Any, picture: bytes | None = None) -> Answer:
        """What the tab Rebuild asks for; `picture`: the bytes of a file."""
        files: dict[str, tuple[str | None, str | bytes]] = {"request": (None, json.dumps(request))}
        if picture:
            files["picture"] = ("picture", picture)
        answer = self.client.post(self.url(f"rebuild/{bundle}"), files=files)
        return Answer(answer.json()) if answer.status_code == 200 else Answer(error=answer.text)

    def event(self, name: str, request: Any) -> Answer:
        """An event of one of the page's widgets, "refine", "look" or "export"; the last thing that it reports."""
        if not self._events:
            config = self.get("config").json()
            self._events = {target[1]: d["id"] for d in config["dependencies"] for target in d["targets"]}
        body = {"data": [], "event_data": request, "fn_index": self._events[name], "session_hash": self.session}
        head = {"Content-Type": "application/json"}
        joined = self.client.post(self.url("gradio_api/queue/join"), content=json.dumps(body), headers=head)
        if joined.status_code != 200:
            return Answer(error=f"{joined.status_code}: {joined.text}")
        last: dict[str, Any] = {}
        with self.client.stream(
            "GET", self.url("gradio_api/queue/data"), params={"session_hash": self.session}
        ) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") in ("process_generating", "process_completed") and message["output"].get("data"):
                    last = message
                if message.get("msg") == "process_completed" and not message["success"]:
                    return Answer(error=_sentence(message["output"].get("error")))
                if message.get("msg") == "close_stream":
                    break
        return Answer(last["output"]["data"][0] if last else None)


def _sentence(value: Any) -> str:
    return str(value.get("error") or value.get("message")) if isinstance(value, dict) else str(value)
