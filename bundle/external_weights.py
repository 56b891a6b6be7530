"""Weights that lie in a second file beside an ONNX file, read in, so that one file holds all.

PyTorch writes them so since version 2.9 unless it is told external_data=False. Only the tensors concerned are written
anew (https://onnx.ai/onnx/repo-docs/ExternalData.html; field numbers of onnx.proto).
"""

from dataclasses import dataclass, field
from pathlib import Path

from bundle import protobuf
from bundle.errors import UserError
from bundle.protobuf import fields, rewritten, text
from bundle.schema import MAX_FILE_BYTES

MODEL_GRAPH, GRAPH_NODE, GRAPH_WEIGHT, NODE_ATTRIBUTE = 7, 1, 5, 5
ATTRIBUTE_TENSORS = (5, 10)
RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 9, 13, 14
ONE_FILE = "torch.onnx.export(…, external_data=False)"


def inlined(data: bytes, folder: Path) -> bytes:
    """The ONNX file with the weights that lie in files of `folder` read into it.

    Raises UserError when such a file is missing, lies elsewhere or is too short, when the ONNX file is damaged, or when
    more than MAX_FILE_BYTES would come together.
    """
    files = _SecondFiles(folder, MAX_FILE_BYTES - len(data))

    def tensor(message: bytes) -> bytes:
        return _tensor(message, files)

    def attribute(message: bytes) -> bytes:
        return rewritten(message, dict.fromkeys(ATTRIBUTE_TENSORS, tensor))

    def node(message: bytes) -> bytes:
        return rewritten(message, {NODE_ATTRIBUTE: attribute})

    def graph(message: bytes) -> bytes:
        return rewritten(message, {GRAPH_NODE: node, GRAPH_WEIGHT: tensor})

    try:
        return rewritten(data, {MODEL_GRAPH: graph})
    except ValueError as error:
        raise UserError("Where its weights lie in a second file cannot be read: the file is damaged.") from error


@dataclass
class _SecondFiles:
    """The files of `folder` that hold weights. `room`: bytes that may be taken from them in all."""

    folder: Path
    room: int
    loaded: dict[str, bytes] = field(default_factory=dict)
    taken: int = 0

    def part(self, name: str, start: int, length: int | None) -> bytes:
        """The bytes of one tensor; `length` None: to the end of the file. Raises UserError as `inlined`."""
        if name not in self.loaded:
            free = self.room - sum(map(len, self.loaded.values()))
            self.loaded[name] = _second_file(self.folder, name, free)
        data = self.loaded[name]
        end = len(data) if length is None else start + length
        if not 0 <= start <= end <= len(data):
            raise UserError(f"'{name}' has {len(data)} bytes, fewer than the {end} that the file says: is it whole?")
        self.taken += end - start
        if self.taken > self.room:  # many tensors may name the same part of a small file
            raise _too_large(name)
        return data[start:end]


def _second_file(folder: Path, name: str, room: int) -> bytes:
    if not name or Path(name).name != name or "\\" in name or name in (".", ".."):
        raise UserError(f"It keeps weights in '{name}', which is not beside it: write one file with {ONE_FILE}.")
    path = folder / name
    if not path.is_file():
        raise UserError(f"It keeps its weights in a second file: put '{name}' beside it, or write one file with "
                        f"{ONE_FILE}.")  # fmt: skip
    if path.stat().st_size > room:
        raise _too_large(name)
    return path.read_bytes()


def _too_large(name: str) -> UserError:
    return UserError(f"With its weights in '{name}' it is larger than {MAX_FILE_BYTES // 1_000_000} MB.")


def _location(message: bytes) -> dict[str, str]:
    """Where a tensor's numbers lie, by the keys of ONNX: location, offset, length; empty where they are in it."""
    found: dict[str, str] = {}
    for number, value in fields(message):
        if number == EXTERNAL_DATA:
            pair = dict(fields(value))
            found[text(pair.get(1, b""))] = text(pair.get(2, b""))
    return found


def _tensor(message: bytes, files: _SecondFiles) -> bytes:
    """A tensor with its numbers in it. Raises ValueError for an offset or a length that is no number."""
    where = _location(message)
    if not where:
        return message
    length = int(where["length"]) if "length" in where else None
    data = files.part(where.get("location", ""), int(where.get("offset", 0)), length)
    kept = [(n, v) for n, v in fields(message) if n not in (RAW_DATA, EXTERNAL_DATA, DATA_LOCATION)]
    return b"".join(protobuf.field(n, v) for n, v in [*kept, (RAW_DATA, data)])
