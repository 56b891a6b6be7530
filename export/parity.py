"""What a graph must pass before it is released: its structure, and its numbers held against PyTorch's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
import torch

from bundle.errors import UserError
from bundle.latents import class_rows
from export.graphs import OPSET, Piece
from train.hardware import usable_threads
from train.models.linear_posterior import LinearPosterior
from train.stages.inverse import random_masks

BATCHES = (1, 2, 5, 33)
BOUND = 1e-4
ROW_BOUND, SOLVED_BOUND = 1e-5, 5e-5  # the second where a linear system is solved, which multiplies rounding
# Errors in these outputs are absolute; in the others, which have no bounds, relative to max(1, |value|).
BOUNDED = frozenset({"image", "logvar"})
BATCH_NORM = "BatchNormalization"
RANDOM_OPERATORS = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "Dropout"}
)


@dataclass(frozen=True)
class Parity:
    """Largest error of each graph against PyTorch, one figure a batch size of `BATCHES`."""

    graph: str
    errors: tuple[float, ...]

    @property
    def worst(self) -> float:
        return max(self.errors)


def session(data: bytes) -> ort.InferenceSession:
    """onnxruntime on the CPU at its default optimisation, from bytes: no other file can be read."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = usable_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def check_structure(model: onnx.ModelProto, piece: Piece) -> None:
    """Raises UserError with a sentence when the graph breaks a rule of the format."""
    domains = {entry.domain: entry.version for entry in model.opset_import}
    operators = {node.op_type for node in model.graph.node}
    faults = []
    if domains != {"": OPSET} or any(node.domain for node in model.graph.node) or model.functions:
        faults.append(f"uses the operator sets {domains} instead of {OPSET}")
    if drawn := sorted(operators & RANDOM_OPERATORS):
        faults.append(f"draws its own noise ({', '.join(drawn)})")
    if BATCH_NORM in operators:
        faults.append("still holds a batch normalisation, which belongs folded into a convolution")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        faults.append("keeps weights in another file")
    if any(node.metadata_props or node.doc_string for node in model.graph.node):
        faults.append("holds traces of the exporter")
    for values, shapes in ((model.graph.input, piece.inputs), (model.graph.output, piece.outputs)):
        found = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        if found != {name: ["batch", *shape] for name, shape in shapes.items()}:
            faults.append(f"has {found}")
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as problem:
        faults.append(f"is not valid ONNX ({str(problem).splitlines()[0]})")
    if faults:
        raise UserError(f"The exported graph '{piece.name}' {' and '.join(faults)}.")


