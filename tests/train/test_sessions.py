"""A record tells every command that trained a stage, however often it was resumed."""

from pathlib import Path

import pytest

from bundle.version import VERSION
from tests.support.trained import NARROW, train
from train.recorder import repeating_command, sessions_of
from train.run_folder import Run
from train.settings import VaeSettings


def test_every_session_of_a_resumed_stage_is_kept(shapes: Path, tmp_path: Path):
    run = tmp_path / "run"
    words = ("vae", run, "--data", shapes, "--threads", "1")
    train(*words, "--images", "64", "--batch", "32", *NARROW["vae"])
    train(*words, "--images", "128", "--resume")
    record = Run.open(run).record("vae")
    first, second = record.sessions
    assert "--images 64 --batch 32" in first["command"] and second["command"].endswith("--images 128 --resume")
    assert [one["images"] for one in record.sessions] == [64, 64] and record.images == 128
    assert sum(one["seconds"] for one in record.sessions) == pytest.approx(record.seconds, abs=0.2)  # each is rounded
    assert {one["version"] for one in record.sessions} == {VERSION}


def test_what_an_older_version_recorded_is_one_session():
    old = {"command": "a && b", "seconds": 90.0, "images": 640, "hardware": "a machine", "finished": True, "config": {}}
    (only,) = sessions_of(old)
    assert (only["command"], only["seconds"], only["images"], only["version"]) == ("a && b", 90.0, 640, "")


def test_a_record_names_the_data_and_no_local_path(monkeypatch, tmp_path):
    place = tmp_path / "sets=all" / "pets"
    settings = VaeSettings(tmp_path / "run", data=str(place))
    for words in (["vae", "run", f"--data={place}"], ["vae", "run", "--data", str(place)]):
        monkeypatch.setattr("sys.argv", ["train", *words])
        assert str(tmp_path) not in repeating_command("train", settings, "pets")


def test_a_record_names_what_a_training_starts_from_and_no_local_path(monkeypatch, tmp_path):
    start = tmp_path / "runs" / "digits"
    settings = VaeSettings(tmp_path / "run", data="pets", start_from=start)
    for words in ([f"--start-from={start}/"], ["--start-from", f"{start}/"], ["--start-from", str(start)]):
        monkeypatch.setattr("sys.argv", ["train", "vae", "run", *words])
        told = repeating_command("train", settings, "pets")
        assert str(tmp_path) not in told and "digits" in told


def test_a_record_names_the_data_of_a_run_among_its_pictures(monkeypatch, tmp_path):
    """Whose folder is the place that the run, not the command, knows its pictures by."""
    for word in (str(tmp_path), f"{tmp_path}/"):
        monkeypatch.setattr("sys.argv", ["train", "vae", word])
        told = repeating_command("train", VaeSettings(tmp_path, data=str(tmp_path)), "pets")
        assert str(tmp_path) not in told and told.endswith("--data pets")


def test_only_the_data_is_named_anew(monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", "vae", "run", "--seed", "3", "--data", "3"])
    told = repeating_command("train", VaeSettings(Path("run"), data="3"), "three")
    assert told == "python -m train vae run --seed 3 --data three"
