"""Rebuild: a picture through the VAE, beside the GAN's look-alike; what its code leaves open; its holes filled in.

The page asks for these by demo/routes/rebuild.py. Only a search, which takes seconds and reports every round, is an
event of the widget.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from bundle.errors import UserError
from demo import arguments
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild.answers import refined
from demo.widgets import widget

SEARCHES: dict[str, Any] = {"concurrency_id": "search", "concurrency_limit": 4}

log = logging.getLogger(__name__)


def build(bundles: Mapping[str, ServedBundle]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    board = widget("rebuild", "refine", "stop")

    def refine(event: gr.EventData) -> Iterator[dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        number = {"n": asked.get("n")}  # of the request, so that the page can tell answers apart
        try:
            for answer in refined(arguments.bundle(bundles, asked.get("b")), asked):
                yield number | answer
        except UserError as error:
            yield number | {"error": str(error)}
        except Exception:
            log.exception("A search failed")
            yield number | {"error": "The picture could not be rebuilt; the server's log says why."}

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    searching = board.refine(refine, None, board, trigger_mode="multiple", **quiet, **SEARCHES)
    board.stop(None, None, None, cancels=[searching], api_visibility="private")
