"""Training curves: the metrics of a run, thinned so that a bundle can carry them and a page can draw them.

metrics.jsonl holds a line at regular intervals. A curve has at most 100 points; each is the mean of a stretch of lines,
because single steps are noisy, at the number of pictures of the last of them.
"""

import itertools
import json
import math
from pathlib import Path

from bundle.schema import MAX_POINTS, MAX_SERIES, Curve

FACTS = ("images", "seconds", "images_per_second", "skipped_steps")  # in every line, but no metrics
DIGITS = 4


def read_curve(path: Path) -> Curve | None:
    """The curve of a metrics.jsonl; None where the file is missing or holds no metrics."""
    return thinned(lines(path)) if path.is_file() else None


def lines(path: Path) -> list[dict[str, float]]:
    """The numbers of each line, by pictures seen. A resumed run repeats lines after its checkpoint: the newer count.
    A line that was cut short is left out."""
    found: list[dict[str, float]] = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the run was killed while it wrote
        if not isinstance(line, dict) or not _number(line.get("images")) or line["images"] < 0:
            continue
        while found and found[-1]["images"] >= line["images"]:
            found.pop()
        found.append({name: value for name, value in line.items() if _number(value)})
    return found


def thinned(rows: list[dict[str, float]], points: int = MAX_POINTS) -> Curve | None:
    """At most `points` means over stretches of equal length; within a series, None for a stretch without that metric.
    Returns None when there is no metric at all."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in FACTS][:MAX_SERIES]
    if not names:
        return None
    count = min(points, len(rows))
    edges = [i * len(rows) // count for i in range(count + 1)]
    stretches = [rows[a:b] for a, b in itertools.pairwise(edges)]
    series = {name: tuple(_mean([row[name] for row in part if name in row]) for part in stretches) for name in names}
    return Curve(images=tuple(int(part[-1]["images"]) for part in stretches), series=series)


def _mean(values: list[float]) -> float | None:
    return float(f"{math.fsum(values) / len(values):.{DIGITS}g}") if values else None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
