"""Calls of programs: whoever leaves takes no turn, and no place in the line."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bundle.errors import Busy
from demo.serving import calls
from demo.serving.batching import GONE, caller
from demo.serving.calls import Calls

PATIENCE = 20  # seconds


def run(coroutine) -> None:
    """In a thread: the browser of other tests leaves a running event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


async def stays() -> bool:
    return False


@pytest.mark.parametrize("name", ["sample", "interpolate"])
def test_a_call_whose_client_leaves_while_it_waits(name: str):
    async def scenario() -> None:
        these, ending, here = Calls(), threading.Event(), True
        line = these._long if name in calls.LONG else these._slots

        async def left() -> bool:
            return not here

        held = [asyncio.create_task(these.run(name, "one", ending.wait, stays)) for _ in range(line._share)]
        waiting = [asyncio.create_task(these.run(name, "one", pytest.fail, left)) for _ in range(5)]
        await until(lambda: line.waiting == 5)
        here = False
        for task in waiting:
            with pytest.raises(Busy, match=GONE):
                await task
        assert line.waiting == 0
        ending.set()
        assert await asyncio.gather(*held) == [True] * len(held)
        assert await these.run(name, "one", lambda: "drawn", stays) == "drawn"
        assert not line._held and line.waiting == 0

    run(scenario())


def test_a_call_that_is_in_progress_is_told():
    async def scenario() -> None:
        here, begun = True, threading.Event()

        async def left() -> bool:
            return not here

        def work() -> bool:
            begun.set()
            return caller().gone.wait(PATIENCE)

        these = Calls()
        task = asyncio.create_task(these.run("sample", "one", work, left))
        await until(begun.is_set)
        here = False
        assert await task

    run(scenario())


def test_a_call_that_is_cancelled_by_the_server_leaves_no_place_taken():
    async def scenario() -> None:
        these, ending = Calls(), threading.Event()
        held = [asyncio.create_task(these.run("sample", "one", ending.wait, stays)) for _ in range(these._slots._share)]
        waiting = asyncio.create_task(these.run("sample", "one", pytest.fail, stays))
        await until(lambda: these._slots.waiting == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert these._slots.waiting == 0
        ending.set()
        await asyncio.gather(*held)

    run(scenario())


async def until(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
