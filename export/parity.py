"""What a graph must pass before it is released: checks of its structure, and of its outputs against PyTorch's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
import torch

from bundle import differences
from bundle.errors import UserError
from bundle.feeds import Rows
from bundle.processors import usable_cores
from bundle.schema import Prior
from bundle.sessions import open_session
from bundle.trial_inputs import TrialInputs, random_rows
from export.graphs import OPSET, GraphSpec
from train.models.linear_posterior import LinearPosterior

BATCHES = (1, 2, 5, 33)
BOUND = 1e-4
ROW_BOUND, SOLVED_BOUND = 1e-5, 5e-5  # the second for graphs that solve a linear system, which amplifies rounding
BATCH_NORM = "BatchNormalization"
RANDOM_OPERATORS = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "Dropout"}
)


@dataclass(frozen=True)
class Parity:
    """The largest error of a graph against PyTorch, for each batch size of `BATCHES`."""

    graph: str
    errors: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The largest error over all batch sizes."""
        return max(self.errors)


def session(data: bytes) -> ort.InferenceSession:
    """A session on the CPU with all threads that this process may use."""
    return open_session(data, threads=usable_cores())


def check_structure(model: onnx.ModelProto, spec: GraphSpec) -> None:
    """Raises UserError when the graph breaks a rule of the format: operators, inputs, outputs, valid ONNX."""
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
    for values, shapes in ((model.graph.input, spec.inputs), (model.graph.output, spec.outputs)):
        found = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        if found != {name: ["batch", *shape] for name, shape in shapes.items()}:
            faults.append(f"has {found}")
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as problem:
        faults.append(f"is not valid ONNX ({str(problem).splitlines()[0]})")
    if faults:
        raise UserError(f"The exported graph '{spec.name}' {' and '.join(faults)}.")


def check_parity(spec: GraphSpec, data: bytes, pictures: np.ndarray | None = None) -> Parity:
    """Compares a graph's outputs with the network's, batch by batch, and each row with the same row run alone.

    `pictures`: uint8 [N, H, W, C], for graphs that take pictures; without any they get noise.

    Raises UserError when an output is not finite, differs by more than `BOUND`, or depends on its neighbours.
    """
    runtime, names = session(data), list(spec.outputs)
    rows = random_rows(spec.inputs, range(sum(BATCHES)), pictures)
    solved = any(isinstance(module, LinearPosterior) for module in spec.net.modules())
    errors, start, bound = [], 0, SOLVED_BOUND if solved else ROW_BOUND
    for batch in BATCHES:
        part = {name: values[start : start + batch] for name, values in rows.items()}
        start += batch
        got = runtime.run(names, part)
        error = error_against_pytorch(spec, part, got)
        errors.append(error)
        if error > BOUND:
            raise UserError(
                f"The exported graph '{spec.name}' differs from PyTorch by {error:.1e} at batch {batch}; "
                f"{BOUND:.0e} is allowed."
            )
        check_rows(spec.name, runtime, part, got, bound)
    return Parity(spec.name, tuple(errors))


def error_against_pytorch(spec: GraphSpec, rows: Mapping[str, np.ndarray], got: Sequence[np.ndarray]) -> float:
    """The largest error of a graph's outputs `got` for these rows, as `differences.largest_error` measures it.

    Raises UserError for an output of another shape, and for one that is not finite.
    """
    errors = []
    for name, ours, theirs in zip(spec.outputs, got, network_outputs(spec, rows), strict=True):
        for values, whose in ((theirs, "network"), (ours, "exported graph")):
            if problem := differences.fault(values, theirs.shape):
                raise UserError(f"Output '{name}' of the {whose} '{spec.name}' {problem}.")
        errors.append(differences.largest_error(name, ours, theirs))
    return max(errors)


def network_outputs(spec: GraphSpec, rows: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What the network itself gives for these rows, in the order of `spec.outputs`."""
    with torch.no_grad():
        found = spec.net(*(torch.from_numpy(rows[name]) for name in spec.inputs))
    return [values.numpy() for values in (found if isinstance(found, tuple) else (found,))]


def trial_inputs(
    specs: Sequence[GraphSpec], pictures: np.ndarray | None, latents: Mapping[str, np.ndarray], prior: Prior
) -> TrialInputs:
    """Rows for graphs that are not yet in a bundle: their own networks give the styles. See bundle.trial_inputs."""
    by_name = {spec.name: spec for spec in specs}

    def run(graph: str, rows: Mapping[str, np.ndarray]) -> Rows:
        return dict(zip(by_name[graph].outputs, network_outputs(by_name[graph], rows), strict=True))

    return TrialInputs({spec.name: spec.inputs for spec in specs}, pictures, latents, prior, run)


def check_rows(
    graph: str, runtime: ort.InferenceSession, inputs: dict[str, np.ndarray], outputs: list, bound: float = ROW_BOUND
) -> None:
    """A row of a batch must give what it gives alone: a seed's picture may not depend on the others in its batch.

    On most processors that holds bit for bit. Where a kernel rounds differently for one row, differences up to `bound`
    pass; beyond it UserError is raised.
    """
    for row in range(len(outputs[0])):
        alone = runtime.run(None, {name: values[row : row + 1] for name, values in inputs.items()})
        pairs = [(one[0], many[row]) for one, many in zip(alone, outputs, strict=True)]
        if any(not np.allclose(one, many, rtol=bound, atol=bound) for one, many in pairs):
            raise UserError(f"Row {row} of a batch of {len(outputs[0])} changes the numbers of graph '{graph}'.")


def table(results: Sequence[Parity]) -> str:
    """The errors of these graphs as text, a line each."""
    lines = ["largest error against PyTorch".ljust(32) + "".join(f"batch {b}".rjust(11) for b in BATCHES)]
    lines += [f"  {r.graph:30s}" + "".join(f"{error:11.1e}" for error in r.errors) for r in results]
    absolute = " and ".join(sorted(differences.ABSOLUTE))
    lines.append(f"  allowed {BOUND:.0e}: absolute for {absolute}, else relative to max(1, |value|)")
    return "\n".join(lines)
