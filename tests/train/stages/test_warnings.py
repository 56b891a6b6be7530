"""Warnings of what a GAN draws: all alike, or noise."""

import copy
import re
from types import SimpleNamespace

import torch
from PIL import Image

from tests.train.stages.test_steps import pictures, small_gan
from train.data.dataset import Pictures
from train.recorder import Progress, Recorder, diverged
from train.settings import CHANGEABLE, GanSettings


def test_a_diverged_stage_is_told_what_its_resume_takes(tmp_path):
    for stage, precision in (("gan", "bf16"), ("gan", "fp32"), ("vae", "bf16"), ("vae", "fp32")):
        (tmp_path / stage).mkdir(exist_ok=True)
        (tmp_path / stage / "state.safetensors").touch()
        said = diverged(tmp_path / stage, Progress(), "the weights are", precision)
        resumed, _, anew = said.partition("begin another run with ")
        flags = re.findall(r"--(?!resume)[a-z]+", resumed)
        assert set(flag[2:] for flag in flags) <= CHANGEABLE and anew == "a lower --lr."
        assert ("--resume" in resumed) is bool(flags) is ((stage, precision) != ("vae", "fp32"))


def test_a_warning_says_when_the_samples_vary_much_less_than_the_data(tmp_path, monkeypatch, capsys):
    stage = small_gan()
    images, labels = pictures(32)
    stage.held_out = images
    stage.begin(*[Pictures((images * 255).byte(), labels)] * 2)
    progress = Progress(step=500, images=900, planned=1000)
    accelerator = SimpleNamespace(is_main_process=True, trackers=[])
    settings = GanSettings(run=tmp_path)
    recorder = Recorder(stage, copy.deepcopy(stage.networks), settings, "shapes", progress, accelerator, 32)
    for variety, warned in (({"distance": 0.3, "classes": 0.9}, True), ({"distance": 0.6, "classes": 0.9}, False)):
        monkeypatch.setattr(stage, "variety", lambda averages, found=variety: found)
        recorder.sheet()
        said = capsys.readouterr().out
        assert ("warning: possible mode collapse after 900 pictures" in said and "(distance 30% of" in said) is warned
    progress.images = 100  # early samples are all alike
    monkeypatch.setattr(stage, "variety", lambda averages: {"distance": 0.3})
    recorder.sheet()
    assert "warning" not in capsys.readouterr().out
    with Image.open(tmp_path / "gan" / "samples" / "000000900.png") as sheet:
        assert sheet.size == (8 * 16, 8 * 16)  # 64 samples


def test_a_warning_says_when_the_samples_are_noise(tmp_path, monkeypatch, capsys):
    """Once, with what to do."""
    stage = small_gan()
    smooth = torch.linspace(0, 255, 16).byte().expand(32, 1, 16, 16)
    stage.held_out = smooth.float() / 255
    stage.begin(*[Pictures(smooth, torch.arange(32) % 3)] * 2)
    progress, accelerator = (
        Progress(step=500, images=900, planned=1000),
        SimpleNamespace(is_main_process=True, trackers=[]),
    )
    averages = copy.deepcopy(stage.networks)
    recorder = Recorder(stage, averages, GanSettings(run=tmp_path), "shapes", progress, accelerator, 32)
    monkeypatch.setattr(stage, "variety", lambda averages: {"distance": 1.0})
    monkeypatch.setattr(averages.generator, "forward", lambda z, classes: smooth[:1].expand(len(z), -1, -1, -1) / 255)
    recorder.sheet()
    assert "warning" not in capsys.readouterr().out
    monkeypatch.setattr(averages.generator, "forward", lambda z, classes: torch.rand(len(z), 1, 16, 16))
    recorder.sheet()
    recorder.sheet()
    said = capsys.readouterr().out
    assert said.count("the samples look like noise after 900 pictures") == 1 and "a lower --lr" in said
