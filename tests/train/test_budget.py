"""How minutes are divided, what is said of the time and of the result, and how threads are chosen."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from train import loop, pace, threads, training
from train.budget import Slot, StageTime, slot_of, spoken
from train.checkpoints import save_tensors
from train.hardware import processor
from train.outlook import Outlook
from train.pace import Pace, timed_steps
from train.recorder import Progress
from train.settings import AllSettings, ClassifierSettings, GanSettings, VaeSettings
from train.threads import ThreadTrial, first_threads

MINUTES = [StageTime(60.0), StageTime(500.0), StageTime(270.0), StageTime(170.0)]


def test_all_stages_end_with_the_minutes_whatever_each_of_them_takes():
    now = 40.0  # the pictures took that long to be read
    for i, overrun in enumerate((1.5, 0.9, 1.2, 1.0)):
        slot = slot_of(MINUTES, i, now)
        assert slot.seconds + slot.after == pytest.approx(1000 - now)
        now += slot.seconds * overrun
    assert now == pytest.approx(1000)
    assert slot_of(MINUTES, 3, 2000.0).seconds == 0


def test_reading_the_pictures_takes_half_of_the_minutes_at_most(monkeypatch, capsys):
    for now, begins in ((130.0, 100.0), (1000.0, 700.0)):
        monkeypatch.setattr(training.time, "monotonic", lambda now=now: now)
        assert training.training_began(600.0, 100.0, True) == begins
    assert capsys.readouterr().out.count("more than half of the 10 minutes that are left") == 1
    assert training.training_began(0.0, 100.0, True) == 100.0


def test_a_stage_that_goes_on_shortly_before_its_end_still_trains(monkeypatch):
    """Reading took six minutes, and of its 45 minutes five are left."""
    times = [StageTime(2700.0, 2400.0)]
    monkeypatch.setattr(training.time, "monotonic", lambda: 360.0)
    counted_from = training.training_began(sum(stage.left for stage in times), 0.0, True)
    assert slot_of(times, 0, 360.0 - counted_from).seconds == 2400.0 + 150.0


def test_without_classes_the_others_share_the_minutes_of_the_classifier(tmp_path):
    settings = AllSettings(tmp_path, minutes=100)
    plan = training.without_classifier(training.stages_of(settings, set()), settings, set())
    assert [stage for stage, _ in plan] == ["gan", "vae", "inverter", "repair"]
    assert sum(own.minutes for _, own in plan) == pytest.approx(100)
    begun = [("vae", VaeSettings(tmp_path, minutes=27.0))]
    save_tensors(tmp_path / "vae" / "state.safetensors", {}, {})
    assert training.without_classifier(begun, settings, set()) == begun
    assert training.without_classifier(begun, settings, {"minutes"})[0][1].minutes == pytest.approx(27 / 0.94)


def test_what_earlier_commands_used_is_not_given_again():
    done = [StageTime(60.0, 55.0, finished_budget=60.0), StageTime(500.0, 200.0), *MINUTES[2:]]
    slot = slot_of(done, 1, 0.0)
    assert slot.seconds - 200.0 + slot.after == pytest.approx(1000 - 55 - 200)
    assert done[0].left == 0
    assert StageTime(120.0, 55.0, finished_budget=60.0).left == 60  # more minutes were given
    alone = slot_of([StageTime(100.0, 500.0, finished_budget=100.0), StageTime(300.0)], 1, 0.0)
    assert alone.seconds == pytest.approx(300)  # trained for longer by itself, at nobody's cost


def test_times_are_spoken():
    assert [spoken(s) for s in (-3, 40, 89, 600, 5300, 7500)] == [
        "0 s",
        "40 s",
        "89 s",
        "10 min",
        "88 min",
        "2 h 05 min",
    ]
    assert (Slot(2, 5).title, Slot().title) == (", stage 2 of 5", "")


def test_the_outlook_says_what_the_budget_is_enough_for_and_what_would_help():
    def sentence(
        settings: GanSettings, size: int, rate: float, images: int, seconds: float | None, left: int = 0
    ) -> str:
        outlook = Outlook("gan", settings, size, torch.device("cpu"))
        return outlook.sentence(outlook.expected(images), rate, seconds, left)

    said = sentence(GanSettings(Path("r"), precision="fp32"), 128, 10.0, 24_123, 2700.0)
    assert said.startswith("gan: 10 pictures/s, about 24 000 in 45 min: enough for blobs in the right colours.")
    assert "--size 64 (in another run folder) is about 3 times as fast" in said
    assert "--minutes shows four times as many" in said
    enough = sentence(GanSettings(Path("r")), 32, 500.0, 2_000_000, 4000.0)
    assert "detailed pictures" in enough and "help" not in enough
    fixed = sentence(GanSettings(Path("r"), images=6000), 32, 100.0, 6000, None, 6000)
    assert "about 6 000, in about 60 s" in fixed and "--images" in fixed
    resumed = sentence(GanSettings(Path("r"), images=6000), 32, 100.0, 6000, None, 1000)
    assert "about 6 000, in about 10 s" in resumed


@pytest.mark.parametrize(("seconds", "best"), [({2: 1.0, 1: 0.6}, 1), ({2: 0.5, 1: 0.6}, 2)])
def test_the_faster_number_of_threads_is_kept(seconds, best):
    trial, found, taken = ThreadTrial(2, cycle=4), None, []
    while found is None:
        taken.append(torch.get_num_threads())
        found = trial.took(seconds[taken[-1]] * (9 if len(taken) == 1 else 1))  # the very first step is slow
    assert found == torch.get_num_threads() == best
    assert taken == [2] * 6 + [1] * 6


@pytest.mark.parametrize("interval", [1, 4, 8, 16])
def test_the_speed_is_told_by_the_threads_that_are_kept_and_by_all_penalties(interval):
    trial = ThreadTrial(2, interval)
    before, after = timed_steps(trial.steps, interval)
    found = [trial.took(1.0) for _ in range(trial.steps)]
    assert found.index(2) == trial.steps - 1 < before and after - before >= interval
    assert timed_steps(0, 4) == timed_steps(12, 4) == (14, 20)


def test_threads_are_what_was_asked_for_or_found_before(monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert [first_threads(*asked) for asked in ((3,), ("all",), ("auto",), ("auto", 1))] == [3, 8, 8, 1]
    assert first_threads("auto", 32) == 8  # where it was found, the process might use more
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert first_threads("auto") == first_threads("auto", 8) == 2


def test_a_speed_is_a_plain_number():
    outlook = Outlook("classifier", ClassifierSettings(Path("r")), 28, torch.device("cpu"))

    def said(rate: float) -> str:
        return outlook.sentence(outlook.expected(400_000), rate, 300.0, 0).partition(" pictures/s")[0]

    assert [said(rate) for rate in (0.1234, 56.78, 999.9, 1234.0)] == [
        f"classifier: {speed}" for speed in ("0.123", "56.8", "1 000", "1 200")
    ]


@pytest.mark.parametrize(
    ("slot", "for_all"),
    [(Slot(2, 5), None), (Slot(5, 5), 8.0), (Slot(), 8.0), (Slot(2, 5, 100.0, 50.0), 58.0)],
)
def test_what_is_left_for_all_is_told_where_it_is_known(monkeypatch, slot, for_all):
    monkeypatch.setattr(pace.time, "monotonic", lambda: 2.0)
    progress = Progress()
    found = Pace(GanSettings(Path("r"), images=1000), slot, progress, 10, 0.0, lambda rate: 0.0)
    progress.step, progress.images = 20, 200  # in two seconds
    assert found.left() == 8.0 and found.left_for_all() == for_all
    assert ("for all" in found.left_in_words()) == (for_all == 58.0)


def test_only_what_a_trial_found_is_kept_as_the_fastest_number_of_threads(monkeypatch):
    """So that --threads auto still tries after a command that said a number."""
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.setattr(loop.torch, "set_num_threads", lambda count: None)

    def trial(asked: int | str, progress: Progress) -> ThreadTrial | None:
        one = object.__new__(loop.Loop)
        one.progress, one.settings, one.device = progress, GanSettings(Path("r"), threads=asked), torch.device("cpu")
        one.accelerator = SimpleNamespace(num_processes=1)
        return one.begin_threads()

    progress = Progress()
    assert trial(1, progress) is None and progress.threads == 0
    assert isinstance(trial("auto", progress), ThreadTrial)
    progress.threads, progress.processor = 1, processor()
    assert trial("auto", progress) is None
