"""Interrupted and resumed runs equal uninterrupted ones bit for bit; a crash loses nothing."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bundle.errors import UserError
from tests.support.small_runs import SMALL, STAGES, at_step, interrupt
from tests.support.waiting import wait_until
from train import loop, recorder, run_folder, training
from train.__main__ import main
from train.checkpoints import load_tensors, save_tensors
from train.recorder import Progress, Recorder
from train.resume import resolve_resume, store_settings
from train.settings import VaeSettings
from train.stages.classifier import ClassifierStage

PRINCIPAL = ["--preset", "principal", *STAGES["vae"]]
COMMANDS = {"inverter": "inverse", "repair": "inverse"}


def train(run: Path, stage: str, data: Path, images: int, *more: str) -> int:
    command = COMMANDS.get(stage, stage)
    return main([command, str(run), "--data", str(data), "--images", str(images), *SMALL, *STAGES[stage], *more])


@pytest.fixture(scope="module")
def run(shapes, tmp_path_factory) -> Path:
    """Every stage, 160 pictures in one go."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    for stage in STAGES:
        assert train(folder, stage, shapes, 160) == 0
    return folder


@pytest.fixture(scope="module")
def principal(shapes, tmp_path_factory) -> Path:
    """A VAE that began as principal components, and its repair, 160 pictures in one go."""
    folder = tmp_path_factory.mktemp("runs") / "principal"
    for stage in ("vae", "repair"):
        assert train(folder, stage, shapes, 160, *(PRINCIPAL if stage == "vae" else [])) == 0
    return folder


@pytest.mark.parametrize("stage", list(STAGES))
def test_resuming_is_bit_exact(run, shapes, tmp_path, stage, monkeypatch):
    """Stopped by Ctrl-C in the middle, then resumed: weights, averages, moments, latents are the same bytes."""
    resumes_bit_exactly(run, shapes, tmp_path, stage, monkeypatch)


@pytest.mark.parametrize("stage", ["vae", "repair"])
def test_what_began_as_something_known_is_resumed_where_it_stood(principal, shapes, tmp_path, stage, monkeypatch):
    resumes_bit_exactly(principal, shapes, tmp_path, stage, monkeypatch, *(PRINCIPAL if stage == "vae" else []))


def resumes_bit_exactly(run: Path, shapes: Path, tmp_path: Path, stage: str, monkeypatch, *words: str) -> None:
    halves = tmp_path / "halves"
    for needed in ("gan", "vae"):
        if needed != stage:
            halves.mkdir(exist_ok=True)
            (halves / needed).symlink_to(run / needed)
    at_step(monkeypatch, 4, interrupt)
    assert train(halves, stage, shapes, 160, *words) == 130
    monkeypatch.undo()
    _, facts = load_tensors(halves / stage / "state.safetensors")
    assert facts["images"] == 64
    assert not facts["finished"]
    assert train(halves, stage, shapes, 160, "--resume", *words) == 0
    for name in ("state.safetensors", "latents.safetensors"):
        if not (run / stage / name).exists():
            continue
        whole, _ = load_tensors(run / stage / name)
        resumed, _ = load_tensors(halves / stage / name)
        assert whole.keys() == resumed.keys()
        different = [key for key in whole if not torch.equal(whole[key], resumed[key])]
        assert not different
    if stage != "classifier":
        assert any(key.startswith("optimizers/") and key.endswith("exp_avg_sq") for key in runs_keys(halves, stage))


def runs_keys(folder: Path, stage: str) -> list[str]:
    return list(load_tensors(folder / stage / "state.safetensors")[0])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(run, shapes, tmp_path):
    assert train(tmp_path / "again", "gan", shapes, 160) == 0
    assert train(tmp_path / "other", "gan", shapes, 160, "--seed", "1") == 0
    first = load_tensors(run / "gan" / "state.safetensors")[0]
    same = load_tensors(tmp_path / "again" / "gan" / "state.safetensors")[0]
    other = load_tensors(tmp_path / "other" / "gan" / "state.safetensors")[0]
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(
        first["averages/generator.synthesis.constant"], other["averages/generator.synthesis.constant"]
    )


