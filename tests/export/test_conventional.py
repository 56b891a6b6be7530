"""Generators from elsewhere, brought to the names, types and ranges of this format: they draw the same pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from bundle.adopt import NOTHING_GIVEN, About, adopt
from bundle.errors import UserError
from bundle.generator_inputs import Given
from bundle.read import OpenBundle, read
from bundle.runner import BundleRunner
from bundle.sessions import open_session
from bundle.trial_inputs import TrialInputs
from bundle.verified_files import check_outline
from export import conventional as subject
from export.conventional import conventional
from tests.support import generators
from tests.support.generators import Z, exported


def adopted(folder: Path, data: bytes, given: Given = NOTHING_GIVEN) -> OpenBundle:
    (folder / "g.onnx").write_bytes(data)
    adopt(folder / "g.onnx", folder / "out", About("g", "G"), given)
    return read(folder / "out")


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


@pytest.mark.parametrize("kind", KINDS)
def test_it_draws_the_same_pictures_under_the_formats_own_names(kind: str, tmp_path: Path):
    bundle = adopted(tmp_path, *KINDS[kind]())
    runner = BundleRunner(bundle)
    made = conventional(bundle)
    entry, data = made.bundle.info.graphs["generator"], made.graph_bytes("generator")
    assert entry.adapter is None and (entry.bytes, entry.opset >= 9) == (len(data), True)
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    if "at a time" not in kind:  # their loop is of operators that no bundle may bring
        check_outline(bundle.folder, "generator", entry, data)
    session = open_session(data)
    inputs = TrialInputs.of_bundle(bundle, runner.run)
    for count in (1, 6):
        feed = dict(inputs.rows("generator", range(count)))
        (image,) = session.run(["image"], feed)
        wanted = runner.run("generator", feed)["image"]
        assert image.dtype == np.float32 and image.shape == wanted.shape
        assert np.abs(image - wanted).max() < 1e-6 and np.ptp(image) > 0.2


def test_a_bundle_that_follows_the_conventions_stays_as_it_is(tiny_bundle: Path):
    bundle = read(tiny_bundle)
    made = conventional(bundle)
    assert made.bundle is bundle and not made.written


def test_a_graph_that_would_draw_other_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bundle = adopted(tmp_path, *KINDS["0 to 255"]())
    monkeypatch.setattr(subject._Steps, "image", lambda steps, adapter, shape, output: steps.add(
        "Sigmoid", [subject.OWN + adapter.image], output))  # fmt: skip
    with pytest.raises(UserError, match=r"was made elsewhere, and cannot be brought .* \(its pictures change by"):
        conventional(bundle)
