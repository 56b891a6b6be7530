"""The public endpoints through Gradio, for gradio_client, curl and other programs.

What they do: demo/routes/endpoints.py.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import anyio
import gradio as gr
from gradio.context import LocalContext

from bundle.errors import UserError
from demo import arguments
from demo.routes.endpoints import drawing, reading
from demo.routes.model_requests import visitor_of
from demo.serving.batching import Caller, on_behalf_of
from demo.serving.fair_slots import FairSlots
from demo.serving.served_bundle import ServedBundle

Result = TypeVar("Result")

CALLS = 16  # at a time, so that they can share a run; the engine limits how many runs there are
LONG = ("interpolate", "invert")  # calls that may take seconds of a processor
LONG_CALLS = 4
MAX_WAITING_CALLS = 64
DEADLINE = 60.0  # seconds for one call, waiting included
LOOK_EVERY = 0.2  # seconds between two looks whether the client is still there
QUEUE: dict[str, Any] = {"concurrency_id": "calls", "concurrency_limit": None}  # Calls does it, and fairly


class Calls:
    """The calls in progress: visitors take turns, each call has a deadline, and those of clients that left end."""

    def __init__(self) -> None:
        self._slots = FairSlots(CALLS, MAX_WAITING_CALLS)
        self._long = FairSlots(LONG_CALLS, MAX_WAITING_CALLS)
        self._threads = anyio.CapacityLimiter(CALLS + LONG_CALLS)

    def fairly(self, name: str, function: Callable[..., Result]) -> Callable[..., Awaitable[Result]]:
        """The function of an endpoint, run in a thread when its turn comes. Its UserErrors become Gradio's, which tells
        their message to the caller."""
        slots = self._long if name in LONG else self._slots

        @functools.wraps(function)
        async def called(*args: Any, **kwargs: Any) -> Result:
            request = LocalContext.request.get(None)
            visitor = visitor_of(request.request) if request is not None and request.request is not None else ""
            caller = Caller.of_now(visitor, DEADLINE)
            watch = asyncio.create_task(_watch(caller))
            try:
                async with slots.slot(caller):
                    with on_behalf_of(caller):
                        work = functools.partial(function, *args, **kwargs)
                        return await anyio.to_thread.run_sync(work, limiter=self._threads)
            except UserError as error:
                raise gr.Error(str(error), print_exception=False) from error
            finally:
                watch.cancel()

        return called


async def _watch(caller: Caller) -> None:
    """Set `gone` when Gradio notices that the client of this call has left: it has no public way to be asked."""
    blocks, number = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    queue = getattr(blocks, "_queue", None)
    while not caller.gone.is_set():
        await asyncio.sleep(LOOK_EVERY)
        events = [event for jobs in getattr(queue, "active_jobs", ()) for event in jobs or ()]
        if any(event._id == number and not event.alive for event in events):
            caller.gone.set()


def add_endpoints(bundles: Mapping[str, ServedBundle]) -> None:
    """Add the endpoints to the gr.Blocks that is being built."""
    calls = Calls()
    for name, function in drawing(bundles).items():
        gr.api(calls.fairly(name, function), api_name=name, **QUEUE)
    # Gradio's own file component makes sure that a path is that of an upload.
    readers = reading(bundles, arguments.picture_file, arguments.mask_file)
    # Never visible: they only give Gradio the types of the arguments and receive the files.
    with gr.Column(visible=False):
        picture = gr.File(label="picture", file_types=["image"])
        mask = gr.File(label="mask", file_types=["image"])
        bundle = gr.Textbox("", label="bundle")
        model = gr.Textbox("", label="model")
        rounds = gr.Number(0, label="rounds")
        seed = gr.Number(0, label="seed")
        attributes = gr.JSON(label="attributes")
        answer = gr.JSON(label="answer")
        for name, inputs in (
            ("reconstruct", [picture, bundle, attributes]),
            ("repair", [picture, mask, bundle, model]),
            ("invert", [picture, bundle, rounds, seed]),
            ("classify", [picture, bundle]),
        ):
            gr.Button(name).click(
                calls.fairly(name, readers[name]), inputs, answer, api_name=name, show_progress="hidden", **QUEUE
            )
