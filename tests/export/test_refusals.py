"""What must not be exported is refused in one sentence, and an existing bundle survives it."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import safetensors.torch

from bundle.read import read
from export import parity
from export.__main__ import main
from export.run_contents import collect
from tests.support.pictures import draw_folder
from tests.support.trained import Exported
from train.command_line import parse
from train.run_folder import Run


@pytest.fixture
def run(trained_run: Path, tmp_path: Path) -> Path:
    """An own copy of the trained run, to be damaged."""
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


@pytest.fixture
def target(exported: Exported, tmp_path: Path) -> Path:
    """An own copy of the bundle."""
    return Path(shutil.copytree(exported.folder, tmp_path / "artifacts" / "shapes"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    """The one sentence with which the command ends."""
    assert main([str(word) for word in argv]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def change_record(run: Path, stage: str, **change: object) -> None:
    path = run / stage / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def test_no_run(tmp_path: Path, capsys):
    assert "is not a run folder" in refused(capsys, "bundle", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_trained(run: Path, target: Path, capsys):
    for stage in ("gan", "vae"):
        shutil.rmtree(run / stage)
    assert "neither a trained gan nor a trained vae" in refused(capsys, "bundle", run, target)


def test_a_stage_whose_model_is_missing_is_not_called_missing(run: Path, capsys):
    shutil.rmtree(run / "gan")
    assert "inverter" not in collect(Run.open(run), unfinished=False)
    said = capsys.readouterr().out
    assert "The inverter of" in said and "needs its gan" in said and "has no inverter" not in said
    assert f"{run} has no gan" in said


def test_still_the_initialisation(run: Path, target: Path, capsys):
    change_record(run, "vae", images=0)
    for more in ([], ["--unfinished"]):
        assert "Stage 'vae' of" in (sentence := refused(capsys, "bundle", run, target, *more))
        assert "still random" in sentence


def test_unfinished(run: Path, target: Path, capsys):
    before = contents(target)
    change_record(run, "inverter", finished=False)
    sentence = refused(capsys, "bundle", run, target)
    assert "Stage 'inverter' of" in sentence and "256 pictures so far" in sentence and "--unfinished" in sentence
    assert "--unfinished" in refused(capsys, "graph", run, "inverter", run / "inverter.onnx")
    assert contents(target) == before and not (run / "inverter.onnx").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "target_stage"), [("inverter", "gan"), ("repair", "vae")])
def test_made_for_an_earlier_network(run: Path, target: Path, capsys, stage: str, target_stage: str):
    """Its GAN or VAE has been resumed since: it looks for what that no longer draws."""
    seen = json.loads((run / target_stage / "record.json").read_text())["images"]
    assert json.loads((run / stage / "record.json").read_text())["target_images"] == seen
    change_record(run, target_stage, images=seen + 64)
    for words in (("bundle", run, target), ("graph", run, stage, run / "out.onnx")):
        sentence = refused(capsys, *words)
        assert f"The {stage} of" in sentence and f"of {seen} pictures, which has seen {seen + 64} by now" in sentence
        (words,) = re.findall(r"go on with python -m train (.*?) and more --minutes", sentence)
        asked = parse([*shlex.split(words), "--minutes", "9"])[0]  # it can be typed as it stands
        assert (asked.run, asked.target, asked.resume) == (run, target_stage, True)
    assert main(["graph", str(run), stage, str(run / "out.onnx"), "--unfinished"]) == 0
    change_record(run, stage, target_images=None)  # made before this was noted down
    assert main(["graph", str(run), stage, str(run / "out.onnx")]) == 0


def test_begun_without_a_checkpoint(run: Path, target: Path, capsys):
    (run / "repair" / "record.json").unlink()
    assert "no checkpoint yet" in refused(capsys, "bundle", run, target)
    assert "has no trained repair" in refused(capsys, "graph", run, "repair", run / "repair.onnx")


def test_weights_that_are_not_numbers(run: Path, target: Path, capsys):
    before = contents(target)
    path = run / "gan" / "state.safetensors"
    tensors = safetensors.torch.load_file(path)
    key = next(k for k in tensors if k.startswith("averages/critic."))
    tensors[key].view(-1)[0] = float("nan")
    safetensors.torch.save_file(tensors, path)
    assert "The weights of the critic" in refused(capsys, "bundle", run, target)
    assert contents(target) == before and read(target)


def test_finite_weights_whose_pictures_are_not(run: Path, capsys):
    path = run / "vae" / "state.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["averages/encoder.head.weight"][:] = 3e38
    safetensors.torch.save_file(tensors, path)
    sentence = refused(capsys, "graph", run, "encoder", run / "encoder.onnx")
    assert "'mean' of the network 'encoder' holds values that are not finite" in sentence
    assert not (run / "encoder.onnx").exists()


def test_weights_that_do_not_fit(run: Path, target: Path, capsys):
    """E.g. a VAE trained anew with other sizes, beside the old repair."""
    path = run / "vae" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"latent_dim": 5}))
    assert "do not fit" in refused(capsys, "graph", run, "repair", run / "repair.onnx")


@pytest.mark.slow
def test_a_late_failure_leaves_everything_as_it_was(run: Path, target: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    before = contents(target)
    monkeypatch.setattr(parity, "BOUND", 0.0)
    assert "'generator' differs from PyTorch" in refused(capsys, "bundle", run, target)
    assert contents(target) == before and [p.name for p in target.parent.iterdir()] == ["shapes"]


def test_other_pictures(run: Path, target: Path, tmp_path: Path, capsys):
    pictures = draw_folder(tmp_path / "others", 200, classes=False)
    assert "lacks 200 of the 400 pictures that" in refused(capsys, "bundle", run, target, "--data", pictures)
    assert "with --data" in refused(capsys, "bundle", run, target, "--data", tmp_path / "nowhere")


def test_a_folder_with_something_else(run: Path, tmp_path: Path, capsys):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("mine")
    assert "holds files but no bundle.json" in refused(capsys, "bundle", run, folder)
    assert "is a file" in refused(capsys, "bundle", run, folder / "chapter.txt")
    assert "is a folder" in refused(capsys, "graph", run, "critic", folder)
    (folder / "bundle.json").write_text("{}")
    assert "bundle.json of 'thesis' is wrong" in refused(capsys, "bundle", run, folder)
    assert (folder / "chapter.txt").read_text() == "mine"


def test_a_name_that_is_none(run: Path, tmp_path: Path, capsys):
    assert "cannot be a bundle's name" in refused(capsys, "bundle", run, tmp_path / "x", "--name", "My Pictures")
