"""PyTorch's exporter, asked once for each network: a graph takes it more than a second, and many tests export the same
run. Only the exporter's answer is kept; all that Twofold makes of it is made anew."""

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

import onnx
import onnx_ir
import pytest
import torch
from torch import nn
from torch.onnx._internal import _lazy_import

REAL = torch.onnx.export


def export_once(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keeps what `torch.onnx.export` returns in `folder`, for all worker processes."""

    def export(net: nn.Module, example: tuple[torch.Tensor, ...], *more: Any, **settings: Any) -> Any:
        name = None if more else fingerprint(net, example, settings)
        if name is None:
            return REAL(net, example, *more, **settings)
        path = folder / f"{name}.onnx"
        if path.exists():
            return torch.onnx.ONNXProgram(onnx_ir.from_proto(onnx.load(path)), None)
        program = REAL(net, example, **settings)
        assert program is not None
        if readable(program.model_proto):
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(program.model_proto.SerializeToString())
            part.replace(path)
        return program

    patch.setattr(torch.onnx, "export", export)


def readable(model: onnx.ModelProto) -> bool:
    """Whether the exporter's answer can be kept: not where it uses a name twice, which Twofold mends."""
    try:
        onnx_ir.from_proto(model)
    except onnx_ir.serde.SerdeError:
        return False
    return True


def fingerprint(net: nn.Module, example: tuple[torch.Tensor, ...], settings: dict[str, Any]) -> str | None:
    """The same for networks that compute the same: types and attributes of their modules, weights, inputs, settings.
    None where an attribute cannot be told by its words, as with hooks."""
    words = [repr([[tuple(x.shape) for x in example], settings])]
    for name, module in net.named_modules():
        own = {key: value for key, value in vars(module).items() if key not in ("_parameters", "_buffers", "_modules")}
        forward = type(module).forward
        words.append(repr([name, type(module), forward.__module__, forward.__qualname__, sorted(own.items())]))
    if " at 0x" in "".join(words):
        return None
    weights = {name: (value.dtype, tuple(value.shape)) for name, value in net.state_dict().items()}
    found = hashlib.sha256(repr([words, weights]).encode())
    for value in net.state_dict().values():
        found.update(value.numpy().tobytes())
    return found.hexdigest()


def read_operators_once(patch: pytest.MonkeyPatch) -> None:
    """The exporter reads the source of its 500 operators anew for each graph: a third of the time of small ones."""
    home = _lazy_import.onnxscript_apis  # imported when the first graph is exported, and no sooner
    read = functools.cache(lambda: type(home).__getattr__(home, "get_torchlib_ops")())
    patch.setitem(vars(home), "get_torchlib_ops", read)
