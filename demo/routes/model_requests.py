"""How unqueued routes run work on the models, whichever route it is.

The work runs in a thread, so that others' requests can share its runs. It has a deadline, it is dropped when the client
disconnects, and what goes wrong is answered in plain text: 400 for a wrong request, 503 when too much is asked for at
once or it takes too long.
"""

import time
from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bundle.errors import Busy, UserError
from demo.serving.batching import DEADLINE, TOO_MANY, Caller, on_behalf_of

MAX_WAITING = 64
THREADS = 32  # requests in progress at a time: as many can share a run
LOOK_EVERY = 0.05  # seconds between two looks whether the client is still connected


class ModelRequests:
    """The requests in progress of one server."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None  # made at the first request: it belongs to an event loop

    async def answer(self, request: Request, work: Callable[[], Response]) -> Response:
        """The answer of `work`, which runs in a thread. Its Busy becomes status 503, any other UserError 400."""
        self._limiter = self._limiter or anyio.CapacityLimiter(THREADS)
        if self._limiter.statistics().tasks_waiting >= MAX_WAITING:
            return refusal(503, TOO_MANY)
        caller = Caller(time.monotonic() + DEADLINE)

        async def watch() -> None:
            while not await request.is_disconnected():
                await anyio.sleep(LOOK_EVERY)
            caller.gone.set()
            group.cancel_scope.cancel()

        response = refusal(499, "The client has disconnected.")  # which nobody receives
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            with on_behalf_of(caller):
                response = await anyio.to_thread.run_sync(refusing, work, limiter=self._limiter)
            group.cancel_scope.cancel()
        return response


def refusal(status: int, sentence: str) -> Response:
    """A sentence instead of an answer."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(sentence, status_code=status, headers=headers)


def refusing(work: Callable[[], Response]) -> Response:
    """The answer of `work`, whose Busy becomes status 503 and any other UserError 400."""
    try:
        return work()
    except Busy as error:
        return refusal(503, str(error))
    except UserError as error:
        return refusal(400, str(error))
