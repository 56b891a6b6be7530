"""Answers that a client still has are not sent again: ETag and If-None-Match (RFC 9110, 13.1.2).

A route that knows what changes with its content says so by an ETag. Every other answer that may be kept for a while
gets the checksum of its bytes, so what is cached is also revalidated, whichever route it is.
"""

import hashlib
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = ("cache-control", "content-location", "date", "etag", "expires", "vary")  # headers of an answer without a body
ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


class NotModified:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        answer = _Answer(Headers(scope=scope).get("if-none-match", ""), send)
        await self.app(scope, receive, answer.send)


class _Answer:
    """One answer on its way. Its head waits for the body where that gives the etag."""

    def __init__(self, known: str, send: Send) -> None:
        self._known, self._send = known, send
        self._head: Message | None = None
        self._dropped = False

    async def send(self, message: Message) -> None:
        """Pass a message on, unless the client has the answer already."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._head is not None:
            await self._end(self._head, message)
        elif not self._dropped:
            await self._send(message)

    async def _begin(self, head: Message) -> None:
        headers = Headers(raw=head["headers"])
        if head["status"] == 200 and "etag" in headers:
            await self._decide(head, headers["etag"])
        elif head["status"] == 200 and "max-age" in headers.get("cache-control", "") and "content-length" in headers:
            self._head = head
        else:
            await self._send(head)

    async def _end(self, head: Message, message: Message) -> None:
        self._head = None
        body = message.get("body", b"")
        whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        if whole and body:
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            MutableHeaders(raw=head["headers"])["ETag"] = etag
            await self._decide(head, etag)
        else:
            await self._send(head)
        if not self._dropped:
            await self._send(message)

    async def _decide(self, head: Message, etag: str) -> None:
        """Send the head, or the answer that the client has it already."""
        if not matches(self._known, etag):
            await self._send(head)
            return
        self._dropped = True
        headers = [(name, value) for name, value in head["headers"] if name.decode("latin-1").lower() in KEPT]
        await self._send({"type": "http.response.start", "status": 304, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def matches(known: str, etag: str) -> bool:
    """Whether If-None-Match names this etag; weak ones compare as strong ones."""
    return known.strip() == "*" or etag.removeprefix("W/") in ENTITY_TAG.findall(known)
