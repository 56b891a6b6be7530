"""Indexes of earlier versions of the format, brought to the present one.

Version 2 renamed a graph's `form` to `precision` and `portability` to `runtime_comparison`, and added `dataset.fit`,
`dataset.background` and `training.*.settings`. What a version-1 bundle does not say keeps its default: pictures were
cropped, and the settings of its stages are unknown. Version 3 gave pictures a height and a width instead of one `size`,
a kernel distance a standard error that holds (before, it came from subsets that overlap, and was 4 to 6 times too
small, so it is left out), and a figure the number of its pictures where that is its own.
"""

from collections.abc import Callable
from typing import Any

COUNTS = {"repair.": 200, "gan.inversion": 200, ".pixels_": 2000}
"""Part of a figure's name -> pictures it was measured on before version 3."""
RENAMED_FIGURES = {"vae.elbo": "vae.negative_elbo"}
"""What the figures of bundles of any version may be called -> their names now."""
ERROR_UNKNOWN = ", ± unknown"
"""Ends the label of a kernel distance whose standard error was left out."""


def migrate(raw: Any) -> Any:
    """The content of a bundle.json of version 1 or 2 as version 3; anything else is returned as it came.

    Figures of any version get their names of now. Pure: the argument is not changed. Whether the result is valid is for
    `bundle.schema.BundleIndex` to say.
    """
    index = raw
    for version, step in ((1, _to_version_2), (2, _to_version_3)):
        found = index.get("schema_version") if isinstance(index, dict) else None
        if type(found) is int and found == version:  # True == 1
            index = step(index) | {"schema_version": version + 1}
    return _with_figures(index, _under_current_name)


def _to_version_2(index: dict) -> dict:
    index = _renamed(index, "portability", "runtime_comparison")
    if isinstance(graphs := index.get("graphs"), dict):
        index = index | {"graphs": {name: _renamed(graph, "form", "precision") for name, graph in graphs.items()}}
    return index


def _to_version_3(index: dict) -> dict:
    image = index.get("image")
    if isinstance(image, dict) and "size" in image:
        sides = {"height": image["size"], "width": image["size"]}
        index = index | {"image": {key: value for key, value in image.items() if key != "size"} | sides}
    quality = index.get("quality")
    samples = quality.get("samples") if isinstance(quality, dict) else None
    return _with_figures(index, lambda figure: _with_count(_without_kernel_error(figure), samples))


def _with_figures(index: Any, change: Callable[[Any], Any]) -> Any:
    """An index with each of its figures changed; anything else as it came."""
    if not isinstance(index, dict) or not isinstance(quality := index.get("quality"), dict):
        return index
    if not isinstance(figures := quality.get("figures"), list):
        return index
    return index | {"quality": quality | {"figures": [change(figure) for figure in figures]}}


def _under_current_name(figure: Any) -> Any:
    """A figure as it came, but under its name of now."""
    name = RENAMED_FIGURES.get(str(figure.get("name"))) if isinstance(figure, dict) else None
    return figure | {"name": name} if name else figure


def _without_kernel_error(figure: Any) -> Any:
    """A figure as it came, but a kernel distance without its standard error, which its label then says."""
    if not isinstance(figure, dict) or figure.get("error") is None or ".kernel" not in str(figure.get("name")):
        return figure
    return figure | {"error": None, "label": f"{figure.get('label')}{ERROR_UNKNOWN}"}


def _with_count(figure: Any, samples: Any) -> Any:
    """A figure with the number of pictures that it was measured on, where that was always fewer than `samples`."""
    if not isinstance(figure, dict) or not isinstance(samples, int):
        return figure
    name = str(figure.get("name"))
    counts = [count for part, count in COUNTS.items() if part in name]
    return figure | {"count": counts[0]} if counts and counts[0] < samples else figure


def _renamed(entry: Any, old: str, new: str) -> Any:
    """A JSON object with one key renamed in its place; anything else as it came."""
    if not isinstance(entry, dict) or new in entry:
        return entry
    return {new if key == old else key: value for key, value in entry.items()}
