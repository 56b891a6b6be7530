"""The script of the released bundles: commands that their programs accept, time shared out, nothing done twice."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tyro

from benchmarks import dcgan
from bundle.errors import UserError
from export import release
from export.settings import Command as ExportCommand
from train.command_line import parse
from train.settings import GanSettings, VaeSettings


@pytest.fixture
def settings(tmp_path: Path) -> release.Settings:
    for recipe in release.RECIPES.values():
        (tmp_path / "data" / recipe.folder).mkdir(parents=True)
    return release.Settings(tmp_path / "data", runs=tmp_path / "runs", out=tmp_path / "artifacts", threads=1)


def parsed(words: list[str]):
    """The settings that a command means to its program."""
    if words[0] == "train":
        return parse(words[1:])[0]
    kinds = {"benchmarks.dcgan": dcgan.ControlSettings, "export": ExportCommand}
    return tyro.cli(kinds[words[0]], args=words[1:])


def trained(folder: Path, minutes: float, finished: bool = True) -> None:
    folder.mkdir(parents=True)
    (folder / "state.safetensors").touch()
    (folder / "record.json").write_text(json.dumps({"seconds": 60 * minutes, "finished": finished}))


@pytest.mark.parametrize("name", release.RECIPES)
def test_every_command_is_understood(settings, name):
    recipe = release.RECIPES[name]
    found = [parsed(words) for words in release.commands(settings, name, recipe.minutes)]
    assert len(found) == len(recipe.minutes) + 2
    for one, minutes in zip(found, recipe.minutes.values(), strict=False):
        assert one.minutes == minutes and one.size == recipe.size and one.threads == 1 and not one.resume
        assert Path(one.data).is_dir()
    (gan,) = [one for one in found if isinstance(one, GanSettings)]
    assert gan.run == settings.runs / name
    *_, exported, measured = found
    assert exported.precision == "fp16-stored"
    assert exported.target == measured.subject == measured.store == settings.out / name
    assert measured.control == settings.runs / f"{name}-control"


def test_the_preset_holds_for_every_stage_but_the_control(settings):
    on_gpu = release.Settings(settings.data_root, preset="gpu", runs=settings.runs)
    for stage in release.FOLDERS:
        words = release.stage_command(on_gpu, "mnist", stage, 1)
        assert ("--preset" in words) == (stage != "control")


def test_what_is_finished_is_left_alone_and_what_was_begun_goes_on(settings):
    trained(settings.runs / "emoji" / "gan", 60)
    trained(settings.runs / "emoji" / "vae", 10, finished=False)
    trained(settings.runs / "emoji-control" / "dcgan", 30)  # the budget was smaller then
    left = list(release.commands(settings, "emoji", release.RECIPES["emoji"].minutes))
    assert [words[1] for words in left if words[0] == "train"] == ["vae", "inverse", "inverse", "evaluate"]
    vae = parsed(left[0])
    assert isinstance(vae, VaeSettings) and vae.resume and vae.minutes == 25
    assert not {"--size", "--precision"} & set(left[0])  # taken from the run
    (control,) = [parsed(words) for words in left if words[0] == "benchmarks.dcgan"]
    assert control.resume and control.minutes == 60


def test_time_goes_where_the_pictures_are_slow():
    names = ("mnist", "cifar10", "emoji")
    speeds = {"mnist": 1000.0, "cifar10": 1000.0, "emoji": 250.0}
    found = release.budgets(names, speeds, 30)
    assert sum(sum(own.values()) for own in found.values()) == pytest.approx(30)
    totals = {name: sum(own.values()) for name, own in found.items()}
    assert totals["cifar10"] == pytest.approx(2 * totals["mnist"])  # twice the pictures
    assert totals["emoji"] == pytest.approx(2 * totals["mnist"])  # half of them at a quarter of the speed
    assert all(own["control"] == own["gan"] for own in found.values())
    assert "classifier" not in found["emoji"]


def test_mistakes_are_sentences(settings, capsys):
    with pytest.raises(UserError, match="no data set on the Hub"):
        release.source(release.Settings(), "emoji")
    with pytest.raises(UserError, match="not there"):
        release.source(release.Settings(settings.runs), "mnist")
    assert release.main(["--only", "cats"]) == 2
    assert "--only cats is unknown; there are mnist, fashion" in capsys.readouterr().err


def test_a_failed_command_stops_it_and_says_where(tmp_path):
    with pytest.raises(UserError, match=r"no_such_module.*ended with 1; see .*log"):
        release.call(["no_such_module"], tmp_path / "log")
    assert "No module named no_such_module" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("problem", [UserError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("jobs", [1, 2])
def test_after_a_failure_nothing_else_is_begun(settings, monkeypatch, problem, jobs):
    called = []

    def fail(words: list[str], log: Path | None) -> None:
        called.append(words)
        if "emoji" in words[2]:
            raise problem
        time.sleep(0.5)

    monkeypatch.setattr(release, "call", fail)
    with pytest.raises(type(problem)):
        release.release(replace(settings, only=("emoji", "mnist", "cifar10"), jobs=jobs))
    assert len(called) <= jobs  # the command that ran beside it, and no other


def test_the_plan_is_made_once(settings, monkeypatch):
    speeds = iter([100.0, 200.0])
    monkeypatch.setattr(release, "probe", lambda settings, name: next(speeds))
    both = replace(settings, only=("mnist", "emoji"), total_minutes=10.0)
    first = release.shares(both)
    assert release.shares(both) == first
    with pytest.raises(StopIteration):  # another total is another plan
        release.shares(replace(both, total_minutes=20.0))


def test_what_is_measured_is_not_measured_again(settings):
    for stage, minutes in release.RECIPES["emoji"].minutes.items():
        run = settings.runs / ("emoji-control" if stage == "control" else "emoji")
        trained(run / release.FOLDERS[stage], minutes)
    bundle = settings.out / "emoji"
    bundle.mkdir(parents=True)
    share = release.RECIPES["emoji"].minutes
    for quality_, left in ((None, 2), ({"figures": []}, 0)):
        (bundle / "bundle.json").write_text(json.dumps({"quality": quality_}))
        assert len(list(release.commands(settings, "emoji", share))) == left


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"jobs": 0}, "--jobs must be positive"),
        ({"total_minutes": 0.0}, "--total-minutes must be positive"),
        ({"only": ("mnist", "mnist")}, "twice"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(settings, wrong, sentence):
    with pytest.raises(UserError, match=sentence):
        release.check(replace(settings, **wrong))
