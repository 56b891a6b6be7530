"""Calls of programs, whichever door they come through: the endpoints by Gradio, the tools of assistants by MCP."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import anyio

from bundle.errors import Busy
from demo.serving.batching import GONE, Caller, on_behalf_of
from demo.serving.fair_slots import FairSlots

CALLS = 16  # at a time, so that they can share a run; the engine limits how many runs there are
LONG = ("interpolate", "invert")  # calls that may take seconds of a processor
LONG_CALLS = 4
MAX_WAITING_CALLS = 64
DEADLINE = 60.0  # seconds for one call, waiting included
LOOK_EVERY = 0.2  # seconds between two looks whether the client is still there

Result = TypeVar("Result")


class Calls:
    """The calls in progress: visitors take turns, each call has a deadline, and those of clients that left end."""

    def __init__(self) -> None:
        self._slots = FairSlots(CALLS, MAX_WAITING_CALLS)
        self._long = FairSlots(LONG_CALLS, MAX_WAITING_CALLS)
        self._threads = anyio.CapacityLimiter(CALLS + LONG_CALLS)

    async def run(
        self, name: str, visitor: str, work: Callable[[], Result], left: Callable[[], Awaitable[bool]]
    ) -> Result:
        """What the work of an endpoint returns, in a thread when its turn comes. `left`: whether its client has gone.

        Raises Busy when too many calls wait, when its time is over or the client has gone, and what the work raises.
        """
        caller = Caller.of_now(visitor, DEADLINE)
        line = self._long if name in LONG else self._slots
        watch = asyncio.create_task(_watch(caller, left))
        try:
            async with AsyncExitStack() as held:
                await _while_there(held.enter_async_context(line.slot(caller)), watch)
                with on_behalf_of(caller):
                    return await anyio.to_thread.run_sync(work, limiter=self._threads)
        except asyncio.CancelledError:  # by the client; the thread goes on until it is told
            caller.gone.set()
            raise
        finally:
            watch.cancel()


async def _while_there(turn: Awaitable[None], watch: "asyncio.Task[None]") -> None:
    """Wait for a turn. Raises Busy when `watch` ends first: a client that has left takes up no place in a line."""
    waiting = asyncio.ensure_future(turn)
    try:
        await asyncio.wait({waiting, watch}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait({waiting})
    if waiting.cancelled():
        raise Busy(GONE)
    waiting.result()


async def _watch(caller: Caller, left: Callable[[], Awaitable[bool]]) -> None:
    """Ends when the client of a call has left, and sets `gone`."""
    while not await left():
        await asyncio.sleep(LOOK_EVERY)
    caller.gone.set()
