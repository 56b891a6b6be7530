"""API: code that draws the picture on screen elsewhere, the endpoints, and the files; all of it from the facts."""

from typing import Any

from demo.widgets import widget


def build(facts: dict[str, Any]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    widget("api", facts, "tables", "snippets")
