"""Leaks are found where they are, and only there."""

import numpy as np
import pytest
import torch
from torch import nn

from train.evaluate import leak

OPS = ("translation", "cutout")


def discs(count: int, seed: int) -> np.ndarray:
    """Bright discs of random size in the middle of dark pictures, uint8 [N, 1, 16, 16]."""
    dice = np.random.default_rng(seed)
    rows = np.arange(16) - 7.5
    radius = dice.uniform(4, 6.5, (count, 1, 1))
    inside = rows[:, None] ** 2 + rows[None] ** 2 < radius**2
    return np.where(inside, 200, 20).astype(np.uint8)[:, None] + dice.integers(0, 20, (count, 1, 16, 16), np.uint8)


@pytest.fixture(scope="module")
def samples() -> dict[str, np.ndarray]:
    """Pictures of which none is changed, or half by one operation."""
    torch.manual_seed(0)
    clean = discs(400, 2)
    half = {op: leak.changed(torch.from_numpy(clean[200:]), op).numpy() for op in OPS}
    return {"nothing": clean} | {op: np.concatenate([clean[:200], moved]) for op, moved in half.items()}


@pytest.fixture(scope="module")
def detectors() -> list[nn.Module]:
    """The one that was trained, once it is."""
    return []


@pytest.fixture
def one_detector(detectors: list[nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pictures and seed train the same one: the first is kept, for the tests that ask for this."""
    train = leak.trained

    def trained(*given) -> nn.Module:
        if not detectors:
            detectors.append(train(*given))
        return detectors[0]

    monkeypatch.setattr(leak, "trained", trained)


@pytest.mark.slow
@pytest.mark.parametrize("leaking", ["nothing", *OPS])
def test_the_change_that_was_made_is_found(leaking: str, samples, one_detector):
    traces = leak.measure(discs(640, 0), discs(300, 1), samples[leaking], OPS, seed=0)
    for op, trace in traces.items():
        assert trace.found > 0.6 and trace.held_out <= 0.02
        if op == leaking:
            assert 0.3 < trace.samples <= 0.53
        elif leaking == "nothing":
            assert trace.samples <= 0.03
    if leaking != "nothing":
        assert max(traces, key=lambda op: traces[op].samples) == leaking


def test_the_same_seed_finds_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leak, "EPOCHS", 3)
    pictures = discs(200, 0), discs(50, 1), discs(50, 2)
    assert leak.measure(*pictures, OPS, seed=3) == leak.measure(*pictures, OPS, seed=3)
