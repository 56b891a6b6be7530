"""--minutes by the clock: more of them go on, a faster stage uses all of them, a pause takes none."""

import pytest

from tests.support.small_runs import SMALL, STAGES, at_step
from train.__main__ import main
from train.checkpoints import load_tensors


class Clock:
    """Goes on by `tick` seconds whenever it is read: a budget of minutes takes as many steps on any machine."""

    def __init__(self, tick: float):
        self.tick, self.now = tick, 0.0

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now

    def rules(self, monkeypatch) -> None:
        """The command and its loop go by this clock."""
        for module in ("train.__main__", "train.training", "train.loop", "train.pace"):
            monkeypatch.setattr(f"{module}.time", self)


@pytest.mark.slow
def test_more_minutes_go_on_and_a_finished_stage_is_left_alone(shapes, tmp_path, monkeypatch):
    clock = Clock(0.02)
    clock.rules(monkeypatch)
    arguments = ["gan", str(tmp_path / "r"), "--data", str(shapes), *SMALL, *STAGES["gan"]]
    assert main([*arguments, "--minutes", "0.05"]) == 0
    state = tmp_path / "r" / "gan" / "state.safetensors"
    before, facts = state.read_bytes(), load_tensors(state)[1]
    assert 2.9 < facts["seconds"] <= 3.1
    clock.tick = 0.001  # were it timed again, the stage would seem to have time left
    assert main([*arguments, "--resume"]) == 0
    assert state.read_bytes() == before
    clock.tick = 0.02
    assert main([*arguments, "--minutes", "0.1", "--resume"]) == 0
    more = load_tensors(state)[1]
    assert more["images"] > facts["images"]
    assert 5.9 < more["seconds"] <= 6.1


@pytest.mark.slow
def test_a_stage_that_becomes_faster_still_uses_all_its_time(shapes, tmp_path, monkeypatch):
    clock = Clock(0.02)
    clock.rules(monkeypatch)
    at_step(monkeypatch, 8, lambda: setattr(clock, "tick", 0.002))
    arguments = ["gan", str(tmp_path / "r"), "--data", str(shapes), *SMALL, *STAGES["gan"], "--minutes", "0.03"]
    assert main(arguments) == 0
    assert load_tensors(tmp_path / "r" / "gan" / "state.safetensors")[1]["seconds"] > 0.98 * 0.03 * 60


@pytest.mark.slow
def test_a_pause_takes_none_of_the_minutes(shapes, tmp_path, monkeypatch, capsys):
    """Stopped for two hours in the middle of a step: the stage takes as many steps as without."""
    arguments = ["--data", str(shapes), *SMALL, *STAGES["gan"], "--minutes", "0.03"]

    def trained(name: str) -> dict:
        clock = Clock(0.02)
        clock.rules(monkeypatch)
        if name == "paused":
            at_step(monkeypatch, 8, lambda: setattr(clock, "now", clock.now + 7200))
        assert main(["gan", str(tmp_path / name), *arguments]) == 0
        return load_tensors(tmp_path / name / "gan" / "state.safetensors")[1]

    whole, paused = trained("whole"), trained("paused")
    assert "gan: note: the training was paused for 2 h 00 min" in capsys.readouterr().out
    assert paused["images"] == pytest.approx(whole["images"], rel=0.1)
    assert paused["seconds"] == pytest.approx(whole["seconds"], abs=0.2)  # a few readings of the clock
