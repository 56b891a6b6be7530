"""`train all`, interrupted and resumed: every stage comes to its end, each framed as the run is."""

import pytest

from bundle.read import read
from bundle.schema import GRAPHS
from tests.support.trained import export
from tests.train.test_resume import SMALL, STAGES, at_step, interrupt
from train import run_folder
from train.__main__ import main
from train.stages.stage import Stage


@pytest.mark.slow
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
    assert set(read(tmp_path / "bundle").info.graphs) == set(GRAPHS)


def test_all_resumed_frames_new_stages_as_the_run_does(shapes, tmp_path, monkeypatch):
    words = ["--data", str(shapes), "--images", "32", *SMALL]
    assert main(["classifier", str(tmp_path / "r"), *words, "--fit", "pad", "--size", "32"]) == 0
    at_step(monkeypatch, 1, interrupt)
    assert main(["all", str(tmp_path / "r"), *words, "--resume"]) == 130
    gan = run_folder.Run.open(tmp_path / "r").settings("gan")
    assert (gan.fit, gan.size) == ("pad", 32)
