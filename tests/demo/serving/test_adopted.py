"""Generators from elsewhere in a server's engine: however many pictures are asked for at once, they are the same."""

from pathlib import Path

import numpy as np
import pytest

from bundle.adopt import About, adopt
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.sessions import CPU, choose_provider
from bundle.trial_inputs import TrialInputs
from demo.serving import engine
from demo.serving.engine import Engine
from tests.support.generator_kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_many_pictures_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On several cores each draws a share of them: what is the same for all pictures is shared out to none."""
    data, given = KINDS[kind]()
    (tmp_path / "g.onnx").write_bytes(data)
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"), given)
    monkeypatch.setattr(engine, "default_threads", lambda: 3)
    bundle = read(tmp_path / "out")
    served, alone = Engine(bundle, choose_provider("cpu")), BundleRunner(bundle)
    served.ensure_checked()
    inputs = TrialInputs.of_bundle(bundle, alone.run)
    for count in (1, 4, 13, 16):
        feed = dict(inputs.rows("generator", range(count)))
        got, wanted = (one.run("generator", feed)["image"] for one in (served, alone))
        assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-6, count


@pytest.mark.parametrize("kind", ["truncation", "label", "four at a time"])
def test_another_provider_than_the_cpu(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The way of CUDA and OpenVINO, here with a session of the CPU under another name."""
    data, given = KINDS[kind]()
    (tmp_path / "g.onnx").write_bytes(data)
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"), given)
    bundle = read(tmp_path / "out")
    monkeypatch.setattr(engine, "CPU", "none")
    served, alone = Engine(bundle, choose_provider("cpu")), BundleRunner(bundle)
    feed = dict(TrialInputs.of_bundle(bundle, alone.run).rows("generator", range(13)))
    assert np.array_equal(served.run("generator", feed)["image"], alone.run("generator", feed)["image"])
    assert served.active == CPU
