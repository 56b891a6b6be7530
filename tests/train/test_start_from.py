"""A GAN or a VAE of other pictures begins with trained weights."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.support.pictures import draw_folder
from tests.support.trained import train
from train import training
from train.__main__ import main
from train.budget import Slot
from train.checkpoints import load_tensors
from train.data.load import Loaded
from train.run_folder import Run
from train.settings import GanSettings
from train.start_from import carried

FEW = ["--images", "32", "--threads", "1", "--precision", "fp32", "--batch", "16"]


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> Path:
    """Pictures of two known classes and a new one."""
    folder = draw_folder(tmp_path_factory.mktemp("others"), 120)
    shutil.move(folder / "disc", folder / "coin")
    return folder


def begin(stage: str, run: Path, data: Path, source: Path, *words: str) -> int:
    return main([stage, str(run), "--data", str(data), "--start-from", str(source), *FEW, *words])


def weights(run: Path, stage: str) -> dict[str, torch.Tensor]:
    tensors, _ = load_tensors(run / stage / "state.safetensors")
    return {key: value for key, value in tensors.items() if key.startswith("networks/")}


def test_a_run_of_other_classes_begins_where_another_ended(trained_run, others, tmp_path, capsys):
    run = tmp_path / "run"
    train("gan", run, "--data", others, f"--start-from={trained_run}", *FEW, "--lr", "0")
    said = capsys.readouterr().out
    assert "begins with the weights of shapes (256 pictures); its classes bar, square; new are coin" in said
    old, new = weights(trained_run, "gan"), weights(run, "gan")
    assert Run.open(run).settings("gan").width == 16  # as large as the other
    same = [key for key in old if old[key].shape == new[key].shape and torch.equal(old[key], new[key])]
    assert len(same) >= len(old) - 2  # all but the embeddings of the class
    key = "networks/generator.mapping.embed.weight"  # [embedding, class]; bar, disc, square -> bar, coin, square
    assert torch.equal(new[key][:, [0, 2]], old[key][:, [0, 2]])
    assert torch.allclose(new[key][:, 1], old[key].mean(dim=1))
    words = f"python -m train gan {run} --data {others.name} --start-from={trained_run.name} {' '.join(FEW)} --lr 0"
    assert Run.open(run).record("gan").command == words


def test_a_set_without_classes_begins_with_one_that_has_them(trained_run, tmp_path, capsys):
    plain = draw_folder(tmp_path / "plain", 120, classes=False)
    assert begin("gan", tmp_path / "run", plain, trained_run) == 0
    assert begin("vae", tmp_path / "run", plain, trained_run) == 0
    assert "vae: begins with the weights of shapes" in capsys.readouterr().out
    assert main(["gan", str(tmp_path / "run"), "--resume", "--images", "48"]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--size", "32"], "its networks draw pictures of 16 px in grey, and these have 32 px in grey"),
        (["--width", "32"], "--width 32 does not fit the gan of --start-from, which has 16: leave it out"),
        (
            ["--preset", "mlp"],
            "--preset mlp, with body mlp, does not fit the gan of --start-from, which has conv: leave it out",
        ),
    ],
)
def test_what_does_not_fit_is_a_sentence(trained_run, others, tmp_path, capsys, words, sentence):
    assert begin("gan", tmp_path / "run", others, trained_run, *words) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_is_not_there_is_a_sentence(trained_run, others, tmp_path, capsys):
    assert begin("gan", tmp_path / "run", others, tmp_path / "nowhere") == 2
    assert "is no folder: name a run folder or a bundle" in capsys.readouterr().err
    assert begin("gan", tmp_path / "run", others, others) == 2
    assert "is not a run folder" in capsys.readouterr().err
    assert main(["gan", str(tmp_path / "none"), "--start-from", str(trained_run), "--resume"]) == 2
    assert "no checkpoint to resume" in capsys.readouterr().err


def test_one_of_several_processes_says_what_was_carried_over(trained_run, tmp_path, monkeypatch, capsys):
    settings = GanSettings(trained_run, start_from=tmp_path)
    monkeypatch.setattr(training, "build_stage", lambda *given: SimpleNamespace(networks=torch.nn.Linear(1, 1)))
    monkeypatch.setattr(training, "carry_over", lambda *given: "carried over")
    monkeypatch.setattr(training, "train", lambda *given: True)
    data, start = Loaded(Run.open(trained_run).data, None, None), Run.open(trained_run)
    for is_first in (True, False):
        monkeypatch.setattr(training, "PartialState", lambda first=is_first: SimpleNamespace(is_main_process=first))
        training.train_stage("gan", settings, data, Slot(), start)
    assert capsys.readouterr().out.count("carried over") == 1


@pytest.mark.slow
@pytest.mark.long
def test_a_bundle_is_a_beginning_too(exported, others, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(exported.folder)
    assert begin("gan", tmp_path / "run", others, Path()) == 0  # --start-from .
    assert "begins with the weights of shapes" in capsys.readouterr().out
    assert f"--start-from {exported.folder.name}" in Run.open(tmp_path / "run").record("gan").command
    assert begin("vae", tmp_path / "run", others, exported.folder) == 2
    assert "batch normalisation is folded into weights" in capsys.readouterr().err


def test_classes_come_last_and_go_by_their_names():
    source, target = torch.arange(10.0).view(2, 5), torch.zeros(2, 4)
    found = carried(source, target, 1, ("a", "b", "c"), ("c", "d"))
    assert found[0].tolist() == [0, 1, 4, 3]  # two others, then c, then the mean of a, b and c
    assert carried(torch.ones(2, 3), torch.zeros(2, 5), None, (), ()).sum() == 6
