"""Weights that lie in a second file beside an ONNX file, read in, so that one file holds all.

PyTorch writes them so since version 2.9 unless it is told external_data=False. Only the tensors concerned are written
anew (https://onnx.ai/onnx/repo-docs/ExternalData.html; field numbers of onnx.proto).
"""

from collections.abc import Callable
from pathlib import Path

from bundle.errors import UserError
from bundle.protobuf import field, fields, rewritten, text
from bundle.schema import MAX_FILE_BYTES

MODEL_GRAPH, GRAPH_NODE, GRAPH_WEIGHT, NODE_ATTRIBUTE = 7, 1, 5, 5
ATTRIBUTE_TENSORS = (5, 10)
RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 9, 13, 14
ONE_FILE = "torch.onnx.export(…, external_data=False)"


def inlined(data: bytes, folder: Path) -> bytes:
    """The ONNX file with the weights that lie in files of `folder` read into it.

    Raises UserError when such a file is missing, lies elsewhere, is too short, or too much would come together.
    """
    loaded: dict[str, bytes] = {}
    room = MAX_FILE_BYTES - len(data)

    def content(name: str) -> bytes:
        if name not in loaded:
            loaded[name] = _second_file(folder, name, room - sum(map(len, loaded.values())))
        return loaded[name]

    def tensor(message: bytes) -> bytes:
        return _tensor(message, content)

    def attribute(message: bytes) -> bytes:
        return rewritten(message, dict.fromkeys(ATTRIBUTE_TENSORS, tensor))

    def node(message: bytes) -> bytes:
        return rewritten(message, {NODE_ATTRIBUTE: attribute})

    def graph(message: bytes) -> bytes:
        return rewritten(message, {GRAPH_NODE: node, GRAPH_WEIGHT: tensor})

    return rewritten(data, {MODEL_GRAPH: graph})


def _second_file(folder: Path, name: str, room: int) -> bytes:
    if not name or Path(name).name != name or "\\" in name or name in (".", ".."):
        raise UserError(f"It keeps weights in '{name}', which is not beside it: write one file with {ONE_FILE}.")
    path = folder / name
    if not path.is_file():
        raise UserError(f"It keeps its weights in a second file: put '{name}' beside it, or write one file with "
                        f"{ONE_FILE}.")  # fmt: skip
    if path.stat().st_size > room:
        raise UserError(f"With its weights in '{name}' it is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def _place(message: bytes) -> dict[str, str]:
    """Where a tensor's numbers lie, by the keys of ONNX: location, offset, length; empty where they are in it."""
    found: dict[str, str] = {}
    for number, value in fields(message):
        if number == EXTERNAL_DATA:
            pair = dict(fields(value))
            found[text(pair.get(1, b""))] = text(pair.get(2, b""))
    return found


def _tensor(message: bytes, content: Callable[[str], bytes]) -> bytes:
    place = _place(message)
    if not place:
        return message
    name = place.get("location", "")
    data = content(name)
    start = int(place.get("offset", 0))
    end = start + int(place["length"]) if "length" in place else len(data)
    if not 0 <= start <= end <= len(data):
        raise UserError(f"'{name}' has {len(data)} bytes, fewer than the {end} that the file says: is it whole?")
    kept = [field(n, v) for n, v in fields(message) if n not in (RAW_DATA, EXTERNAL_DATA, DATA_LOCATION)]
    return b"".join([*kept, field(RAW_DATA, data[start:end])])
