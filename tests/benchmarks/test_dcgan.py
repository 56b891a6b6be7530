"""The control is a fair one: as many parameters, the right pictures, trained by the same loop."""

from pathlib import Path

import pytest
import torch

from benchmarks import dcgan
from tests.support.pictures import draw_folder
from train.data.dataset import DataInfo
from train.evaluate.control import load_generator
from train.run_folder import Run
from train.settings import GanSettings
from train.stages import gan


@pytest.mark.parametrize("size", [28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_has_as_many_parameters(size: int, channels: int):
    ours = gan.build(GanSettings(Path("run")), DataInfo("", "", "", channels, size, size, ("a", "b"), 100, 10))
    theirs = dcgan.build(channels, (size, size))
    for name in ("generator", "critic"):
        counts = [sum(p.numel() for p in nets.get_submodule(name).parameters()) for nets in (ours, theirs)]
        assert counts[1] == pytest.approx(counts[0], rel=0.03), name
    images = theirs.generator(torch.zeros(2, dcgan.LATENT_DIM, 1, 1))
    assert images.shape == (2, channels, size, size)
    assert theirs.critic(images).shape == (2, 1, 1, 1)


def test_it_is_trained_and_opened_again(tmp_path, capsys):
    data = draw_folder(tmp_path / "pictures", 120)
    words = [str(tmp_path / "run"), "--data", str(data), "--images", "16", "--batch", "8", "--threads", "1"]
    assert dcgan.main([*words, "--size", "256"]) == 2
    assert "--size 32 or 64" in capsys.readouterr().err
    assert dcgan.main([*words, "--size", "32", "--precision", "bf16"]) == 0
    generator = load_generator(tmp_path / "run")
    assert generator(torch.zeros(1, dcgan.LATENT_DIM, 1, 1)).shape[2:] == (32, 32)
    assert dcgan.main([str(tmp_path / "wide"), *words[1:], "--size", "40x24"]) == 0
    assert load_generator(tmp_path / "wide")(torch.zeros(1, dcgan.LATENT_DIM, 1, 1)).shape[2:] == (24, 40)
    assert dcgan.main([*words, "--size", "32"]) == 2
    assert "already begun" in capsys.readouterr().err


def test_resumed_it_keeps_its_framing_and_precision(tmp_path, monkeypatch, capsys):
    """Of pictures whose own size is another one."""
    data, run = draw_folder(tmp_path / "pictures", 120), tmp_path / "run"
    words = [str(run), "--data", str(data), "--batch", "8", "--threads", "1"]
    assert dcgan.main([*words, "--size", "32", "--fit", "pad", "--precision", "bf16", "--images", "8"]) == 0
    assert Run.open(run).data.fit == "pad"
    seen = []
    monkeypatch.setattr(dcgan.ControlStage, "__init__", watched(dcgan.ControlStage.__init__, seen))
    assert dcgan.main([str(run), "--data", str(data), "--images", "16", "--resume"]) == 0
    assert seen[0].precision == "bf16" and seen[0].size == 32 and seen[0].batch == 8
    assert dcgan.main([str(run), "--data", str(data), "--images", "16", "--lr", "1", "--resume"]) == 2
    assert "lr" in capsys.readouterr().err


def watched(begin, seen: list):
    """A constructor that also keeps the settings it was given."""

    def init(self, networks, settings):
        seen.append(settings)
        begin(self, networks, settings)

    return init
