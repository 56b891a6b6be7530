"""The public endpoints through Gradio, for gradio_client, curl and other programs.

What they do: demo/routes/endpoints.py.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import gradio as gr
from gradio.context import LocalContext
from gradio.queueing import Queue

from bundle.errors import UserError
from demo import arguments
from demo.routes.call_checks import UNQUEUED
from demo.routes.endpoints import drawing, reading
from demo.routes.model_requests import status_of, visitor_of
from demo.serving.calls import Calls
from demo.serving.served_bundle import ServedBundle

Result = TypeVar("Result")

QUEUE: dict[str, Any] = {"concurrency_id": "calls", "concurrency_limit": None}  # Calls does it, and fairly


def fairly(calls: Calls, name: str, function: Callable[..., Result]) -> Callable[..., Awaitable[Result]]:
    """The function of an endpoint as one of the calls. Its UserErrors become Gradio's, which tells their message to the
    caller."""

    @functools.wraps(function)
    async def called(*args: Any, **kwargs: Any) -> Result:
        given = LocalContext.request.get(None)
        request = given.request if given is not None else None
        visitor = "" if request is None else visitor_of(request)
        blocks, number = LocalContext.blocks.get(None), LocalContext.event_id.get(None)

        async def left() -> bool:
            return blocks is not None and number in given_up(blocks._queue)

        try:
            return await calls.run(name, visitor, functools.partial(function, *args, **kwargs), left)
        except UserError as error:
            answer = None if request is None else request.scope.get(UNQUEUED)
            if answer is not None:
                answer.status = status_of(error)
            raise gr.Error(str(error), print_exception=False) from error

    return called


def given_up(queue: Queue) -> set[str]:
    """The numbers of the calls in progress whose clients have left.

    Gradio notices that, and has no public way to be asked: tests/demo/routes/test_leaving_clients.py fails where a
    release of Gradio calls these by other names."""
    return {event._id for events in queue.active_jobs for event in events or () if not event.alive}


def add_endpoints(bundles: Mapping[str, ServedBundle]) -> None:
    """Add the endpoints to the gr.Blocks that is being built."""
    calls = Calls()
    for name, function in drawing(bundles).items():
        gr.api(fairly(calls, name, function), api_name=name, **QUEUE)
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
                fairly(calls, name, readers[name]), inputs, answer, api_name=name, show_progress="hidden", **QUEUE
            )
