"""The one door to the models: how routes run work on them, whichever route it is.

The work runs in a thread, so that others' requests can share its runs. Its deadline begins when the request arrives. It
is dropped when the client disconnects. Visitors get their turns fairly (demo/serving/fair_slots.py). What goes wrong is
answered in plain text: 400 for a wrong request, 404 where a file that it needs was deleted or replaced meanwhile, 503
when too much is asked for at once, it takes too long, or the inference server does not answer, 500 for a fault of ours.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from ipaddress import ip_address
from typing import Any, TypeVar

import anyio
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bundle.errors import Busy, FileGone, InputError, RuntimeUnavailable, UserError
from demo.routes.bodies import read_body
from demo.serving.batching import GONE, Caller, on_behalf_of
from demo.serving.fair_slots import FairSlots

THREADS = 32  # requests in progress at a time: as many can share a run
MAX_WAITING = 64
STREAMS = 8  # searches, which take seconds
MAX_WAITING_STREAMS = 16
STREAM_DEADLINE = 60.0  # seconds that a search may wait for its turn
FILMS = 2  # exports, which may take minutes of a processor, and space on the disk; one for each visitor
MAX_WAITING_FILMS = 8
FILM_DEADLINE = 900.0
RECEIVING = 32  # bodies that may arrive at a time, of at most a few megabytes each
MAX_WAITING_BODIES = 64
BODY_DEADLINE = 60.0  # seconds that a body may wait for its turn
STILL_WAITING = 5.0  # seconds between two reports of who waits for a turn: a silent connection would be cut
LOOK_EVERY = 0.05  # seconds between two looks whether the client is still connected
FAILED = "The request failed; the server's log says why."
STATUSES: dict[type[Exception], int] = {Busy: 503, RuntimeUnavailable: 503, FileGone: 404, UserError: 400}
"""The first that fits counts."""
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Result = TypeVar("Result")
Report = dict[str, Any]
Reports = Generator[Report, None, None]

log = logging.getLogger(__name__)


class ModelRequests:
    """The requests in progress of one server."""

    def __init__(self) -> None:
        self._receiving = FairSlots(RECEIVING, MAX_WAITING_BODIES)
        self._requests = FairSlots(THREADS, MAX_WAITING)
        self._streams = FairSlots(STREAMS, MAX_WAITING_STREAMS)
        self._films = FairSlots(FILMS, MAX_WAITING_FILMS)
        self._threads = anyio.CapacityLimiter(THREADS + STREAMS + FILMS)

    async def body(self, request: Request, most: int) -> bytes:
        """The body of a request. Raises InputError for one of more than `most` bytes, or that arrives too slowly, Busy
        where too many arrive at once, ClientDisconnect."""
        async with self._receiving.slot(Caller.of_now(visitor_of(request), BODY_DEADLINE)):
            data = await read_body(request, most)
        if data is None:
            raise InputError("The request is larger than it says.")
        return data

    async def answer(self, request: Request, work: Callable[[], Response]) -> Response:
        """The answer of `work`, which runs in a thread, or a sentence that says why there is none."""
        try:
            return await self._run(request, work, self._requests)
        except Exception as error:
            return refusal_of(error)

    async def stream(self, request: Request, prepare: Callable[[], Reports], film: bool = False) -> Response:
        """Reports as lines of JSON, each sent as soon as it is there; {"waiting": true} until its turn comes. `film`:
        whether it takes minutes rather than seconds.

        `prepare` checks the request and returns an iterator; each of its steps has a deadline of its own. What goes
        wrong in one becomes the last report, {"error": a sentence}. The iterator is closed at the end, and as soon as
        the client disconnects.
        """
        try:
            reports = await self._run(request, prepare, self._requests)
        except Exception as error:
            return refusal_of(error)
        return _Stream(self._lines(request, reports, film))

    async def _lines(self, request: Request, reports: Reports, film: bool) -> AsyncGenerator[bytes, None]:
        slots, deadline = (self._films, FILM_DEADLINE) if film else (self._streams, STREAM_DEADLINE)
        try:
            async with AsyncExitStack() as held:
                slot = held.enter_async_context(slots.slot(Caller.of_now(visitor_of(request), deadline)))
                turn = asyncio.ensure_future(slot)
                try:
                    while not (await asyncio.wait({turn}, timeout=STILL_WAITING))[0]:
                        yield _line({"waiting": True})
                finally:
                    turn.cancel()  # of no effect on one that has come
                turn.result()
                while (report := await self._run(request, lambda: next(reports, None))) is not None:
                    yield _line(report)
        except Exception as error:
            yield _line({"error": sentence_of(error)})
        finally:
            reports.close()

    async def _run(self, request: Request, work: Callable[[], Result], slots: FairSlots | None = None) -> Result:
        """What `work` returns or raises; Busy when there is no time for it, or nobody to receive it. `slots`: of which
        it needs one."""
        caller = Caller.of_now(visitor_of(request))
        result: Result | Exception = Busy(GONE)

        async def watch() -> None:
            try:
                while not await request.is_disconnected():
                    await anyio.sleep(LOOK_EVERY)
                group.cancel_scope.cancel()
            finally:
                caller.gone.set()

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            result = await self._attempt(work, slots, caller)
            group.cancel_scope.cancel()
        if isinstance(result, Exception):
            raise result
        return result

    async def _attempt(self, work: Callable[[], Result], slots: FairSlots | None, caller: Caller) -> Result | Exception:
        """What `work` returns, or the exception that it raises."""
        try:
            with on_behalf_of(caller):
                if slots is None:
                    return await anyio.to_thread.run_sync(work, limiter=self._threads)
                async with slots.slot(caller):
                    return await anyio.to_thread.run_sync(work, limiter=self._threads)
        except Exception as error:
            return error


class _Stream(StreamingResponse):
    """Lines of JSON; whatever happens, their iterator is closed at the end."""

    def __init__(self, lines: AsyncGenerator[bytes, None]):
        # nginx would otherwise hold the lines back
        super().__init__(lines, media_type="application/x-ndjson", headers=NO_STORE | {"X-Accel-Buffering": "no"})
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._lines.aclose()


def visitor_of(connection: HTTPConnection) -> str:
    """The address of whoever asks. From a proxy, which has a private address, the nearest public one it names."""
    address = connection.client.host if connection.client else ""
    if not _is_private(address):
        return address
    named = ",".join(connection.headers.getlist("x-forwarded-for")).replace(" ", "").split(",")
    return next((one for one in reversed(named) if one and not _is_private(one)), named[-1] or address)


def refusal(status: int, sentence: str) -> Response:
    """A sentence instead of an answer."""
    return PlainTextResponse(sentence, status_code=status, headers=NO_STORE)


def refusal_of(error: Exception) -> Response:
    """The refusal that an exception means: see above."""
    return refusal(status_of(error), sentence_of(error))


def status_of(error: Exception) -> int:
    """The status of a request that ended with this exception."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def sentence_of(error: Exception) -> str:
    """What a visitor is told about an exception; the log has the rest."""
    if isinstance(error, UserError):
        return str(error)
    log.error("A request failed", exc_info=error)
    return FAILED


def _is_private(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:  # no address: the name that tests and sockets without one have
        return True


def _line(report: Report) -> bytes:
    return json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
