"""Schedules and the moving average."""

import pytest
import torch
from torch import nn

from train.loop import plan, update_averages
from train.schedules import cosine, ema_decay, ramp


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
    assert plan(6400, left=10.0, rate=640.0, batch=64) == 12_800
    assert plan(6400, left=0.15, rate=640.0, batch=64) == 6400 + 64
    assert plan(6400, left=-5.0, rate=640.0, batch=64) == 6400
