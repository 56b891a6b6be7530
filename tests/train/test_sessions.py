"""A record tells every command that trained a stage, however often it was resumed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.errors import UserError
from bundle.version import VERSION
from tests.support.trained import NARROW, train
from train import recorder, training
from train.__main__ import main
from train.recorder import repeating_command, sessions_of
from train.resume import resolve_resume, store_settings
from train.run_folder import Run
from train.settings import GanSettings, VaeSettings


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


def test_a_stage_that_has_a_checkpoint_has_a_record(shapes: Path, tmp_path: Path, monkeypatch):
    """Whenever it is killed: other stages ask its record how far it is."""
    run, save = tmp_path / "run", recorder.save_tensors

    def killed(path: Path, *what: object) -> None:
        save(path, *what)
        if path.name == "state.safetensors":
            raise KeyboardInterrupt

    monkeypatch.setattr(recorder, "save_tensors", killed)
    assert main(["vae", str(run), "--data", str(shapes), "--images", "32", "--batch", "16", *NARROW["vae"]]) == 130
    assert Run.open(run).has_checkpoint("vae") and Run.open(run).record("vae").images == 32


def test_places_are_stored_as_they_are_found_from_any_folder(trained_run: Path, tmp_path: Path, monkeypatch):
    """And the stored --cache holds for a command that goes on."""
    run, opened = tmp_path / "run", []

    def pictures(settings, *rest, **more):
        opened.append(settings.cache)
        raise UserError("enough")

    monkeypatch.setattr(training, "open_pictures", pictures)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train"])
    shutil.copytree(trained_run, run)
    for words in (["gan", "new", "--cache", "packs", "--start-from", "run"], ["all", "new", "--cache", "packs"]):
        assert main(words) == 2
    found = resolve_resume("gan", GanSettings(Path("new"), cache=Path("packs"), start_from=Path("../a")), set())
    assert (found.cache, found.start_from) == (tmp_path / "packs", tmp_path.parent / "a")
    store_settings("gan", replace(Run.open(run).settings("gan"), cache=tmp_path / "kept", run=run))
    assert main(["gan", "run", "--resume"]) == 2
    assert opened == [tmp_path / "packs", tmp_path / "packs", tmp_path / "kept"]


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
