"""Play: everything happens in static/play.js and favourites.js, which draw through the unqueued live route."""

from typing import Any

from demo.widgets import widget


def build(facts: dict[str, Any]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    widget("play", facts, "processors", "ondevice")
    widget("favourites", facts)
