"""Bodies of requests: how long they say they are, and how a middleware reads one before the app does."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def read_body(request: Request, most: int) -> bytes | None:
    """The body; None for one of more than `most` bytes. Raises ClientDisconnect."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            return None
    return bytes(data)


def stated_length(request: Request) -> int | None:
    """How many bytes a request says that its body has; None where it does not say. More than nine digits count as
    10**9: int() of a very long text is slow."""
    text = request.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) <= 9 else 10**9


async def pass_on(app: ASGIApp, data: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Calls the app with this body in place of the one that was read."""
    headers = [(key, value) for key, value in scope["headers"] if key.lower() != b"content-length"]
    headers.append((b"content-length", str(len(data)).encode()))
    await app({**scope, "headers": headers}, _again(data, receive), send)


def inner_path(scope: Scope) -> str:
    """The path behind the one under which the app is mounted."""
    return scope.get("path", "").removeprefix(scope.get("root_path", ""))


def _again(data: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Receives a body that was read already, then whatever comes after it."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": data, "more_body": False}

    return again
