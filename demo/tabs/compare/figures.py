"""The measured figures of two models side by side: which correspond, which model is better, and all as a table.

Figures are compared only if they were measured in the same way: on the same pictures and, for distances between
features, by the same network. `verdict` says which is better, never how much that matters.
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from bundle.migrate import ERROR_UNKNOWN
from bundle.schema import BundleIndex, Figure, Model, Quality

Verdict = Literal["left", "right", "level", "incomparable", "alone"]
ALIASES = {"frechet_prior": "frechet", "kernel_prior": "kernel"}  # a VAE's samples are those of its fitted prior
# Measured on pixels, without a feature extractor.
OF_PIXELS = ("mse", "psnr", "ssim", "sharpness", "negative_elbo", "weighted_bound", "active_units", "inversion",
             "centre", "left", "random", "pixels_ratio", "pixels_copies", "pixels_nearer")  # fmt: skip
CLOSE = 0.01  # where no standard error is known, figures closer than this share count as level
COLUMNS = ("figure", "label", "unit", "better", "left", "left_error", "left_floor", "left_floor_is",
           "right", "right_error", "right_floor", "right_floor_is", "verdict")  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One of the two: a model of a bundle."""

    info: BundleIndex
    model: Model

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures about this model, by what they measure."""
        quality = self.info.quality
        return {key: f for f in (quality.figures if quality else ()) if (key := _key(f.name, self.model))}

    @property
    def facts(self) -> dict[str, Any]:
        """How they were measured: samples, seed, command, features; None where nothing was measured."""
        quality = self.info.quality
        about: dict[str, Any] = {"bundle": self.info.name, "title": self.info.title, "model": self.model}
        if quality is None:
            return about | {"samples": None, "seed": None, "command": "", "features": "", "notes": []}
        return about | {
            "samples": quality.samples,
            "seed": seed_of(quality),
            "command": quality.command,
            "features": quality.features,
            "notes": list(quality.notes),
        }


@dataclass(frozen=True)
class Row:
    """One measure, of which at least one side has a figure.

    `measure`: what that is; under "figure" in JSON and CSV. `better`: "lower", "higher", or "floor": the nearer to the
    floor, the better.
    """

    measure: str
    label: str
    unit: str
    better: str
    left: Figure | None
    right: Figure | None
    verdict: Verdict


def compare(left: Side, right: Side) -> list[Row]:
    """All rows: first those with figures of both sides, in the left side's order, then the others."""
    ours, theirs = left.figures, right.figures
    both = [key for key in ours if key in theirs]
    alone = [key for key in (*ours, *theirs) if key not in both]
    rows = []
    for key in (*both, *alone):
        a, b = ours.get(key), theirs.get(key)
        known = ours[key] if key in ours else theirs[key]
        rows.append(Row(key, _label(known, b), known.unit, known.better, a, b, _verdict(key, a, b, left, right)))
    return rows


def report(left: Side, right: Side) -> dict[str, Any]:
    """Both sides and all rows, as JSON has them."""
    rows = [
        {
            "figure": row.measure, "label": row.label, "unit": row.unit, "better": row.better,
            "left": _value(row.left), "right": _value(row.right), "verdict": row.verdict,
        }
        for row in compare(left, right)
    ]  # fmt: skip
    return {"left": left.facts, "right": right.facts, "rows": rows}


def table(left: Side, right: Side) -> str:
    """All rows as CSV (RFC 4180), under a line with the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in compare(left, right):
        line: list[str | float | None] = [row.measure, row.label, row.unit, row.better]
        for figure in (row.left, row.right):
            line.extend([figure.value, figure.error, figure.floor, figure.floor_is] if figure else [None] * 4)
        writer.writerow([_cell(value) if isinstance(value, str) else value for value in (*line, row.verdict)])
    return text.getvalue()


def verdict(a: Figure, b: Figure) -> Verdict:
    """Which of two figures of one measure is better. "level": they differ by at most two standard errors of the
    difference or, where no error is known, by 1 % of the larger one."""
    badness = [
        {"lower": f.value, "higher": -f.value, "floor": abs(f.value - (f.floor or 0.0))}[f.better] for f in (a, b)
    ]
    errors = [f.error for f in (a, b) if f.error is not None]
    margin = 2 * math.hypot(*errors) if errors else CLOSE * max(abs(a.value), abs(b.value))
    if abs(badness[0] - badness[1]) <= margin:
        return "level"
    return "left" if badness[0] < badness[1] else "right"


def seed_of(quality: Quality) -> int | None:
    """The seed in the command that measured the figures; None = that command's default."""
    found = re.search(r"--seed[ =](\d{1,10})\b", quality.command)
    return int(found[1]) if found else None


def _verdict(key: str, a: Figure | None, b: Figure | None, left: Side, right: Side) -> Verdict:
    if a is None or b is None:
        return "alone"
    same = left.info.dataset.source == right.info.dataset.source and left.info.image == right.info.image
    quality = left.info.quality, right.info.quality
    seen = key in OF_PIXELS or (quality[0] and quality[1] and quality[0].features == quality[1].features)
    unsure = ERROR_UNKNOWN in a.label + b.label
    if not same or not seen or unsure or a.better != b.better:
        return "incomparable"
    return verdict(a, b)


def _key(name: str, model: str) -> str | None:
    """What a figure measures, None if it is about another model: for a VAE, "vae.frechet_prior" is "frechet"."""
    owner, _, rest = name.partition(".")
    if owner == model or (owner == "repair" and model == "vae"):
        return ALIASES.get(rest, rest)
    return f"classifier.{rest}" if owner == "classifier" else None


def _label(known: Figure, right: Figure | None) -> str:
    """A label for both sides: whose samples they are is written above the columns."""
    if right is None or known.label == right.label:
        return known.label
    return known.label.replace("VAE samples of the fitted prior", "samples").replace("GAN samples", "samples")


def _value(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return figure.model_dump(include={"value", "error", "floor", "floor_is", "training_floor", "count"})


def _cell(text: str) -> str:
    """A text as a cell: spreadsheets would take one that begins like this for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
