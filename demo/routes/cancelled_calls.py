"""Calls that a client of Gradio's queue cancels, such as job.cancel() of gradio_client: that call ends, and no other.

POST /gradio_api/cancel    of one whose number the client knows
POST /gradio_api/reset     from gradio_client besides; Gradio itself does nothing there

Gradio cancels every call of the session to the same endpoint, and tells nobody but the first: the others' clients would
wait for ever. Here the call is marked as one whose client has left, so that demo/serving/calls.py ends it, and Gradio
is asked for no more than to close its line. tests/demo/routes/test_leaving_clients.py fails where a release of Gradio
calls what is used here by other names.
"""

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import InputError
from demo.routes.bodies import inner_path, pass_on, read_body

CANCEL, RESET = "/gradio_api/cancel", "/gradio_api/reset"
MAX_BYTES = 10_000
NO_FUNCTION = -1  # all of whose calls Gradio then cancels
# Seconds until the client's line is closed. gradio_client asks itself every 0.05 s whether it was cancelled, and takes
# what arrives before for a broken answer.
LATER = 0.3


class CancelledCalls:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = inner_path(scope)
        if scope["type"] != "http" or scope["method"] != "POST" or path not in (CANCEL, RESET):
            await self.app(scope, receive, send)
            return
        try:
            data = await read_body(Request(scope, receive), MAX_BYTES) or b""
        except ClientDisconnect:  # nobody is there to be answered
            return
        except InputError as error:
            await JSONResponse({"detail": str(error)}, status_code=400)(scope, receive, send)
            return
        queue = scope["app"].get_blocks()._queue
        number = _asked(data).get("event_id")
        event = queue.event_ids_to_events.get(number) if isinstance(number, str) else None
        if event is None:
            await pass_on(self.app, json.dumps(_asked(data) | {"fn_index": NO_FUNCTION}).encode(), scope, receive, send)
            return
        await queue.clean_events(event_id=number)
        await JSONResponse({"success": True})(scope, receive, send)
        await asyncio.sleep(LATER)
        known = {"session_hash": event.session_hash, "fn_index": NO_FUNCTION, "event_id": number}
        inner = {**scope, "path": scope["path"].removesuffix(path) + CANCEL, "raw_path": None}
        await pass_on(self.app, json.dumps(known).encode(), inner, receive, _nowhere)


async def _nowhere(message: Message) -> None:
    """Receives an answer that nobody waits for."""


def _asked(data: bytes) -> dict[str, Any]:
    """The object that a body holds; empty for any other body."""
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}
