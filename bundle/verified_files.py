"""What the index says of a file is verified before the file is used: its size, its SHA-256, the outline of a graph."""

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bundle import packed_files
from bundle.errors import BundleError
from bundle.onnx_outline import FLOAT, Dimensions, outline, problem, unknown
from bundle.schema import File, Graph


def verified_bytes(folder: Path, entry: File) -> bytes:
    """The bytes of a file that the index lists, which lies in the folder or in its packed graphs. Raises BundleError
    when it is missing or was changed."""
    path, archive = folder / entry.file, folder / packed_files.GRAPHS
    try:
        if path.is_file():
            # The size first: it bounds how much of a wrong file is read.
            data = path.read_bytes() if path.stat().st_size == entry.bytes else b""
        elif archive.is_file() and entry.file in (packed := packed_files.unpacked(archive)):
            data = packed[entry.file]
        else:
            raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' is missing.")
    except OSError as error:
        raise BundleError(f"File '{entry.file}' of bundle '{folder.name}' cannot be read.") from error
    if hashlib.sha256(data).hexdigest() == entry.sha256:
        return data
    raise BundleError(
        f"File '{entry.file}' of bundle '{folder.name}' is damaged or was changed: its checksum is wrong."
    )


def check_outline(folder: Path, name: str, graph: Graph, data: bytes) -> None:
    """Raises BundleError unless a graph's file is what the index says. No runtime opens it before."""
    where = f"Graph '{name}' of bundle '{folder.name}'"
    try:
        found = outline(data)
    except BundleError as error:
        raise BundleError(f"{where} is not an ONNX file.") from error
    if fault := problem(found):
        raise BundleError(f"{where} {fault}.")
    if found.opsets.get("", found.opsets.get("ai.onnx")) != graph.opset:
        raise BundleError(f"{where} uses operator set {found.opsets}, not {graph.opset} as the index says.")
    adapter = graph.adapter
    batch: int | None = None
    inputs, outputs = (
        {tensor.name: tensor.row_shape for tensor in tensors} for tensors in (graph.inputs, graph.outputs)
    )
    if adapter:
        batch = adapter.batch
        inputs, outputs = {adapter.z: adapter.z_shape}, {adapter.image: outputs["image"]}
    for kind, wanted, there in (("takes", inputs, found.inputs), ("gives", outputs, found.outputs)):
        if not _agrees(wanted, there, batch, loose=adapter is not None):
            raise BundleError(f"{where} {kind} {_listed(there)}, not what the index says.")


def _agrees(
    wanted: dict[str, tuple[int, ...]], there: dict[str, tuple[int, Dimensions]], batch: int | None, loose: bool
) -> bool:
    """Whether the tensors that are there are float32 of the wanted names and row shapes, behind a batch of this size
    (None: a free one). `loose`: sizes may be left open, as other exporters do; running the graph then tells them."""
    if set(wanted) != set(there):
        return False
    for name, (kind, shape) in there.items():
        if kind != FLOAT or not shape or len(shape) != 1 + len(wanted[name]):
            return False
        pairs = [(batch, shape[0]), *zip(wanted[name], shape[1:], strict=True)]
        if not all(want == have or (unknown(have) and (loose or want is None)) for want, have in pairs):
            return False
    return True


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
        with Image.open(io.BytesIO(data), formats=list(formats)) as picture:
            height, width = picture.height, picture.width
            wrong = size_fault(height, width)
            pixels = None if wrong else np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    except Exception as error:
        raise BundleError(f"{where} is not a {' or '.join(formats.values())} picture.") from error
    if pixels is None:
        raise BundleError(f"{where} measures {width} x {height} pixels, {wrong}.")
    return pixels.reshape(height, width, channels)
