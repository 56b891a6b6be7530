"""Numeric forms of a graph: how its weights are stored, and in what it calculates. What that costs is measured."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
import torch
from onnx import helper

from bundle import images
from bundle.errors import UserError
from export import float16, int8, parity
from export.graphs import Piece
from export.int8 import Inputs

Form = Literal["fp32", "fp16-stored", "fp16", "int8"]
WORDS: dict[Form, str] = {
    "fp32": "float32",
    "fp16-stored": "weights stored as float16",
    "fp16": "float16 arithmetic",
    "int8": "int8 weights and layers",
}
LEVELS = 1  # most grey levels by which a picture may change; int8 is held against LEAST_PSNR instead
SHARE = 0.05  # most that other outputs may change, relative to max(1, |value|)
LEAST_PSNR = 40.0  # dB from float32, of the worst picture
SMALLER = 2 / 3  # int8 has to bring the bytes down to this share, or be faster
COMPARED, CALIBRATED = range(41), range(1000, 1256)  # seeds: no picture is judged that ranges were taken from


class Unsuited(UserError):
    """A form does not suit a graph; `reason` is the sentence that says why."""

    def __init__(self, reason: str):
        super().__init__(f"{reason} Export it with --form fp32.")
        self.reason = reason


@dataclass(frozen=True)
class Cost:
    """What a form changes in a graph's outputs: grey levels of a picture, or shares of max(1, |value|).

    `error`: largest error of the stored file against PyTorch, as in export.check. `size`: share of the bytes of
    float32. Of int8 alone: `psnr`, of the worst picture, in dB, None without pictures; `speed`: times float32's."""

    graph: str
    error: float
    largest: float
    mean: float
    unit: Literal["grey levels", "share"]
    size: float = 1.0
    psnr: float | None = None
    speed: float | None = None


def stored(model: onnx.ModelProto, form: Form, calibrated: Mapping[str, np.ndarray] | None = None,
           least: int = float16.LEAST_ELEMENTS[0]) -> onnx.ModelProto:  # fmt: skip
    """The graph in that form; int8 needs the rows `calibrated` to take its ranges from, `least`: see half.stored."""
    makers: dict[Form, Callable[[], onnx.ModelProto]] = {
        "fp32": lambda: model,
        "fp16-stored": lambda: float16.stored(model, least),
        "fp16": lambda: float16.arithmetic(model),
        "int8": lambda: int8.quantised(model, calibrated or {}),
    }
    result = makers[form]()
    if form != "fp32":
        helper.set_model_props(result, {p.key: p.value for p in model.metadata_props} | {"form": form})
    return result


def rows_of(piece: Piece, pieces: Sequence[Piece], pictures: np.ndarray | None) -> dict[str, np.ndarray]:
    """Rows on which float16 is compared, by input; styles are such as the mapping among `pieces` gives."""
    count = sum(parity.BATCHES)
    rows = parity.trial_inputs(piece, pictures, count, seed=1)
    mapping = next((p for p in pieces if p.name == "mapping"), None)
    if "w" in rows and mapping:
        drawn = parity.trial_inputs(mapping, None, count, seed=1)
        with torch.no_grad():
            rows["w"] = mapping.net(*map(torch.from_numpy, drawn.values())).numpy()
    return rows


def convert(piece: Piece, exact: bytes, form: Form, inputs: Inputs) -> tuple[bytes, Cost]:
    """A graph's file in that form, and what it costs. Raises Unsuited, and UserError as `check.check_structure`."""
    return together([piece], [exact], form, inputs)[0]


def together(pieces: Sequence[Piece], exact: Sequence[bytes], form: Form, inputs: Inputs) -> list[tuple[bytes, Cost]]:
    """The same of graphs that share weights, e.g. a generator and its two halves: each weight is rounded in all of
    them or in none, so that they go on drawing the same pictures."""

    def all_with(least: int) -> list[tuple[bytes, Cost]]:
        found = []
        for piece, whole in zip(pieces, exact, strict=True):
            rows, calibrated = compared_on(piece, form, inputs)
            found.append(compared(piece, whole, form, rows, calibrated, least))
        return found

    for least in float16.LEAST_ELEMENTS[:-1] if form == "fp16-stored" else ():
        with suppress(Unsuited):
            return all_with(least)
    return all_with(float16.LEAST_ELEMENTS[-1])


