"""The messages of the KServe v2 protocol (Open Inference Protocol) as pure functions.

A message is JSON. With the protocol's binary tensor extension, the little-endian bytes of the arrays follow it and a
header says where the JSON ends. Everything that a server sends is checked.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from bundle.schema import Graph

FLOAT = "FP32"
MAX_TEXT_BYTES = 64_000  # of an answer, besides its numbers
MAX_NUMBER_BYTES = 32  # of one number in JSON


class ServerInfo(BaseModel):
    """What a server says about itself. Here and below, KServe writes null for what it leaves out."""

    name: str
    version: str | None = None
    extensions: tuple[str, ...] | None = None


class TensorInfo(BaseModel):
    """A tensor as a server describes it; a length of -1 is dynamic."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelInfo(BaseModel):
    """What a server says about a model; KServe and MLServer may leave out the tensors."""

    inputs: tuple[TensorInfo, ...] | None = None
    outputs: tuple[TensorInfo, ...] | None = None


class _Output(TensorInfo):
    parameters: dict[str, Any] | None = None
    data: Any = None


class _Outputs(BaseModel):
    outputs: tuple[_Output, ...]


class _Failure(BaseModel):
    error: str


@dataclass(frozen=True)
class Request:
    """A message to send. `header_length`: the length of its JSON if binary tensors follow, else None."""

    body: bytes
    header_length: int | None


@dataclass(frozen=True)
class Answer:
    """A message received. `header_length`: as the server sent it, unchecked."""

    status: int
    header_length: str | None
    body: bytes


def request(graph: Graph, inputs: Mapping[str, np.ndarray], binary: bool) -> Request:
    """The request for all outputs of a graph, given its float32 inputs by name. `binary`: send arrays as bytes."""
    arrays = {tensor.name: np.ascontiguousarray(inputs[tensor.name], "<f4") for tensor in graph.inputs}
    sent = []
    for name, array in arrays.items():
        carried = {"parameters": {"binary_data_size": array.nbytes}} if binary else {"data": array.ravel().tolist()}
        sent.append({"name": name, "shape": array.shape, "datatype": FLOAT, **carried})
    wanted = {"parameters": {"binary_data": True}} if binary else {}
    outputs = [{"name": tensor.name, **wanted} for tensor in graph.outputs]
    head = json.dumps({"inputs": sent, "outputs": outputs}).encode()
    if not binary:
        return Request(head, None)
    return Request(head + b"".join(array.tobytes() for array in arrays.values()), len(head))


def most_bytes(graph: Graph, batch: int) -> int:
    """The longest answer, in bytes, that a graph's outputs can need."""
    return MAX_TEXT_BYTES + MAX_NUMBER_BYTES * batch * sum(math.prod(tensor.row_shape) for tensor in graph.outputs)


def outputs(answer: Answer, graph: Graph, batch: int) -> list[np.ndarray]:
    """The float32 arrays of an answer, in the order of the bundle's index. ValueError says what is wrong with it."""
    head, tail = _split(answer)
    try:
        found = _Outputs.model_validate_json(head).outputs
    except ValidationError as error:
        raise ValueError("an answer that is not of the KServe v2 protocol") from error
    shapes = {tensor.name: (batch, *tensor.row_shape) for tensor in graph.outputs}
    if sorted(output.name for output in found) != sorted(shapes):
        raise ValueError(f"other outputs than {', '.join(shapes)}")
    arrays: dict[str, np.ndarray] = {}
    start = 0
    for output in found:
        shape = shapes[output.name]
        if (output.datatype, output.shape) != (FLOAT, shape):
            given = f"{plain(output.datatype, 20)} {list(output.shape)[:8]}"
            raise ValueError(f"'{output.name}' as {given} instead of {FLOAT} {list(shape)}")
        size = (output.parameters or {}).get("binary_data_size")
        end = start + (0 if size is None else 4 * math.prod(shape))
        if size not in (None, end - start) or end > len(tail):
            raise ValueError(f"'{output.name}' with a wrong number of bytes")
        values = _numbers(output.data) if size is None else np.frombuffer(tail[start:end], "<f4")
        if values.size != math.prod(shape):
            raise ValueError(f"'{output.name}' with a wrong number of values")
        if not np.isfinite(values).all():
            raise ValueError(f"values in '{output.name}' that are not finite numbers")
        arrays[output.name], start = values.astype(np.float32).reshape(shape), end
    if start != len(tail):
        raise ValueError("more bytes than its outputs have")
    return [arrays[tensor.name] for tensor in graph.outputs]


def failure(answer: Answer) -> str:
    """The error that an answer reports; empty without one."""
    try:
        return plain(_Failure.model_validate_json(answer.body).error).rstrip(".")
    except ValidationError:
        return ""


def difference(found: Iterable[TensorInfo], graph_tensors: Iterable[TensorInfo]) -> str:
    """How a server's tensors differ from a graph's, as text for an error; empty if they are the same."""
    given, wanted = ({(t.name, t.datatype, t.shape) for t in tensors} for tensors in (found, graph_tensors))
    return "" if given == wanted else f"{_listed(given)} instead of {_listed(wanted)}"


def plain(text: object, most: int = 200) -> str:
    """Text from elsewhere on one printable line, cut to `most` characters."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())[:most]


def _split(answer: Answer) -> tuple[bytes, bytes]:
    """The JSON of an answer, and the bytes after it."""
    if answer.header_length is None:
        return answer.body, b""
    text = answer.header_length
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= len(answer.body)):
        raise ValueError("an answer whose length is wrong")
    return answer.body[: int(text)], answer.body[int(text) :]


def _numbers(data: Any) -> np.ndarray:
    """The numbers of a flat or nested JSON list."""
    try:
        with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is refused later
            return np.asarray(data, np.float32)
    except (TypeError, ValueError, OverflowError) as error:  # the last: whole numbers beyond every float
        raise ValueError("something else than lists of numbers") from error


def _listed(tensors: set[tuple[str, str, tuple[int, ...]]]) -> str:
    shown = (f"{plain(name, 40)} {plain(kind, 10)} {list(shape)[:8]}" for name, kind, shape in sorted(tensors))
    return ", ".join(shown) or "none"
