"""Compare: two models on the same seeds, their figures, a closer look at one picture, a quiz."""

from collections.abc import Mapping
from typing import Any

from demo.studio import Studio
from demo.widgets import widget


def build(facts: dict[str, Any], studios: Mapping[str, Studio]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    widget("compare", facts, "pair", "grids", "stacked", "verdict")
    widget("quiz", facts, "pair")
