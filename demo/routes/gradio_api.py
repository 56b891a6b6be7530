"""The public endpoints through Gradio, for gradio_client, curl and other programs.

What they do: demo/routes/endpoints.py.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from bundle.errors import UserError
from demo import arguments
from demo.routes.endpoints import drawing, reading
from demo.serving.served_bundle import ServedBundle

# Several at a time, so that they can share a run; the engine limits how many runs there are.
QUEUE: dict[str, Any] = {"concurrency_id": "ort", "concurrency_limit": 16}


def _explained(function: Callable) -> Callable:
    """The function with its UserErrors as Gradio's errors, whose message reaches the caller."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return wrapped


def add_endpoints(bundles: Mapping[str, ServedBundle]) -> None:
    """Add the endpoints to the gr.Blocks that is being built."""
    for name, function in drawing(bundles).items():
        gr.api(_explained(function), api_name=name, **QUEUE)
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
        answer = gr.JSON(label="answer")
        for name, inputs in (
            ("reconstruct", [picture, bundle]),
            ("repair", [picture, mask, bundle, model]),
            ("invert", [picture, bundle, rounds, seed]),
            ("classify", [picture, bundle]),
        ):
            gr.Button(name).click(
                _explained(readers[name]), inputs, answer, api_name=name, show_progress="hidden", **QUEUE
            )