def test_a_run_leaves_its_record(run):
    record = run_folder.Run.open(run).record("gan")
    assert record.finished
    assert record.images == 160
    assert record.command.startswith("python -m train")
    assert record.config["loss"] == "rpgan"
    assert list((run / "gan" / "samples").glob("*.png"))
    latents = run_folder.Run.open(run).latents()
    assert latents["w_mean"].shape == (3, 8)
    assert latents["code_kl"].shape == (4,)
    assert latents["mixture_weights"].sum() == pytest.approx(1, abs=1e-5)
    assert 0 < run_folder.Run.open(run).sigma < 1


def test_a_mask_encoder_follows_its_resumed_network(run, shapes, tmp_path):
    """It notes down what it was made for; resumed, it goes on with what is there now."""
    halves = Path(shutil.copytree(run, tmp_path / "halves"))
    assert train(halves, "gan", shapes, 192, "--resume") == 0
    opened = run_folder.Run.open(halves)
    assert (opened.record("inverter").target_images, opened.record("gan").images) == (160, 192)
    assert train(halves, "inverter", shapes, 192, "--resume") == 0
    assert opened.record("inverter").target_images == 192
    assert opened.record("gan").target_images is None


@pytest.mark.slow
def test_metrics_lines_are_json(shapes, tmp_path):
    assert train(tmp_path / "r", "gan", shapes, 16 * 60) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "gan" / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) > 5
    assert {"images", "seconds", "images_per_second", "critic", "generator", "r1", "r2"} <= lines[-1].keys()
    assert [line["images"] for line in lines] == sorted(line["images"] for line in lines)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ([], "is already begun: add --resume"),
        (["--resume", "--lr", "0.5"], "was begun with --lr 0.0015, not 0.5"),
        (["--resume", "--loss", "hinge"], "--loss rpgan, not hinge"),
        (["--resume", "--size", "32"], "belongs to"),
    ],
)
def test_other_settings_are_refused_and_nothing_is_lost(run, shapes, capsys, more, sentence):
    before = (run / "gan" / "state.safetensors").read_bytes()
    assert train(run, "gan", shapes, 160, *more) == 2
    assert sentence in capsys.readouterr().err
    assert (run / "gan" / "state.safetensors").read_bytes() == before


