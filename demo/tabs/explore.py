"""Explore: everything happens in static/explore.js and its helpers, over the routes of demo/exploring.py."""

from typing import Any

from demo.widgets import widget


def build(facts: dict[str, Any]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    widget("explore", facts, "map", "strips", "moves", "tour")