def compared_on(piece: Piece, form: Form, inputs: Inputs) -> tuple[dict[str, np.ndarray], Mapping[str, np.ndarray]]:
    """Rows to compare on, and to calibrate on. float16 is compared on wide random rows; int8, whose ranges end where
    the model's own inputs end, on such."""
    if form == "int8":
        return inputs.rows(piece, COMPARED), inputs.rows(piece, CALIBRATED)
    return rows_of(piece, inputs.pieces, inputs.pictures), {}


def compared(piece: Piece, exact: bytes, form: Form, rows: dict[str, np.ndarray],
             calibrated: Mapping[str, np.ndarray], least: int = float16.LEAST_ELEMENTS[0],
             ) -> tuple[bytes, Cost]:  # fmt: skip
    """The same on given rows, by input."""
    model = stored(onnx.load_from_string(exact), form, calibrated, least)
    parity.check_structure(model, piece)
    if form == "int8" and not any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise Unsuited(f"As int8, graph '{piece.name}' gains nothing: its only layer makes the output.")
    data = model.SerializeToString(deterministic=True)
    return data, cost(piece, exact, data, rows, form)


def cost(piece: Piece, exact: bytes, other: bytes, rows: dict[str, np.ndarray], form: Form) -> Cost:
    """Runs both files on the same rows, by input.

    Raises Unsuited when a picture changes by more than `LEVELS` (int8: is less than `LEAST_PSNR` from float32),
    another output by more than `SHARE`, or int8 gains nothing.
    """
    names = list(piece.outputs)
    wanted, got = (parity.session(data).run(names, rows) for data in (exact, other))
    error, size = parity.from_pytorch(piece, rows, got), len(other) / len(exact)
    speed = int8.speed(exact, other, rows) if form == "int8" else None
    if names == ["image"]:
        difference = np.abs(np.rint(wanted[0] * 255) - np.rint(got[0] * 255))
        psnr = min(images.psnr(a[None], b[None]) for a, b in zip(got[0], wanted[0], strict=True))
        largest, mean = float(difference.max()), float(difference.mean())
        found = Cost(piece.name, error, largest, mean, "grey levels", size, psnr, speed)
    else:
        shares = [np.abs(a - b) / np.maximum(1, np.abs(a)) for a, b in zip(wanted, got, strict=True)]
        largest, mean = max(float(s.max()) for s in shares), float(np.mean([s.mean() for s in shares]))
        found = Cost(piece.name, error, largest, mean, "share", size, None, speed)
    if reason := refusal(found, form):
        raise Unsuited(reason)
    return found


def refusal(found: Cost, form: Form) -> str:
    """Why a graph should not take that form, a sentence; empty when it may."""
    if form == "int8" and found.psnr is not None:
        if not found.psnr >= LEAST_PSNR:
            return (f"As int8, graph '{found.graph}' costs more than {LEAST_PSNR:.0f} dB: the worst of its pictures "
                    f"has a PSNR of {found.psnr:.1f} dB against that of float32.")  # fmt: skip
    elif not found.largest <= (most := LEVELS if found.unit == "grey levels" else SHARE):
        return (f"As {form}, graph '{found.graph}' changes by {found.largest:.3g} ({found.unit}); {most:g} is "
                "allowed.")  # fmt: skip
    if found.speed is not None and found.size > SMALLER and found.speed <= 1:
        return (f"As int8, graph '{found.graph}' gains nothing: {found.size:.2f} times the bytes, {found.speed:.2f} "
                "times the pictures a second.")  # fmt: skip
    return ""


def table(costs: Sequence[Cost], form: Form) -> str:
    """What the form costs, a line a graph; of int8 also what it gains."""
    head = f"{WORDS[form]}, from float32".ljust(32) + "largest".rjust(11) + "mean".rjust(11) + " " * 13
    lines = [head + "bytes".rjust(8) + ("worst PSNR".rjust(13) + "speed".rjust(8) if form == "int8" else "")]
    for c in costs:
        line = f"  {c.graph:30s}{c.largest:11.2g}{c.mean:11.1e}  {c.unit:11s}{c.size:8.2f}"
        if form == "int8":
            line += ("" if c.psnr is None else f"{c.psnr:.1f} dB").rjust(13) + f"{c.speed:8.2f}"
        lines.append(line.rstrip())
    return "\n".join(lines)