def test_resume_without_a_checkpoint(shapes, tmp_path, capsys):
    assert train(tmp_path / "none", "gan", shapes, 160, "--resume") == 2
    assert "no checkpoint to resume" in capsys.readouterr().err


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    save_tensors(path, {"a": torch.ones(3)}, {"step": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        save_tensors(path, {"a": torch.zeros(3)}, {"step": 2})
    tensors, facts = load_tensors(path)
    assert facts == {"step": 1}
    assert torch.equal(tensors["a"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "state.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match=r"state\.safetensors is damaged"):
        load_tensors(tmp_path / "state.safetensors")


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_a_damaged_index_is_named(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        run_folder.place_of(tmp_path)


def test_inverse_needs_what_it_inverts(shapes, tmp_path, capsys):
    assert train(tmp_path / "r", "inverter", shapes, 160) == 2
    assert "no trained gan" in capsys.readouterr().err and not (tmp_path / "r" / "run.json").exists()


def test_a_half_that_is_impossible_is_known_before_pictures_are_read(run, tmp_path, monkeypatch, capsys):
    half = Path(shutil.copytree(run, tmp_path / "half"))
    for stage in ("vae", "inverter", "repair"):
        shutil.rmtree(half / stage)
    monkeypatch.setattr(training, "open_pictures", None)
    assert main(["inverse", str(half), "--images", "32"]) == 2
    assert "has no trained vae for the repair" in (said := capsys.readouterr().err) and "--target gan." in said


def test_a_diverging_run_stops_with_its_cause_and_stores_no_broken_weights(shapes, tmp_path, capsys):
    assert train(tmp_path / "r", "gan", shapes, 16 * 60, "--lr", "1e30") == 2
    said = capsys.readouterr().err
    assert re.search(r"\d+ steps of the (critic|generator) in a row were not finite", said)
    assert "Nothing was stored; try a lower --lr" in said
    assert not (tmp_path / "r" / "gan" / "state.safetensors").exists()
    assert not (tmp_path / "r" / "gan" / "metrics.jsonl").exists()


def test_what_was_tuned_on_a_resume_holds_for_the_next(run, shapes, tmp_path):
    shutil.copytree(run, tmp_path / "r")
    tuned = ("--mismatch-weight", "0.5", "--gamma", "0.2", "0.01")
    assert train(tmp_path / "r", "gan", shapes, 176, *tuned, "--resume") == 0
    assert train(tmp_path / "r", "gan", shapes, 192, "--resume") == 0
    config = run_folder.Run.open(tmp_path / "r").record("gan").config
    assert (config["mismatch_weight"], config["gamma"]) == (0.5, [0.2, 0.01])


def test_the_record_tells_of_each_command_that_changed_what_comes_out(run, monkeypatch):
    """Not of one that merely went on."""
    monkeypatch.setattr("sys.argv", ["train", "gan", "again"])
    opened = run_folder.Run.open(run)
    stored, settings = opened.record("gan").command, replace(opened.settings("gan"), resume=True)

    def told(**changes: object) -> bool:
        stage = SimpleNamespace(name="gan", module="train")
        accelerator = SimpleNamespace(is_main_process=False)
        recorder = Recorder(stage, None, replace(settings, **changes), "shapes", Progress(), accelerator, 135)
        return recorder.command == f"{stored} && python -m train gan again --data shapes"

    assert not told()
    assert not told(threads=2)
    # A run that is older than a setting did without it.
    whole = opened.record("gan")
    older = {name: value for name, value in whole.config.items() if name != "minibatch_stddev"}
    with monkeypatch.context() as patch:
        patch.setattr(recorder, "read_json", lambda path: vars(whole) | {"config": older})
        assert not told()
    assert all(told(**change) for change in ({"images": 999}, {"mismatch_weight": 0.5}, {"gamma": (0.2, 0.01)},
                                            {"precision": "bf16"}))  # fmt: skip


def test_what_the_critic_knows_of_a_batch_may_be_switched_on_and_off_on_the_way(run, shapes, tmp_path, monkeypatch):
    """And is resumed bit for bit."""

    def weights(name: str, images: int, *more: str) -> dict[str, torch.Tensor]:
        train(tmp_path / name, "gan", shapes, images, "--resume", *more)
        return load_tensors(tmp_path / name / "gan" / "state.safetensors")[0]

    added, switch = "networks/minibatch_stddev.head.weight", "--minibatch-stddev"
    for name in ("whole", "halves"):
        shutil.copytree(run, tmp_path / name)
    whole = weights("whole", 256, switch)
    assert added not in load_tensors(run / "gan" / "state.safetensors")[0]
    assert whole[added].abs().max() > 0
    at_step(monkeypatch, 3, interrupt)
    halves = weights("halves", 256, switch)
    monkeypatch.undo()
    assert not torch.equal(halves[added], whole[added])
    halves = weights("halves", 256)
    assert halves.keys() == whole.keys()
    assert all(torch.equal(halves[key], whole[key]) for key in whole)
    assert added not in weights("whole", 272, f"--no-{switch[2:]}")


@pytest.mark.parametrize("imitated", [True, False])
def test_a_run_begun_in_bf16_says_what_that_costs_without_it_and_goes_on_in_fp32(
    shapes, tmp_path, monkeypatch, capsys, imitated
):
    """A run moves to a machine whose processor has no bf16, as one out of a bundle does."""
    monkeypatch.setattr(loop, "emulates_bf16", lambda device: imitated)
    assert train(tmp_path / "r", "gan", shapes, 32, "--precision", "bf16") == 0
    assert ("--resume --precision fp32" in capsys.readouterr().err) is imitated
    assert train(tmp_path / "r", "gan", shapes, 48, "--resume", "--precision", "fp32") == 0
    assert "bf16" not in capsys.readouterr().err
    assert run_folder.Run.open(tmp_path / "r").record("gan").config["precision"] == "fp32"


def test_ctrl_c_while_a_stage_is_measured_keeps_it_and_begins_no_other(shapes, tmp_path, monkeypatch):
    measured = ClassifierStage.finish

    def finish(*arguments):
        interrupt()
        return measured(*arguments)

    monkeypatch.setattr(ClassifierStage, "finish", finish)
    words = ["all", str(tmp_path / "r"), "--data", str(shapes), "--images", "32", *SMALL]
    assert main(words) == 130
    assert load_tensors(tmp_path / "r" / "classifier" / "state.safetensors")[1]["finished"]
    assert not (tmp_path / "r" / "gan").exists()


def test_a_run_of_another_version_is_named(run, shapes, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "r")
    config = tmp_path / "r" / "gan" / "config.json"
    stored = json.loads(config.read_text())
    config.write_text(json.dumps(stored | {"gama": 1}))
    assert train(tmp_path / "r", "gan", shapes, 160, "--resume") == 2
    assert "another version of Twofold. Unknown settings: gama." in capsys.readouterr().err
    (tmp_path / "r" / "run.json").write_text("{}")
    assert train(tmp_path / "r", "gan", shapes, 160, "--resume") == 2
    assert "run.json is damaged" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_from_the_terminal(shapes, tmp_path):
    """The whole command in a process of its own: SIGINT, exit code 130, a checkpoint."""
    arguments = ["gan", str(tmp_path / "r"), "--data", str(shapes), "--minutes", "0.5", *SMALL, *STAGES["gan"]]
    with subprocess.Popen([sys.executable, "-m", "train", *arguments], stderr=subprocess.DEVNULL) as process:
        metrics = tmp_path / "r" / "gan" / "metrics.jsonl"
        wait_until(lambda: metrics.exists() and metrics.stat().st_size, seconds=60)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert load_tensors(tmp_path / "r" / "gan" / "state.safetensors")[1]["images"] > 0


def test_a_closed_terminal_is_ctrl_c(shapes, tmp_path, monkeypatch):
    at_step(monkeypatch, 4, lambda: os.kill(os.getpid(), signal.SIGHUP))
    assert train(tmp_path / "r", "gan", shapes, 160) == 130
    assert load_tensors(tmp_path / "r" / "gan" / "state.safetensors")[1]["images"] == 64


@pytest.mark.slow
def test_a_terminal_that_is_closed_for_good_loses_nothing(shapes, tmp_path):
    """What is printed can no longer be: the window is gone."""
    ours, theirs = os.openpty()
    arguments = ["gan", str(tmp_path / "r"), "--data", str(shapes), "--minutes", "2", *SMALL, *STAGES["gan"]]
    process = subprocess.Popen(
        [sys.executable, "-m", "train", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        wait_until(lambda: (tmp_path / "r" / "gan" / "metrics.jsonl").exists(), seconds=120)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(90) in (130, 120)  # 120: Python could not flush its output
    finally:
        process.kill()
    assert load_tensors(tmp_path / "r" / "gan" / "state.safetensors")[1]["images"] > 0


def test_a_checkpoint_that_does_not_fit_is_named(run, shapes, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "r")
    config = tmp_path / "r" / "gan" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"width": 32}))
    assert train(tmp_path / "r", "gan", shapes, 176, "--resume", "--width", "32") == 2
    assert "does not fit the settings of the stage" in capsys.readouterr().err


def test_a_finished_stage_says_so_and_the_end_says_what_is_next(run, shapes, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "my run")
    assert train(tmp_path / "my run", "gan", shapes, 160, "--resume") == 0
    said = capsys.readouterr().out
    assert "gan: finished before, nothing is left to do; --resume with more --images goes on." in said
    assert f"Next: python -m export bundle '{tmp_path / 'my run'}' BUNDLE" in said


def test_minutes_replace_the_pictures_with_which_a_stage_was_begun(tmp_path):
    stored = VaeSettings(run=tmp_path, images=160)
    store_settings("vae", stored)
    save_tensors(tmp_path / "vae" / "state.safetensors", {}, {})
    now = replace(stored, images=None, minutes=7.0, resume=True)
    found = resolve_resume("vae", now, {"resume", "minutes"})
    assert (found.images, found.minutes) == (None, 7.0)
    assert resolve_resume("vae", replace(now, images=320), {"resume", "minutes", "images"}).images == 320


def test_a_checkpoint_of_another_version_is_not_blamed_on_the_sizes_of_networks(run, shapes, tmp_path, capsys):
    newer = Path(shutil.copytree(run / "vae", tmp_path / "newer" / "vae")).parent
    shutil.copy(run / "run.json", newer)
    tensors, facts = load_tensors(newer / "vae" / "state.safetensors")
    save_tensors(newer / "vae" / "state.safetensors", tensors, facts | {"mood": "good"})
    assert train(newer, "vae", shapes, 192, "--resume") == 2
    assert "was written by another version of Twofold: go on with that one" in capsys.readouterr().err
