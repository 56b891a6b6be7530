"""The ONNX graphs of a tiny bundle: every graph of the format in a few operators, with random weights.

A generator and a decoder light one soft spot for each number of their latents, so that their pictures react to latents
and classes. The others are one matrix each. None is good at its task.
"""

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from bundle.schema import GRAPHS

LATENT, W_DIM, STAGES, CODE, FEATURES = 8, 8, 4, 6, 12
OPSET = 18
MAPPING_SEED, SYNTHESIS_SEED = 1, 2  # fixed, so that `generator` is exactly `mapping` followed by `synthesis`


@dataclass(frozen=True)
class Form:
    """What the shapes of a bundle's graphs depend on; `classes` 0 is unconditional."""

    classes: int
    channels: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Numbers of one picture."""
        return self.channels * self.height * self.width

    def tensor(self, name: str, graph: str) -> list[int]:
        """The shape of an input or output of a graph, without the batch."""
        shapes = {
            "z": [CODE if graph == "decoder" else LATENT],
            "classes": [self.classes],
            "w": [STAGES, W_DIM],
            "image": [self.channels, self.height, self.width],
            "mask": [1, self.height, self.width],
            "score": [1],
            "mean": [CODE],
            "logvar": [CODE],
            "logits": [max(self.classes, 1)],
            "features": [FEATURES],
        }
        return shapes[name]

    def tensors(self, graph: str) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """The inputs and the outputs of a graph: name -> shape without the batch."""
        names = GRAPHS[graph]
        inputs = [name for name in names.inputs if name != "classes" or self.classes]
        return {n: self.tensor(n, graph) for n in inputs}, {n: self.tensor(n, graph) for n in names.outputs}


class Body:
    """The nodes and weights of a graph. Each method adds a node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}

    @property
    def parameters(self) -> int:
        """How many float32 numbers the weights hold."""
        return sum(array.size for array in self.weights.values() if array.dtype == np.float32)

    def node(self, operator: str, *inputs: str, output: str = "", axis: int | None = None) -> str:
        """Any operator of ONNX with one output."""
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], axis=axis))
        return output

    def flat(self, *inputs: str) -> str:
        """Pictures, masks or rows as one row of numbers each, side by side."""
        rows = [self.node("Flatten", name) for name in inputs]
        return rows[0] if len(rows) == 1 else self.node("Concat", *rows, axis=1)

    def times(self, rows: str, weight: str, matrix: np.ndarray, output: str = "") -> str:
        """Rows [N, I] times a matrix [I, O], which is kept as `weight`."""
        self.weights[weight] = matrix.astype(np.float32)
        return self.node("MatMul", rows, weight, output=output)

    def shaped(self, rows: str, shape: list[int], output: str) -> str:
        """Rows in the shape of an output, which gives the name too."""
        self.weights[f"to_{output}"] = np.array([-1, *shape], np.int64)
        return self.node("Reshape", rows, f"to_{output}", output=output)


def graph(name: str, form: Form, rng: np.random.Generator) -> tuple[bytes, int]:
    """The ONNX file of one graph of the format, and how many parameters it has."""
    body = body_of(name, form, rng)
    inputs, outputs = ([_described(n, shape) for n, shape in tensors.items()] for tensors in form.tensors(name))
    weights = [numpy_helper.from_array(array, weight) for weight, array in body.weights.items()]
    made = helper.make_graph(body.nodes, name, inputs, outputs, weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(model, full_check=True)
    return model.SerializeToString(), body.parameters


def body_of(name: str, form: Form, rng: np.random.Generator) -> Body:
    """The calculation of one graph of the format."""
    body = Body()
    inputs, outputs = form.tensors(name)
    match name:
        case "generator":
            _picture(body, _mapped(body, form), "synthesis", _synthesis_spots(form), form)
        case "mapping":
            body.shaped(_mapped(body, form), [STAGES, W_DIM], "w")
        case "synthesis":
            _picture(body, body.flat("w"), "synthesis", _synthesis_spots(form), form)
        case "decoder":
            _picture(body, "z", "decoder", spots(rng, CODE, form), form)
        case "critic":
            matrix = rng.normal(0, 0.05, (form.pixels + form.classes, 1))
            body.times(body.flat(*inputs), "critic", matrix, "score")
        case "inverter":
            matrix = rng.normal(0, 0.02, (form.pixels + form.height * form.width, STAGES * W_DIM))
            body.shaped(body.times(body.flat(*inputs), "inverter", matrix), [STAGES, W_DIM], "w")
        case "encoder" | "repair" | "classifier":
            rows = body.flat(*inputs)
            width = form.pixels + ("mask" in inputs) * form.height * form.width
            for output, (numbers,) in outputs.items():
                body.times(rows, f"for_{output}", rng.normal(0, 0.03, (width, numbers)), output)
        case _:
            raise ValueError(f"The format has no graph {name}.")
    return body


def spots(rng: np.random.Generator, numbers: int, form: Form) -> np.ndarray:
    """A matrix [numbers, pixels]: each latent number lights one soft spot."""
    x, y = rng.uniform(0.2, 0.8, (2, numbers, form.channels, 1))
    down, across = (
        np.exp(-((np.arange(side) / side - centre) ** 2) / 0.02) for side, centre in ((form.height, y), (form.width, x))
    )
    return (3 * down[..., :, None] * across[..., None, :]).reshape(numbers, -1)


def _synthesis_spots(form: Form) -> np.ndarray:
    return spots(np.random.default_rng(SYNTHESIS_SEED), STAGES * W_DIM, form)


def _mapped(body: Body, form: Form) -> str:
    """The styles w as rows [N, STAGES * W_DIM], from z and the classes."""
    matrix = np.random.default_rng(MAPPING_SEED).normal(0, 0.6, (LATENT + form.classes, STAGES * W_DIM))
    return body.times(body.flat("z", "classes") if form.classes else "z", "mapping", matrix)


def _picture(body: Body, rows: str, weight: str, matrix: np.ndarray, form: Form) -> None:
    """The output "image" of rows of latents."""
    body.shaped(body.node("Sigmoid", body.times(rows, weight, matrix)), form.tensor("image", ""), "image")


def _described(name: str, shape: list[int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
