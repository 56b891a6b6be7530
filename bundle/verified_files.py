"""What the index says of a file is verified before the file is used: its size, its SHA-256, the outline of a graph."""

import hashlib
import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bundle import packed_files
from bundle.errors import BundleError, FileGone
from bundle.onnx_outline import FLOAT, TYPES, Dimensions, Outline, outline, problem, unknown
from bundle.schema import Adapter, File, Graph

PICTURE_TYPES = {number for number, name in TYPES.items() if name in ("float32", "float16", "float64", "uint8")}


def verified_bytes(folder: Path, entry: File) -> bytes:
    """The bytes of a file that the index lists, which lies in the folder or in its packed graphs. Raises FileGone when
    it is missing or was changed."""
    path, archive = folder / entry.file, folder / packed_files.PACKED_GRAPHS
    try:
        if path.is_file():
            # The size first: it bounds how much of a wrong file is read.
            data = path.read_bytes() if path.stat().st_size == entry.bytes else b""
        elif archive.is_file() and entry.file in (packed := packed_files.unpacked(archive)):
            data = packed[entry.file]
        else:
            raise FileGone(f"File '{entry.file}' of bundle '{folder.name}' is missing.")
    except OSError as error:
        raise FileGone(f"File '{entry.file}' of bundle '{folder.name}' cannot be read.") from error
    if hashlib.sha256(data).hexdigest() == entry.sha256:
        return data
    raise FileGone(f"File '{entry.file}' of bundle '{folder.name}' is damaged or was changed: its checksum is wrong.")


def check_outline(folder: Path, name: str, graph: Graph, data: bytes) -> None:
    """Raises BundleError unless a graph's file is what the index says. No runtime opens it before."""
    where = f"Graph '{name}' of bundle '{folder.name}'"
    try:
        found = outline(data)
    except BundleError as error:
        raise BundleError(f"{where} is not an ONNX file.") from error
    if fault := problem(found):
        raise BundleError(f"{where} {fault}.")
    if found.opset != graph.opset:
        raise BundleError(
            f"{where} is written for version {found.opset} of ONNX's operators, not {graph.opset} as the index says."
        )
    if graph.adapter:
        if fault := _foreign_fault(graph.adapter, found):
            raise BundleError(f"{where} {fault}, not what the index says.")
        return
    inputs, outputs = (
        {tensor.name: tensor.row_shape for tensor in tensors} for tensors in (graph.inputs, graph.outputs)
    )
    for kind, wanted, there in (("takes", inputs, found.inputs), ("gives", outputs, found.outputs)):
        if not _agrees(wanted, there):
            raise BundleError(f"{where} {kind} {_listed(there)}, not what the index says.")


def _agrees(wanted: dict[str, tuple[int, ...]], there: dict[str, tuple[int, Dimensions]]) -> bool:
    """Whether the tensors that are there are float32 of the wanted names and row shapes, behind a free batch."""
    if set(wanted) != set(there):
        return False
    return all(
        kind == FLOAT and bool(shape) and unknown(shape[0]) and shape[1:] == wanted[name]
        for name, (kind, shape) in there.items()
    )


def _foreign_fault(adapter: Adapter, found: Outline) -> str:
    """What differs from the adapter of a generator that was exported elsewhere: the end of a sentence, or empty. Sizes
    may be left open, as other exporters do; running the graph then tells them."""
    batch = adapter.batch or "batch"
    wanted: dict[str, tuple[str, Dimensions]] = {adapter.z: (adapter.z_type, (batch, *adapter.z_shape))}
    if entry := adapter.classes:
        wanted[entry.name] = entry.type, (batch, *entry.shape)
    wanted |= {entry.name: (entry.type, entry.shape) for entry in adapter.fixed}
    there = found.inputs
    if set(wanted) != set(there) or not all(_fits(*wanted[name], *there[name]) for name in wanted):
        return f"takes {_listed(there)}"
    kind, shape = found.outputs.get(adapter.image, (0, ()))
    if kind not in PICTURE_TYPES or len(shape) not in (0, len(adapter.layout)):
        return f"gives {_listed(found.outputs)}"
    return ""


def _fits(element: str, wanted: Dimensions, kind: int, shape: Dimensions) -> bool:
    if TYPES.get(kind) != element or len(shape) != len(wanted):
        return False
    return all(want == have or unknown(have) for want, have in zip(wanted, shape, strict=True))


def _listed(tensors: dict[str, tuple[int, Dimensions]]) -> str:
    return ", ".join(f"{name[:40]} {list(shape)}" for name, (_, shape) in list(tensors.items())[:5]) or "nothing"


def verified_pixels(
    folder: Path, entry: File, channels: int, formats: Mapping[str, str], size_fault: Callable[[int, int], str]
) -> np.ndarray:
    """The pixels, uint8 [H, W, channels], of a picture file that the index lists. `formats`: those that it may have, by
    Pillow's names, and what people call them; `size_fault`: what is wrong with a picture of this (height, width), empty
    for nothing.

    It is not decoded before its size was looked at. Raises BundleError when it is missing, changed, damaged, of another
    format or size."""
    data, where = verified_bytes(folder, entry), f"File '{entry.file}' of bundle '{folder.name}'"
    try:
        with warnings.catch_warnings():  # a row of 1 024 px is larger than pictures of strangers may be
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=list(formats))
        with opened as picture:
            height, width = picture.height, picture.width
            wrong = size_fault(height, width)
            pixels = None if wrong else np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    except Exception as error:
        raise BundleError(f"{where} is not a {' or '.join(formats.values())} picture.") from error
    if pixels is None:
        raise BundleError(f"{where} measures {width} x {height} pixels, {wrong}.")
    return pixels.reshape(height, width, channels)
