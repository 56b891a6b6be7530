"""Bodies of requests: how long they say they are, how long they may take to arrive, and how a middleware reads one
before the app does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import InputError

PATIENCE = 20.0  # seconds that a body may take to arrive, beside what its size takes at the least speed
LEAST_SPEED = 10_000  # bytes a second, of what is a few megabytes at most: phones may be far from their mast


class TooSlow(InputError):
    """A body takes too long to arrive."""


async def parts_of(request: Request, least_speed: int = LEAST_SPEED) -> AsyncIterator[bytes]:
    """The body as it arrives; `least_speed`: bytes a second. Raises TooSlow where that takes too long,
    ClientDisconnect."""
    stream, until = request.stream(), asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            async with asyncio.timeout_at(until):
                part = await anext(stream, None)
        except TimeoutError as error:
            raise TooSlow(
                f"The file arrives too slowly: at least {least_speed // 1000} kB a second are needed."
            ) from error
        if part is None:
            return
        until += len(part) / least_speed
        yield part


async def read_body(request: Request, most: int) -> bytes | None:
    """The body; None for one of more than `most` bytes. Raises InputError where it takes too long, ClientDisconnect."""
    data = bytearray()
    async for part in parts_of(request):
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


def again(request: Request, data: bytes) -> Request:
    """The request with this body in place of the one that was read."""
    return Request(request.scope, _again(data, request.receive))


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
