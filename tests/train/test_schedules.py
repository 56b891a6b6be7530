"""Schedules and the moving average."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from train.checkpoints import load_tensors
from train.data.dataset import Pictures
from train.loop import train, update_averages
from train.pace import images_in_all
from train.schedules import cosine, ema_decay, ramp
from train.settings import Settings
from train.stages.stage import Stage


def test_cosine_runs_from_start_to_end():
    assert cosine(1.0, 0.1, 0) == pytest.approx(1.0)
    assert cosine(1.0, 0.1, 0.5) == pytest.approx(0.55)
    assert cosine(1.0, 0.1, 1) == pytest.approx(0.1)
    assert cosine(1.0, 0.1, 7) == pytest.approx(0.1)
    assert ramp(0.05, 0.1) == pytest.approx(0.5)


def test_half_of_the_average_is_gone_after_its_half_life():
    """A network jumps from 0 to 1; after 1000 pictures the average has come half-way."""
    network, average = nn.ModuleDict({"a": nn.Linear(1, 1)}), nn.ModuleDict({"a": nn.Linear(1, 1)})
    with torch.no_grad():
        for p in average.parameters():
            p.zero_()
        for p in network.parameters():
            p.fill_(1)
    for _ in range(1000 // 50):
        update_averages(average, network, ema_decay(50, 10**9, half_life=1000))
    assert average["a"].weight.item() == pytest.approx(0.5, abs=1e-6)


def test_young_averages_forget_sooner():
    assert ema_decay(64, 640, half_life=10_000) < ema_decay(64, 64_000, half_life=10_000)
    assert ema_decay(64, 0, half_life=10_000) == 0
    assert ema_decay(64, 64, half_life=0) == 0


def test_buffers_are_copied():
    network, average = nn.ModuleDict({"a": nn.BatchNorm2d(2)}), nn.ModuleDict({"a": nn.BatchNorm2d(2)})
    network["a"].running_mean.fill_(3)
    update_averages(average, network, 0.99)
    assert average["a"].running_mean.tolist() == [3, 3]


def test_the_plan_fills_the_time_that_is_left():
    assert images_in_all(6400, left=10.0, rate=640.0, batch=64) == 12_800
    assert images_in_all(6400, left=0.15, rate=640.0, batch=64) == 6400 + 64
    assert images_in_all(6400, left=-5.0, rate=640.0, batch=64) == 6400


class CountingStage(Stage):
    """Its one weight is the number of steps taken."""

    name = "counting"

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        with torch.no_grad():
            self.networks.get_parameter("weight").fill_(self.steps_done + 1)
        return {}

    def preview(self, averages: nn.Module, pictures: Tensor) -> Tensor:
        return pictures


def test_the_loop_averages_with_the_half_life_that_was_asked_for(tmp_path: Path):
    """Against the sum that defines a moving average: whichever decay a step took, its weight halves every `ema_images`
    pictures, or every twentieth of the pictures seen at first."""
    network = nn.Linear(1, 1, bias=False)
    settings = Settings(run=tmp_path, images=4096, batch=32, threads=1)
    stage = CountingStage(network, {"sgd": torch.optim.SGD(network.parameters(), fused=True)}, settings, ema_images=100)
    averages = copy.deepcopy(network)
    some = Pictures(torch.zeros(64, 1, 8, 8, dtype=torch.uint8), torch.zeros(64, dtype=torch.int64))
    assert train(stage, averages, settings, "made up", some, some)
    expected = 0.0
    for step in range(1, 4096 // 32 + 1):
        share = 2 ** (-32 / min(100, 32 * step / 20))
        expected = share * expected + (1 - share) * step
    assert averages.weight.item() == pytest.approx(expected, rel=1e-5)
    stored, _ = load_tensors(tmp_path / "counting" / "state.safetensors")
    assert stored["averages/weight"].item() == averages.weight.item()
