"""Numeric forms of a graph: how its weights are stored. What the form costs is measured, not assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from export import check
from export.graphs import Piece
from train.errors import UserError

Form = Literal["fp32", "fp16-stored"]
LEAST_ELEMENTS = 256  # smaller tensors, biases above all, save nothing and stay as they are
LEVELS = 1  # most grey levels by which a picture may change
SHARE = 0.05  # most that other outputs may change, relative to max(1, |value|)


@dataclass(frozen=True)
class Cost:
    """What a form changes in a graph's outputs: grey levels of a picture, or shares of max(1, |value|).

    `error`: largest error of the stored file against PyTorch, as in export.check."""

    graph: str
    error: float
    largest: float
    mean: float
    unit: Literal["grey levels", "share"]


def stored(model: onnx.ModelProto, form: Form) -> onnx.ModelProto:
    """The graph in that form. fp16-stored: weights as float16 behind a Cast, so that the file is half as large and the
    arithmetic stays float32; onnxruntime folds the Cast when it loads. Tensors that float16 cannot hold stay float32.
    """
    if form == "fp32":
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for tensor in result.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < LEAST_ELEMENTS:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.isfinite(half).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], f"{name}.fp32", to=TensorProto.FLOAT))
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    helper.set_model_props(result, {p.key: p.value for p in model.metadata_props} | {"form": form})
    return result


def rows_of(piece: Piece, pieces: Sequence[Piece], pictures: np.ndarray | None) -> dict[str, np.ndarray]:
    """Rows on which forms are compared, by input; styles are such as the mapping among `pieces` gives."""
    count = sum(check.BATCHES)
    rows = check.trial_inputs(piece, pictures, count, seed=1)
    mapping = next((p for p in pieces if p.name == "mapping"), None)
    if "w" in rows and mapping:
        drawn = check.trial_inputs(mapping, None, count, seed=1)
        with torch.no_grad():
            rows["w"] = mapping.net(*map(torch.from_numpy, drawn.values())).numpy()
    return rows


def convert(piece: Piece, exact: bytes, form: Form, rows: dict[str, np.ndarray]) -> tuple[bytes, Cost]:
    """A graph's file in that form, and what it costs. Raises UserError as `cost` and `check.check_structure` do."""
    model = stored(onnx.load_from_string(exact), form)
    check.check_structure(model, piece)
    data = model.SerializeToString(deterministic=True)
    return data, cost(piece, exact, data, rows)


def cost(piece: Piece, exact: bytes, other: bytes, rows: dict[str, np.ndarray]) -> Cost:
    """Runs both files on the same rows, by input.

    Raises UserError when a picture changes by more than `LEVELS`, or another output by more than `SHARE`.
    """
    names = list(piece.outputs)
    wanted, got = (check.session(data).run(names, rows) for data in (exact, other))
    error = check.from_pytorch(piece, rows, got)
    if names == ["image"]:
        difference = np.abs(np.rint(wanted[0] * 255) - np.rint(got[0] * 255))
        found = Cost(piece.name, error, float(difference.max()), float(difference.mean()), "grey levels")
        most: float = LEVELS
    else:
        shares = [np.abs(a - b) / np.maximum(1, np.abs(a)) for a, b in zip(wanted, got, strict=True)]
        largest, mean = max(float(s.max()) for s in shares), float(np.mean([s.mean() for s in shares]))
        found, most = Cost(piece.name, error, largest, mean, "share"), SHARE
    if not found.largest <= most:
        raise UserError(
            f"Stored as float16, graph '{piece.name}' changes by {found.largest:.3g} ({found.unit}); {most:g} is "
            "allowed. Export it with --form fp32."
        )
    return found


def table(costs: Sequence[Cost]) -> str:
    """The costs of all graphs, a line each."""
    lines = ["weights stored as float16".ljust(32) + "largest".rjust(11) + "mean".rjust(11)]
    lines += [f"  {c.graph:30s}{c.largest:11.2g}{c.mean:11.1e}  {c.unit}" for c in costs]
    return "\n".join(lines)
