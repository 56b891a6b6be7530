"""Indexes of earlier versions of the format, brought to the present one.

Version 2 renamed a graph's `form` to `precision` and `portability` to `runtime_comparison`, and added `dataset.fit`,
`dataset.background` and `training.*.settings`. What a version-1 bundle does not say keeps its default: pictures were
cropped, and the settings of its stages are unknown. Version 3 gave pictures a height and a width instead of one `size`.
"""

from typing import Any


def migrate(raw: Any) -> Any:
    """The content of a bundle.json of version 1 or 2 as version 3; anything else is returned as it came.

    Pure: the argument is not changed. Whether the result is valid is for `bundle.schema.Bundle` to say.
    """
    index = raw
    for version, step in ((1, _to_version_2), (2, _to_version_3)):
        found = index.get("schema_version") if isinstance(index, dict) else None
        if type(found) is int and found == version:  # True == 1
            index = step(index) | {"schema_version": version + 1}
    return index


def _to_version_2(index: dict) -> dict:
    index = _renamed(index, "portability", "runtime_comparison")
    if isinstance(graphs := index.get("graphs"), dict):
        index |= {"graphs": {name: _renamed(graph, "form", "precision") for name, graph in graphs.items()}}
    return index


def _to_version_3(index: dict) -> dict:
    image = index.get("image")
    if not isinstance(image, dict) or "size" not in image:
        return index
    sides = {"height": image["size"], "width": image["size"]}
    return index | {"image": {key: value for key, value in image.items() if key != "size"} | sides}


def _renamed(entry: Any, old: str, new: str) -> Any:
    """A JSON object with one key renamed in its place; anything else as it came."""
    if not isinstance(entry, dict) or new in entry:
        return entry
    return {new if key == old else key: value for key, value in entry.items()}
