"""How many cores a process may use: those it is bound to, and a container's quota."""

import os
from pathlib import Path

import pytest

from bundle import processors
from bundle.processors import cgroup_quota, usable_cores
from bundle.sessions import default_threads
from train.hardware import usable_threads


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_cgroup_quota(tmp_path: Path, files: dict[str, str], cores: int | None):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert cgroup_quota(tmp_path) == cores
    assert 1 <= default_threads() <= min(4, os.cpu_count())


def test_training_keeps_to_the_quota_of_its_container(monkeypatch):
    monkeypatch.setattr(processors, "cgroup_quota", lambda root: 1)
    assert (usable_cores(), usable_threads()) == (1, 1)
    monkeypatch.setattr(processors, "cgroup_quota", lambda root: 10_000)
    assert usable_threads() == usable_cores() <= os.cpu_count()
