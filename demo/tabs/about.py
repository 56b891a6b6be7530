"""About: data, licence, figures, limits, processor; all of it from the facts of the bundles."""

from typing import Any

from demo.widgets import widget


def build(facts: dict[str, Any]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    widget("about", facts, "tables")
