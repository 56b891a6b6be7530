"""How requests to Make are read."""

import asyncio
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect, Request

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


def brought(body: bytes, then: dict | None = None) -> Request:
    """A request with this body, then a message, or for ever nothing more."""
    messages = iter([{"type": "http.request", "body": body, "more_body": True}, *([then] if then else [])])

    async def receive() -> dict:
        if (message := next(messages, None)) is None:
            await asyncio.sleep(60)
        return message or {}

    return Request({"type": "http"}, receive)


END = {"type": "http.request", "body": b"", "more_body": False}


def test_of_several_requests_for_a_file_only_the_newest_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A connection that broke hangs half open, while the page sends its piece again over another."""
    monkeypatch.setattr("demo.routes.bodies.PATIENCE", 0.3)
    file, of = tmp_path / ".a.part", 9_000

    async def broken_connection() -> list[int | None]:
        late = asyncio.create_task(append(file, brought(b"a" * 500), 0, of))
        await asyncio.sleep(0.1)
        answers = [await append(file, brought(b"a" * 4_000, END), 0, of), await late]
        answers.append(await append(file, brought(b"b" * 5_000, END), 4_000, of))
        return answers

    assert asyncio.run(asyncio.wait_for(broken_connection(), 20)) == [4_000, None, 9_000]
    assert file.read_bytes() == b"a" * 4_000 + b"b" * 5_000


def test_of_a_piece_whose_connection_breaks_what_came_is_kept(tmp_path: Path):
    with pytest.raises(ClientDisconnect):
        asyncio.run(append(tmp_path / ".a.part", brought(b"x" * 900, {"type": "http.disconnect"}), 0, 4_000))
    assert (tmp_path / ".a.part").read_bytes() == b"x" * 900
