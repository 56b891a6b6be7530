"""Slots for everybody: a visitor's turn comes however many requests another one sends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from bundle.errors import Busy
from demo.serving.batching import Caller
from demo.serving.fair_slots import FairSlots


class Crowd:
    """Visitors whose work goes on until it is told to end."""

    def __init__(self, slots: int, most_waiting: int):
        self.slots = FairSlots(slots, most_waiting)
        self.working: list[str] = []
        self.order: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def send(self, request: str) -> asyncio.Task[None]:
        """A request such as "a3", of visitor a."""
        self._ends[request] = asyncio.Event()
        return asyncio.ensure_future(self._work(request))

    async def _work(self, request: str) -> None:
        async with self.slots.slot(Caller.of_now(request[0])):
            self.working.append(request)
            self.order.append(request)
            await self._ends[request].wait()
            self.working.remove(request)

    async def end(self, *requests: str) -> None:
        for request in requests:
            self._ends[request].set()
        await still()


async def still() -> None:
    """Until every task waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 20))


def test_a_flood_leaves_half_of_the_slots_to_others():
    async def test() -> None:
        crowd = Crowd(4, 100)
        for n in range(50):
            crowd.send(f"a{n}")
        await still()
        assert crowd.working == ["a0", "a1"] and crowd.slots.waiting == 48
        crowd.send("b0")
        await still()
        assert crowd.working == ["a0", "a1", "b0"]

    run(test())


def test_visitors_take_turns():
    async def test() -> None:
        crowd = Crowd(2, 100)
        for request in ("a0", "c0", "a1", "a2", "a3", "b0", "b1"):
            crowd.send(request)
        await still()
        await crowd.end("a0", "c0")
        await crowd.end(*crowd.working)
        await crowd.end(*crowd.working)
        await crowd.end(*crowd.working)
        assert crowd.order == ["a0", "c0", "a1", "b0", "a2", "b1", "a3"]
        assert crowd.slots.waiting == 0 and not crowd.working

    run(test())


def test_when_too_many_wait_the_one_with_the_longest_line_is_refused():
    async def test() -> None:
        crowd = Crowd(1, 3)
        tasks = {name: crowd.send(name) for name in ("a0", "a1", "a2", "a3")}
        await still()
        before = FairSlots.refused
        with pytest.raises(Busy, match="try again"):
            await crowd.send("a4")
        late = crowd.send("b0")  # takes the place of a3
        with pytest.raises(Busy, match="try again"):
            await tasks["a3"]
        assert FairSlots.refused - before == 2
        await crowd.end("a0")
        await crowd.end(*crowd.working)
        assert "b0" in crowd.order and not late.cancelled()

    run(test())


def test_whoever_leaves_the_line_or_a_slot_frees_it():
    async def test() -> None:
        crowd = Crowd(1, 3)
        working, waiting, last = (crowd.send(name) for name in ("a0", "b0", "c0"))
        await still()
        waiting.cancel()
        await still()
        assert crowd.slots.waiting == 1
        working.cancel()
        await still()
        assert crowd.order == ["a0", "c0"]
        last.cancel()
        await still()
        crowd.send("d0")
        await still()
        assert crowd.order[-1] == "d0"

    run(test())


def test_whoever_leaves_as_they_are_refused_makes_no_slot():
    async def test() -> None:
        crowd = Crowd(1, 2)
        crowd.send("a0")
        crowd.send("a1")
        refused = crowd.send("a2")
        await still()
        crowd.send("b0")  # takes the place of a2
        await asyncio.sleep(0)
        refused.cancel()
        await still()
        assert crowd.working == ["a0"] and crowd.slots.waiting == 2

    run(test())


def test_a_slot_is_not_handed_to_someone_who_is_just_leaving():
    async def test() -> None:
        crowd = Crowd(1, 3)
        working, waiting, last = (crowd.send(name) for name in ("a0", "b0", "c0"))
        await still()
        waiting.cancel()
        working.cancel()  # frees the slot before the other has left the line
        await still()
        assert crowd.order == ["a0", "c0"] and not last.done()

    run(test())


def test_the_deadline_passes_while_waiting():
    async def test() -> None:
        crowd = Crowd(1, 3)
        crowd.send("a0")
        await still()
        with pytest.raises(Busy, match=r"Timed out after 0\.05 s"):
            async with crowd.slots.slot(Caller.of_now("b", 0.05)):
                pass
        assert crowd.slots.waiting == 0
        await crowd.end("a0")
        crowd.send("c0")
        await still()
        assert crowd.working == ["c0"]

    run(test())


def test_a_slot_handed_out_to_someone_who_leaves_at_that_moment_is_not_lost():
    async def test() -> None:
        crowd = Crowd(1, 3)
        crowd.send("a0")
        await still()
        waiting = crowd.send("b0")
        await still()
        crowd._ends["a0"].set()
        await asyncio.sleep(0)
        waiting.cancel()
        await still()
        crowd.send("c0")
        await still()
        assert crowd.working == ["c0"]

    run(test())