def trial_inputs(piece: Piece, pictures: np.ndarray | None, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """`count` rows of random inputs, float32. Images: noise and, where given, real pictures in turn
    (`pictures`: uint8 [N, C, S, S]); masks as in training; classes: one-hot and mixtures; latents: wide normal."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, np.ndarray] = {}
    for name, shape in piece.inputs.items():
        if name == "image":
            values = rng.random((count, *shape))
            if pictures is not None:
                values[::2] = pictures[rng.integers(len(pictures), size=len(values[::2]))] / 255
        elif name == "mask":
            values = masks(count, shape[-1], seed)
        elif name == "classes":
            values = np.eye(shape[0])[rng.integers(shape[0], size=count)]
            values[1::2] = rng.dirichlet(np.ones(shape[0]), size=len(values[1::2]))
        else:
            values = rng.standard_normal((count, *shape)) * rng.choice([0.5, 1, 2], size=(count, *[1] * len(shape)))
        inputs[name] = values.astype(np.float32)
    return inputs


def masks(count: int, size: int, seed: int) -> np.ndarray:
    """Masks as in training, float32 [count, 1, size, size]; the same ones for a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return random_masks(count, size).numpy()


def class_blends(seeds: Sequence[int], classes: int) -> np.ndarray:
    """Class weights [N, classes], float32: single classes, seed modulo their number, and every other row a blend of
    two."""
    weights = class_rows(None, seeds, classes)
    weights[1::2] = (weights[1::2] + np.roll(weights[1::2], 1, axis=1)) / 2
    return weights


def parity(piece: Piece, data: bytes, pictures: np.ndarray | None = None) -> Parity:
    """Holds a graph's numbers against the network's, batch by batch, and each row against the same row alone.

    Raises UserError when an output is not finite, differs by more than `BOUND`, or depends on its neighbours.
    """
    runtime, names = session(data), list(piece.outputs)
    rows = trial_inputs(piece, pictures, sum(BATCHES))
    solved = any(isinstance(module, LinearPosterior) for module in piece.net.modules())
    errors, start, bound = [], 0, SOLVED_BOUND if solved else ROW_BOUND
    for batch in BATCHES:
        part = {name: values[start : start + batch] for name, values in rows.items()}
        start += batch
        got = runtime.run(names, part)
        error = from_pytorch(piece, part, got)
        errors.append(error)
        if error > BOUND:
            raise UserError(
                f"The exported graph '{piece.name}' differs from PyTorch by {error:.1e} at batch {batch}; "
                f"{BOUND:.0e} is allowed."
            )
        check_rows(piece.name, runtime, part, got, bound)
    return Parity(piece.name, tuple(errors))


def from_pytorch(piece: Piece, rows: dict[str, np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Largest error of a graph's outputs `got` of these rows. Raises UserError as `difference` does."""
    with torch.no_grad():
        wanted = piece.net(*(torch.from_numpy(values) for values in rows.values()))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    pairs = zip(piece.outputs, got, wanted, strict=True)
    return max(difference(name, ours, theirs.numpy(), piece.name) for name, ours, theirs in pairs)


def difference(output: str, got: np.ndarray, wanted: np.ndarray, graph: str) -> float:
    """Largest error of one output. Raises UserError for another shape and for values that are not finite."""
    if got.shape != wanted.shape or got.dtype != np.float32:
        raise UserError(f"Graph '{graph}' gives '{output}' as {got.dtype} {got.shape}, PyTorch as {wanted.shape}.")
    if not (np.isfinite(got).all() and np.isfinite(wanted).all()):
        raise UserError(f"The {graph} gives values in '{output}' that are not finite numbers: train it again.")
    error = np.abs(got.astype(np.float64) - wanted)
    return float((error if output in BOUNDED else error / np.maximum(1, np.abs(wanted))).max())


def check_rows(
    graph: str, runtime: ort.InferenceSession, inputs: dict[str, np.ndarray], outputs: list, bound: float = ROW_BOUND
) -> None:
    """Row i of a batch must be that row alone: what a seed shows may not depend on its neighbours.

    On most processors that holds bit for bit; where a kernel rounds differently for one row, up to `bound` is let
    through. Raises UserError beyond it.
    """
    for row in range(len(outputs[0])):
        alone = runtime.run(None, {name: values[row : row + 1] for name, values in inputs.items()})
        pairs = [(one[0], many[row]) for one, many in zip(alone, outputs, strict=True)]
        if any(not np.allclose(one, many, rtol=bound, atol=bound) for one, many in pairs):
            raise UserError(f"Row {row} of a batch of {len(outputs[0])} changes the numbers of graph '{graph}'.")


def table(results: Sequence[Parity]) -> str:
    """The errors of all graphs, a line each."""
    lines = ["largest error against PyTorch".ljust(32) + "".join(f"batch {b}".rjust(11) for b in BATCHES)]
    lines += [f"  {r.graph:30s}" + "".join(f"{error:11.1e}" for error in r.errors) for r in results]
    lines.append(
        f"  allowed {BOUND:.0e}: absolute for {' and '.join(sorted(BOUNDED))}, else relative to max(1, |value|)"
    )
    return "\n".join(lines)
