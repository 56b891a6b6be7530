"""A visitor of a running server who needs no browser: live pictures, endpoints, uploads and the page's own requests."""

import json
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
    """One keep-alive connection to the server at `address`."""

    address: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

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

    def ask(self, path: str, request: Any, picture: bytes | None = None) -> Answer:
        """What the page POSTs: a form with JSON and, as `picture`, the bytes of a file. Of several reports the last."""
        files: dict[str, tuple[str | None, str | bytes]] = {"request": (None, json.dumps(request))}
        if picture:
            files["picture"] = ("picture", picture)
        answer = self.client.post(self.url(path), files=files)
        if answer.status_code != 200:
            return Answer(error=answer.text)
        last = json.loads(answer.text.strip().rpartition("\n")[2])
        return Answer(error=last["error"]) if "error" in last else Answer(last)


def _sentence(value: Any) -> str:
    return str(value.get("error") or value.get("message")) if isinstance(value, dict) else str(value)
