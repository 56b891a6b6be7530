"""The precision of a graph's weights and arithmetic: fp32, fp16-stored, fp16, int8; what each changes is measured."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import onnx
from onnx import helper

from bundle import differences
from bundle.adapter import adapt
from bundle.differences import Unit
from bundle.errors import UserError
from bundle.feeds import Rows
from bundle.schema import Adapter
from bundle.trial_inputs import TrialInputs
from export import float16, int8, parity
from export.graphs import GraphSpec

T = TypeVar("T")
Precision = Literal["fp32", "fp16-stored", "fp16", "int8"]
TABLE_TITLES: dict[Precision, str] = {
    "fp32": "float32",
    "fp16-stored": "weights stored as float16",
    "fp16": "float16 arithmetic",
    "int8": "int8 weights and layers",
}
LEVELS = 1  # most grey levels by which a picture may change; for int8 LEAST_PSNR counts instead
SHARE = 0.05  # most that other outputs may change, relative to max(1, |value|)
LEAST_PSNR = 40.0  # dB from float32, of the worst picture
SMALLER = 2 / 3  # int8 must bring the bytes down to this share, or be faster
COMPARED, CALIBRATED = range(41), range(1000, 1256)  # seeds: ranges come from other rows than those compared


class Unsuitable(UserError):
    """A precision does not suit a graph; `reason` is the sentence that says why."""

    def __init__(self, reason: str):
        super().__init__(f"{reason} Export it with --precision fp32.")
        self.reason = reason


@dataclass(frozen=True)
class Conversion:
    """What a precision changes in a graph.

    `largest`, `mean`: how far its outputs are from those of float32. `size`: share of the bytes of float32. `error`:
    the largest error of the converted file against PyTorch (see export.parity), None without the network. Of int8
    alone: `psnr` of the worst picture in dB, None for graphs without pictures; `speed`: times that of float32.
    """

    graph: str
    largest: float
    mean: float
    unit: Unit
    size: float = 1.0
    error: float | None = None
    psnr: float | None = None
    speed: float | None = None


def converted(
    model: onnx.ModelProto,
    precision: Precision,
    calibration: Mapping[str, np.ndarray] | None = None,
    least: int = float16.LEAST_ELEMENTS[0],
) -> onnx.ModelProto:
    """The graph in that precision, unchecked.

    int8 takes the ranges of its numbers from the rows `calibration`, by input; `least`: see float16.stored.
    """
    makers: dict[Precision, Callable[[], onnx.ModelProto]] = {
        "fp32": lambda: model,
        "fp16-stored": lambda: float16.stored(model, least),
        "fp16": lambda: float16.arithmetic(model),
        "int8": lambda: int8.quantised(model, calibration or {}),
    }
    result = makers[precision]()
    if precision != "fp32":
        helper.set_model_props(result, {p.key: p.value for p in model.metadata_props} | {"precision": precision})
    return result


def convert(
    specs: Sequence[GraphSpec], exact: Sequence[bytes], precision: Precision, inputs: TrialInputs
) -> list[tuple[bytes, Conversion]]:
    """The files of graphs that share weights, e.g. a generator and its two halves, in that precision, and what it
    changes: each weight is rounded in all of them or in none, so that they go on drawing the same pictures.

    Raises Unsuitable when it does not suit one of them, and UserError as `parity.check_structure` does.
    """

    def convert_all(least: int) -> list[tuple[bytes, Conversion]]:
        found = []
        for spec, whole in zip(specs, exact, strict=True):
            rows, calibration = trial_rows(spec.name, precision, inputs)
            found.append(convert_one(spec, whole, precision, rows, calibration, least))
        return found

    return first_suitable(convert_all) if precision == "fp16-stored" else convert_all(float16.LEAST_ELEMENTS[0])


def first_suitable(convert_all: Callable[[int], T]) -> T:
    """What `convert_all` gives for the first of float16.LEAST_ELEMENTS for which it does not raise Unsuitable. Raises
    what it raises for the last one."""
    *others, last = float16.LEAST_ELEMENTS
    for least in others:
        with suppress(Unsuitable):
            return convert_all(least)
    return convert_all(last)


def trial_rows(graph: str, precision: Precision, inputs: TrialInputs) -> tuple[Rows, Rows]:
    """Rows to compare on, and rows to calibrate on. float16 is compared on wide random rows; int8 on rows such as the
    demo sends, because its ranges end where those end."""
    if precision == "int8":
        return inputs.rows(graph, COMPARED), inputs.rows(graph, CALIBRATED)
    return inputs.wide_rows(graph, COMPARED), {}


def convert_one(
    spec: GraphSpec,
    exact: bytes,
    precision: Precision,
    rows: Rows,
    calibration: Rows,
    least: int = float16.LEAST_ELEMENTS[0],
) -> tuple[bytes, Conversion]:
    """One graph in that precision, compared with the file `exact` and with PyTorch on these rows. Raises as
    `convert` does."""
    model = converted(onnx.load_from_string(exact), precision, calibration, least)
    parity.check_structure(model, spec)
    if precision == "int8" and not any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise Unsuitable(f"As int8, graph '{spec.name}' gains nothing: its only layer makes the output.")
    data = model.SerializeToString(deterministic=True)
    found = measure(spec.name, exact, data, rows, precision)
    error = parity.error_against_pytorch(spec, rows, parity.session(data).run(list(spec.outputs), rows))
    return data, replace(found, error=error)


def measure(
    graph: str, exact: bytes, other: bytes, rows: Rows, precision: Precision, adapter: Adapter | None = None
) -> Conversion:
    """What changes from the file `exact` to the file `other`, on the same rows. `adapter`: how a generator is run that
    was exported elsewhere.

    Raises Unsuitable when a picture changes by more than LEVELS (int8: is less than LEAST_PSNR from float32), another
    output by more than SHARE, or int8 gains nothing.
    """
    wanted, got = (outputs_of(data, rows, adapter) for data in (exact, other))
    change = differences.difference(got, wanted, whole=True)
    found = Conversion(graph, change.largest, change.mean, change.unit, len(other) / len(exact))
    if precision == "int8":
        psnr = differences.worst_psnr(got[0], wanted[0]) if differences.is_picture(wanted) else None
        found = replace(found, psnr=psnr, speed=int8.speed(exact, other, rows))
    if reason := refusal(found, precision):
        raise Unsuitable(reason)
    return found


def outputs_of(data: bytes, rows: Rows, adapter: Adapter | None) -> list[np.ndarray]:
    """What a graph's file gives for these rows."""
    session = parity.session(data)
    if adapter is None:
        return session.run(None, rows)
    return adapt(lambda feed: session.run([adapter.image], dict(feed)), adapter)(rows)


