"""Generators from elsewhere, brought to the names, types and ranges of this format: they draw the same pictures."""

from pathlib import Path

import numpy as np
import onnx
import pytest

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
from tests.support.generator_kinds import KINDS


def adopted(folder: Path, data: bytes, given: Given = NOTHING_GIVEN) -> OpenBundle:
    (folder / "g.onnx").write_bytes(data)
    adopt(folder / "g.onnx", folder / "out", About("g", "G"), given)
    return read(folder / "out")


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


def test_a_graph_that_draws_no_numbers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def logarithm(steps, adapter, shape, output):
        below = steps.add("Neg", [steps.add("Abs", [subject.OWN + adapter.image])])
        return steps.add("Log", [below], output)

    bundle = adopted(tmp_path, *KINDS["0 to 255"]())
    monkeypatch.setattr(subject._Steps, "image", logarithm)
    with pytest.raises(UserError, match=r"\(its image holds values that are not finite numbers\)"):
        conventional(bundle)
