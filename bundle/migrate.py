"""Indexes of earlier versions of the format, brought to the present one.

Version 2 renamed a graph's `form` to `precision` and `portability` to `runtime_comparison`, and added `dataset.fit`,
`dataset.background` and `training.*.settings`. What a version-1 bundle does not say keeps its default: pictures were
cropped, and the settings of its stages are unknown.
"""

from typing import Any


def migrate(raw: Any) -> Any:
    """The content of a version-1 bundle.json as version 2; anything else is returned as it came.

    Pure: the argument is not changed. Whether the result is valid is for `bundle.schema.Bundle` to say.
    """
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if type(version) is not int or version != 1:  # True == 1
        return raw
    index = _renamed(raw, "portability", "runtime_comparison") | {"schema_version": 2}
    if isinstance(graphs := raw.get("graphs"), dict):
        index["graphs"] = {name: _renamed(graph, "form", "precision") for name, graph in graphs.items()}
    return index


def _renamed(entry: Any, old: str, new: str) -> Any:
    """A JSON object with one key renamed in its place; anything else as it came."""
    if not isinstance(entry, dict) or new in entry:
        return entry
    return {new if key == old else key: value for key, value in entry.items()}
