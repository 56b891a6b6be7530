"""How requests to Make are read."""

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request

from demo.routes.make_requests import append


def test_a_piece_that_stops_arriving_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("demo.routes.bodies.PATIENCE", 0.2)

    class Silent:
        sent = False

        async def receive(self) -> dict:
            if self.sent:
                await asyncio.sleep(60)
            self.sent = True
            return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def arrive(at: int) -> int:
        return await append(tmp_path / ".a.part", Request({"type": "http"}, Silent().receive), at, 100)

    for begun in (0, 10):  # what came is kept, and the page goes on from there
        assert asyncio.run(asyncio.wait_for(arrive(begun), 20)) == begun + 10
    assert (tmp_path / ".a.part").read_bytes() == b"x" * 20
