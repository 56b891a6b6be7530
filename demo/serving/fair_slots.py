"""Slots for work in progress, shared fairly: visitors get them in turn, however many requests each of them sends."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from bundle.errors import Busy
from demo.serving.batching import TOO_MANY, Caller, overdue


class FairSlots:
    """At most `slots` pieces of work at a time, and half of them for one visitor. For one event loop.

    Free slots go to the waiting visitors in turn. When `most_waiting` requests wait, the next one makes the visitor who
    has the most of them lose the newest.
    """

    refused: ClassVar[int] = 0
    """Requests that all of them in this process refused, as too many were waiting."""

    def __init__(self, slots: int, most_waiting: int):
        self._free, self._most_waiting = slots, most_waiting
        self._share = max(1, slots // 2)
        self._held: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}  # by visitor, the next one first

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def slot(self, caller: Caller) -> AsyncIterator[None]:
        """Holds a slot inside. Raises Busy when too many requests wait, or the caller's deadline passes meanwhile."""
        try:
            async with asyncio.timeout(caller.until - time.monotonic()):
                await self._wait(caller.visitor)
        except TimeoutError as error:
            raise overdue(caller) from error
        try:
            yield
        finally:
            self._give_back(caller.visitor)

    async def _wait(self, visitor: str) -> None:
        if self.waiting >= self._most_waiting:
            self._make_room(visitor)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(visitor, deque()).append(turn)
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it got its slot just now
                self._give_back(visitor)
            else:
                self._leave(visitor, turn)
            raise

    def _make_room(self, visitor: str) -> None:
        """Refuse the newest request of the visitor with the longest line, which may be this one."""
        FairSlots.refused += 1
        longest = max(self._lines, key=lambda name: len(self._lines[name]), default=visitor)
        if longest == visitor or len(self._lines[longest]) <= len(self._lines.get(visitor, ())) + 1:
            raise Busy(TOO_MANY)
        newest = self._lines[longest][-1]
        self._leave(longest, newest)
        if not newest.done():
            newest.set_exception(Busy(TOO_MANY))

    def _leave(self, visitor: str, turn: "asyncio.Future[None]") -> None:
        line = self._lines.get(visitor)
        if line and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[visitor]

    def _hand_out(self) -> None:
        """Give free slots to visitors in turn, as far as their shares allow."""
        while self._free:
            visitor = next((name for name in self._lines if self._held[name] < self._share), None)
            if visitor is None:
                return
            line = self._lines.pop(visitor)
            turn = line.popleft()
            if line:
                self._lines[visitor] = line  # behind the others
            if turn.done():  # its request has just left
                continue
            self._free -= 1
            self._held[visitor] += 1
            turn.set_result(None)

    def _give_back(self, visitor: str) -> None:
        self._free += 1
        self._held[visitor] -= 1
        if not self._held[visitor]:
            del self._held[visitor]
        self._hand_out()
