"""`train all`, interrupted and resumed: every stage comes to its end, each framed as the run is."""

import json

import pytest

from bundle.read import read
from bundle.schema import USUAL_GRAPHS
from tests.support.small_runs import SMALL, STAGES, at_step, interrupt
from tests.support.trained import export
from train import run_folder
from train.__main__ import main
from train.resume import resolve_all
from train.run_folder import write_json
from train.settings import AllSettings
from train.stages.stage import Stage
from train.training import stages_of


@pytest.mark.slow
@pytest.mark.long
def test_all_stopped_in_every_stage_and_resumed_ends_in_a_run_that_is_exported(shapes, tmp_path, monkeypatch):
    reached = []

    def interrupted(stage, *arguments):
        if stage.name not in reached:
            reached.append(stage.name)
            interrupt()
        return updated(stage, *arguments)

    updated = Stage.parts
    monkeypatch.setattr(Stage, "parts", interrupted)
    words = ["all", str(tmp_path / "r"), "--data", str(shapes), "--images", "32", *SMALL]
    assert main(words) == 130
    for stage in STAGES:
        assert reached[-1] == stage
        record = run_folder.Run.open(tmp_path / "r").record(stage)
        assert (record.images, record.finished) == (16, False)
        assert main([*words, "--resume"]) == (0 if stage == "repair" else 130)
    export("bundle", tmp_path / "r", tmp_path / "bundle")
    assert set(read(tmp_path / "bundle").info.graphs) == set(USUAL_GRAPHS)


def test_all_resumed_frames_new_stages_as_the_run_does(shapes, tmp_path, monkeypatch):
    words = ["--data", str(shapes), "--images", "32", *SMALL]
    assert main(["classifier", str(tmp_path / "r"), *words, "--fit", "pad", "--size", "32"]) == 0
    at_step(monkeypatch, 1, interrupt)
    assert main(["all", str(tmp_path / "r"), *words, "--resume"]) == 130
    gan = run_folder.Run.open(tmp_path / "r").settings("gan")
    assert (gan.fit, gan.size) == ("pad", 32)


def test_all_resumed_begins_the_other_stages_as_they_were_asked_for(shapes, tmp_path, monkeypatch):
    """With every setting of the first command, but for what is given now."""
    run, words = tmp_path / "r", ["--data", str(shapes), "--images", "32", "--batch", "16"]
    first = ["--preset", "gpu", "--seed", "5", "--precision", "fp32", "--threads", "1", "--accumulate", "2"]
    at_step(monkeypatch, 1, interrupt)
    assert main(["all", str(run), *words, *first]) == 130
    stored = json.loads((run / "all.json").read_text())
    assert {"preset", "seed", "precision", "threads", "accumulate", "images", "batch"} <= set(stored["given"])
    found, given = resolve_all(AllSettings(run=run, resume=True, minutes=7.0), {"resume", "minutes"})
    assert {"preset", "minutes"} <= set(given)
    own = dict(stages_of(found, given))["vae"]
    assert (own.preset, own.width, own.seed, own.precision) == ("gpu", 512, 5, "fp32")
    assert (own.threads, own.accumulate, own.images, own.batch) == (1, 2, None, 16)  # minutes in place of pictures
    assert own.minutes == 7.0 * 0.27


def test_a_run_whose_all_is_older_takes_it_from_the_command_that_it_recorded(tmp_path):
    record = {
        "command": "python -m train all runs/x --data ylecun/mnist --preset gpu --minutes 10 && python -m train …"
    }
    write_json(tmp_path / "classifier" / "record.json", record)
    found, given = resolve_all(AllSettings(run=tmp_path, resume=True), {"resume"})
    assert (found.preset, found.minutes, found.run, found.resume) == ("gpu", 10.0, tmp_path, True)
    assert (found.precision, found.threads) == ("fp32", "all")  # what that version did
    assert {"precision", "threads", "preset"} <= set(given)


def test_a_later_stage_notes_the_pictures_of_the_run(shapes, tmp_path):
    run, words = tmp_path / "r", ["--images", "32", *SMALL]
    assert main(["classifier", str(run), "--data", str(shapes), *words]) == 0
    assert main(["vae", str(run), *words, *STAGES["vae"]]) == 0
    assert run_folder.Run.open(run).settings("vae").data == str(shapes.resolve())


def test_all_resumed_without_data_notes_the_pictures_of_the_run(shapes, tmp_path, monkeypatch):
    run, words = tmp_path / "r", ["--images", "32", *SMALL]
    at_step(monkeypatch, 1, interrupt)
    assert main(["all", str(run), "--data", str(shapes), *words]) == 130
    monkeypatch.undo()
    at_step(monkeypatch, 3, interrupt)  # in the GAN
    assert main(["all", str(run), "--resume"]) == 130
    assert json.loads((run / "all.json").read_text())["settings"]["data"] == str(shapes.resolve())
    assert run_folder.Run.open(run).settings("gan").data == str(shapes.resolve())
