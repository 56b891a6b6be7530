"""What the requests to Make have in common: how they are read, checked and answered."""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bundle.errors import InputError
from demo.make.incoming import storing_problem
from demo.make.limits import MakeLimits
from demo.make.maker import Maker
from demo.routes.bodies import TooSlow, parts_of, read_body, stated_length
from demo.routes.model_requests import NO_STORE, refusal, refusal_of
from demo.routes.threads import in_thread
from demo.routes.uploads import OWN_HEADER
from demo.serving.address import ip_of, is_of_this_machine

SLOWEST = 1000  # bytes a second of a piece, of which four share the line of a phone
MAX_PIECE = 8_000_000  # bytes
MAX_CHOICE = 10_000_000
AT_ONCE = 1_000_000  # bytes that are written without a thread: one for each small file would be slow
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")

Handler = Callable[[Request], Awaitable[Response]]


def with_refusals(endpoint: Handler) -> Handler:
    """The endpoint, whose errors are answered by a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ClientDisconnect:  # nobody is there to be answered, and nothing went wrong
            raise
        except Exception as error:
            return refusal_of(error)

    return answer


def own_page_only(endpoint: Handler) -> Handler:
    """The endpoint, for this page only: it changes something."""

    async def answer(request: Request) -> Response:
        if OWN_HEADER not in request.headers:
            return refusal(403, "Changes are accepted from this page only.")
        return await endpoint(request)

    return answer


def at_own_machine(request: Request, limits: MakeLimits) -> bool:
    """Whether the visitor sits at this machine, and it is theirs: nobody else names its folders, or is told of them."""
    address = ip_of(request.client.host) if request.client else None
    near = address is not None and address.is_loopback and is_of_this_machine(request.headers.get("host", ""))
    return limits.own_machine and near and not any(name in request.headers for name in FORWARDED)


def name_of(request: Request) -> str:
    """The project in the address."""
    return request.path_params["project"]


def fresh_json(value: dict[str, Any]) -> Response:
    """JSON that is never kept."""
    return JSONResponse(value, headers=NO_STORE)


async def status_answer(maker: Maker, request: Request) -> Response:
    """How far the project in the address is, for this visitor, and how fast this machine is by now."""
    status = await in_thread(maker.status, name_of(request), at_own_machine(request, maker.limits))
    return fresh_json(status | {"machine": await in_thread(maker.machine.facts)})


def whole(text: str | None, name: str) -> int:
    """A whole number, 0 or more, in an address. Raises InputError."""
    if text is None or not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise InputError(f"The parameter '{name}' must be a whole number.")
    return int(text)


async def append(file: Path, request: Request, at: int, of: int) -> int | None:
    """Appends the body to a file that must hold `at` bytes; returns how many it holds then, at most `of`, or None where
    a newer request for this file has come meanwhile: of several only the newest writes. What was received twice, since
    an answer was lost, is passed over; of a piece that stops arriving, or whose connection breaks, what came is kept.
    Raises InputError for a piece that does not fit, UserError where the disk refuses, and nothing of the file is kept
    then; ClientDisconnect."""
    piece = _Piece(file)
    try:
        return await _append(piece, request, at, of)
    except (OSError, InputError) as problem:
        if piece.is_newest:
            file.unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise storing_problem(problem, file.parent) from problem
        raise


async def _append(piece: "_Piece", request: Request, at: int, of: int) -> int | None:
    size = await piece.begin(at)
    if at != size or not piece.is_newest:
        return size if piece.is_newest else None  # the page goes on from there
    arrived = bytearray()
    try:
        with suppress(TooSlow):  # the page sends the rest anew
            async for part in parts_of(request, SLOWEST):
                if not piece.is_newest:
                    return None
                size += len(part)
                if size > of or size - at > MAX_PIECE:
                    raise InputError("The file is larger than it says.")
                arrived += part
                if len(arrived) > AT_ONCE:
                    written, arrived = arrived, bytearray()
                    await piece.write(written)
    finally:  # also of a connection that breaks
        await piece.write(arrived)
    return size if piece.is_newest else None


class _Piece:
    """A request that brings a piece of a `file`. A connection that broke may hang for minutes, while the page sends the
    same piece over another: what came late must not be written behind what has come since."""

    def __init__(self, file: Path):
        self._file = file
        self._writing = _WRITING.setdefault(file, anyio.Lock(fast_acquire=True))
        _NEWEST[file] = self

    @property
    def is_newest(self) -> bool:
        """Whether no other request for this file has come since."""
        return _NEWEST.get(self._file) is self

    async def begin(self, at: int) -> int:
        """How many bytes the file holds; a piece from byte 0 begins it anew."""
        async with self._writing:
            size = self._file.stat().st_size if self._file.exists() else 0
            if at == 0 and size and self.is_newest:
                self._file.unlink()
                size = 0
            return size

    async def write(self, data: bytearray) -> None:
        """Appends to the file, which is open only as long as that takes, if this is still the newest request."""
        async with self._writing:
            if not data or not self.is_newest:
                return
            if len(data) > AT_ONCE:
                await in_thread(self._write, data)
            else:
                self._write(data)

    def _write(self, data: bytearray) -> None:
        with self._file.open("ab") as out:
            out.write(data)


_NEWEST: WeakValueDictionary[Path, _Piece] = WeakValueDictionary()  # file -> the newest request that brings a piece
_WRITING: WeakValueDictionary[Path, anyio.Lock] = WeakValueDictionary()  # file -> held while somebody writes to it


async def body_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises InputError."""
    length = stated_length(request)
    if length is None:
        raise InputError("The request must state its length (Content-Length).")
    if length > MAX_CHOICE:
        raise InputError("The request is too large.")
    data = await read_body(request, MAX_CHOICE)
    try:
        found = json.loads(data or b"")
    except (ValueError, RecursionError) as problem:
        raise InputError("The request cannot be read.") from problem
    if not isinstance(found, dict):
        raise InputError("The request cannot be read.")
    return found
