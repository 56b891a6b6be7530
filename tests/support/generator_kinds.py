"""Generators from elsewhere, one for each way in which they differ from this format: files, and the flags they need."""

from collections.abc import Callable

import onnx
import torch
from torch import nn

from bundle.adopt import NOTHING_GIVEN
from bundle.generator_inputs import Given
from tests.support import generators
from tests.support.generators import Z, exported


def label(*shape: int, kind: torch.dtype = torch.int64) -> torch.Tensor:
    return torch.zeros(shape, dtype=kind)


def nhwc_bytes(x: torch.Tensor) -> torch.Tensor:
    return (x * 127.5 + 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)


def declared_in_vain() -> bytes:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    proto.opset_import.extend([onnx.helper.make_opsetid(domain, 1) for domain in ("com.microsoft", "pkg.mine")])
    for node in proto.graph.node:
        node.domain = "ai.onnx"
    return proto.SerializeToString()


NOISY = Given({"strength": "0.1", "noise_map": "normal", "seed": "2"})
KINDS: dict[str, Callable[[], tuple[bytes, Given]]] = {
    "NHWC": lambda: (exported(generators.Net(lambda x: x.permute(0, 2, 3, 1)), Z), NOTHING_GIVEN),
    "0 to 255": lambda: (exported(generators.Net(lambda x: x * 127.5 + 127.5), Z), NOTHING_GIVEN),
    "bytes": lambda: (exported(generators.Net(nhwc_bytes), Z), NOTHING_GIVEN),
    "overshoot": lambda: (exported(generators.Net(lambda x: x * 1.3), Z), NOTHING_GIVEN),
    "0 to 1": lambda: (exported(generators.Net(lambda x: x * 0.55 + 0.5), Z), NOTHING_GIVEN),
    "outputs": lambda: (exported(generators.Net(lambda x: (x.mean((2, 3)), x)), Z), NOTHING_GIVEN),
    "float64": lambda: (exported(generators.Net(lambda x: x.double()), Z), NOTHING_GIVEN),
    "no channels": lambda: (exported(generators.Net(lambda x: x[:, 0], channels=1), Z), NOTHING_GIVEN),
    "label": lambda: (exported(generators.Numbered(), Z, label(2)), NOTHING_GIVEN),
    "label in a row": lambda: (exported(generators.Numbered(), Z, label(2, 1, kind=torch.int32)), NOTHING_GIVEN),
    "one-hot": lambda: (exported(generators.OneHot(), Z, torch.eye(2, generators.CLASSES)), NOTHING_GIVEN),
    "truncation": lambda: (exported(generators.Truncated(), Z, torch.tensor(1.0)), Given({"truncation_psi": "0.5"})),
    "truncation of each": lambda: (exported(generators.Truncated(), Z, torch.ones(2, 1)), NOTHING_GIVEN),
    "noise": lambda: (
        exported(generators.Noisy(), Z, torch.zeros(1, 1, 16, 16), torch.tensor(0), torch.tensor(0.1)), NOISY,
    ),
    "half precision": lambda: (exported(generators.Half(), Z.half()), NOTHING_GIVEN),
    "decoder": lambda: (exported(generators.Decoder(), torch.zeros(2, 4, 8, 8)), NOTHING_GIVEN),
    "one at a time": lambda: (exported(generators.Net(), Z[:1], free=False), NOTHING_GIVEN),
    "four at a time": lambda: (
        exported(generators.Numbered(), Z.repeat(2, 1), label(4), free=False), NOTHING_GIVEN,
    ),
    "operator set 9": lambda: (
        exported(generators.Net(lambda x: nn.functional.interpolate(x, scale_factor=2.0)), Z, opset=9), NOTHING_GIVEN,
    ),
    "operator set 7": lambda: (exported(generators.Net(), Z, opset=7), NOTHING_GIVEN),
    "domains": lambda: (declared_in_vain(), NOTHING_GIVEN),
}  # fmt: skip