def refusal(found: Conversion, precision: Precision) -> str:
    """Why a graph should not take that precision, a sentence; empty when it may."""
    if precision == "int8" and found.psnr is not None:
        if not found.psnr >= LEAST_PSNR:
            return (
                f"As int8, graph '{found.graph}' falls below {LEAST_PSNR:.0f} dB: the worst of its pictures has a PSNR "
                f"of {found.psnr:.1f} dB against that of float32."
            )
    elif not found.largest <= (most := LEVELS if found.unit == "grey levels" else SHARE):
        return (
            f"As {precision}, graph '{found.graph}' changes by {found.largest:.3g} ({found.unit}); {most:g} is allowed."
        )
    if found.speed is not None and found.size > SMALLER and found.speed <= 1:
        return (
            f"As int8, graph '{found.graph}' gains nothing: {found.size:.2f} times the bytes, {found.speed:.2f} "
            "times the pictures a second."
        )
    return ""


def table(conversions: Sequence[Conversion], precision: Precision) -> str:
    """What the precision changes, a line a graph; of int8 also what it gains."""
    head = f"{TABLE_TITLES[precision]}, from float32".ljust(32) + "largest".rjust(11) + "mean".rjust(11) + " " * 13
    lines = [head + "bytes".rjust(8) + ("worst PSNR".rjust(13) + "speed".rjust(8) if precision == "int8" else "")]
    for c in conversions:
        line = f"  {c.graph:30s}{c.largest:11.2g}{c.mean:11.1e}  {c.unit:11s}{c.size:8.2f}"
        if precision == "int8":
            line += ("" if c.psnr is None else f"{c.psnr:.1f} dB").rjust(13) + f"{c.speed:8.2f}"
        lines.append(line.rstrip())
    return "\n".join(lines)
