"""A bundle made a run folder again: what it computes, and that its GAN goes on being trained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from demo.bundle import graph_bytes, read
from export import check, unpack
from export.__main__ import main
from export.graphs import public_command
from tests.export.conftest import CLASSES, Exported, draw, export
from train.__main__ import main as train
from train.errors import UserError
from train.runs import Run, load_tensors

STAGES = ("classifier", "gan", "vae", "inverter", "repair")


@pytest.fixture(scope="module")
def unpacked(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the exported bundle. Read only."""
    folder = tmp_path_factory.mktemp("unpacked") / "runs" / "shapes"
    printed = export("unpack", exported.folder, folder)
    assert f"python -m train gan {folder} --data pictures --resume --minutes 2" in printed
    return folder


def test_every_network_computes_what_it_did(unpacked: Path, trained_run: Path):
    """With batch normalisations folded, to the last digits; the GAN, which has none, exactly."""
    before, after = Run.open(trained_run), Run.open(unpacked)
    for stage in STAGES:
        for name, net in before.networks(stage).items():
            again = after.networks(stage)[name].state_dict()
            if stage == "gan":
                assert all(torch.equal(value, again[key]) for key, value in net.state_dict().items())
    image, mask = torch.rand(3, 1, 16, 16), (torch.rand(3, 1, 16, 16) < 0.5).float()
    for stage, name, inputs in (
        ("vae", "encoder", (image,)),
        ("vae", "decoder", (torch.randn(3, 4),)),
        ("repair", "repair", (image, mask)),
        ("inverter", "inverter", (image, mask)),
        ("classifier", "classifier", (image,)),
    ):
        was, now = (run.networks(stage)[name](*inputs) for run in (before, after))
        for a, b in zip(*((v if isinstance(v, tuple) else (v,)) for v in (was, now)), strict=True):
            assert torch.allclose(a, b, atol=1e-5)


def test_it_says_how_it_was_trained_as_the_bundle_does(unpacked: Path, trained_run: Path, exported: Exported):
    before, after = Run.open(trained_run), Run.open(unpacked)
    for stage in STAGES:
        was, now = before.record(stage), after.record(stage)
        assert (now.images, now.seconds, now.target_images, now.finished) == (
            was.images, was.seconds, was.target_images, True)  # fmt: skip
    assert after.record("vae").command == read(exported.folder).info.training["vae"].command
    assert after.record("gan").command.endswith(f" && python -m export unpack {exported.folder} {unpacked}")
    assert after.data.classes == before.data.classes == CLASSES
    assert after.sigma == pytest.approx(before.sigma)
    latents, again = before.latents(), after.latents()
    assert set(latents) == set(again)
    assert all(np.array_equal(latents[key], again[key]) for key in latents)


def test_exported_again_it_is_the_same_bundle(unpacked: Path, trained_run: Path, exported: Exported, tmp_path: Path):
    pictures = trained_run.parent / "pictures"
    export("bundle", unpacked, tmp_path / "shapes", "--data", pictures)
    was, now = read(exported.folder), read(tmp_path / "shapes")
    for name in was.info.graphs:
        one, other = (check.session(graph_bytes(bundle, name)) for bundle in (was, now))
        rows = {i.name: np.full((2, *i.shape[1:]), 0.25, np.float32) for i in one.get_inputs()}
        for a, b in zip(one.run(None, rows), other.run(None, rows), strict=True):
            assert np.allclose(a, b, atol=1e-5), name
    assert np.array_equal(was.golden, now.golden)
    for stage, training in was.info.training.items():
        again = now.info.training[stage]
        assert (again.curve, again.images, again.command) == (training.curve, training.images, training.command)


def test_its_gan_goes_on_being_trained(exported: Exported, trained_run: Path, tmp_path: Path, capsys):
    run, pictures = tmp_path / "shapes", trained_run.parent / "pictures"
    export("unpack", exported.folder, run)
    before = load_tensors(run / "gan" / "state.safetensors")[0]
    assert train(["gan", str(run), "--data", str(pictures), "--resume", "--images", "512", "--threads", "1"]) == 0
    record = Run.open(run).record("gan")
    assert record.images == 512
    assert [part.split()[3] for part in public_command(record.command).split(" && ")][1:2] == ["unpack"]
    after = load_tensors(run / "gan" / "state.safetensors")[0]
    key = "networks/generator.synthesis.to_image.weight"
    moved = (after[key] - before[key]).abs().max()
    assert 0 < moved < 0.1  # from where it was, not anew
    capsys.readouterr()
    assert main(["bundle", str(run), str(tmp_path / "bundle"), "--data", str(pictures)]) == 2
    assert "was made for a gan of 256 pictures" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["vae", "classifier", "inverse"])
def test_a_stage_with_batch_normalisation_is_not_trained_on(unpacked: Path, trained_run: Path, capsys, stage: str):
    words = [stage, str(unpacked), "--data", str(trained_run.parent / "pictures"), "--resume", "--images", "512"]
    assert train(words) == 2
    said = capsys.readouterr().err
    assert "came out of a bundle" in said
    assert "To train it anew, remove" in said


@pytest.fixture
def own(exported: Exported, tmp_path: Path) -> Path:
    """A copy of the exported bundle, to change."""
    shutil.copytree(exported.folder, tmp_path / "shapes")
    return tmp_path / "shapes"


def trained(monkeypatch: pytest.MonkeyPatch, command: str, run: Path, pictures: Path, *words: str) -> None:
    """A few steps through the real command, which the run records."""
    argv = [command, str(run), "--data", str(pictures), "--images", "128", "--threads", "1", *words]
    monkeypatch.setattr("sys.argv", ["train", *argv])
    assert train(argv) == 0


@pytest.mark.parametrize("preset", ["mlp", "gpu"])
def test_gans_of_other_bodies_come_back(tmp_path: Path, preset: str, monkeypatch):
    run, words = tmp_path / "run", ("--preset", preset, "--batch", "64", "--width", "16", "--latent-dim", "8")
    trained(monkeypatch, "gan", run, draw(tmp_path / "pictures", ()), *words)
    export("bundle", run, tmp_path / "bundle")
    export("unpack", tmp_path / "bundle", tmp_path / "again")
    before, after = (Run.open(folder).networks("gan") for folder in (run, tmp_path / "again"))
    for name, net in before.items():
        again = after[name].state_dict()
        assert all(torch.equal(value, again[key]) for key, value in net.state_dict().items())


def test_a_fully_connected_vae_comes_back_and_goes_on_being_trained(tmp_path: Path, monkeypatch):
    run, pictures = tmp_path / "run", draw(tmp_path / "pictures", ())
    trained(monkeypatch, "vae", run, pictures, "--preset", "mlp", "--width", "16", "--latent-dim", "4")
    export("bundle", run, tmp_path / "bundle")
    export("unpack", tmp_path / "bundle", tmp_path / "again")
    trained(monkeypatch, "vae", tmp_path / "again", pictures, "--resume", "--images", "256")
    assert Run.open(tmp_path / "again").record("vae").images == 256


def test_a_network_whose_weights_lost_their_names_is_refused(tmp_path: Path, monkeypatch, capsys):
    """Group normalisation does that."""
    run, words = tmp_path / "run", ("--preset", "gpu", "--batch", "64", "--width", "16", "--latent-dim", "8")
    trained(monkeypatch, "vae", run, draw(tmp_path / "pictures", ()), *words)
    export("bundle", run, tmp_path / "bundle")
    capsys.readouterr()
    refused(capsys, tmp_path / "bundle", tmp_path / "again", "encoder", "cannot become a run: its graph lacks")


def test_weights_stored_as_float16_come_back_to_a_grey_level(own: Path, tmp_path: Path):
    export("shrink", own)
    export("unpack", own, tmp_path / "run")
    assert (tmp_path / "run" / "gan" / "state.safetensors").exists()


def refused(capsys: pytest.CaptureFixture, bundle: Path, run: Path, *words: str) -> None:
    """The command says these words, and leaves nothing behind."""
    before = sorted(path.name for path in run.parent.iterdir())
    assert main(["unpack", str(bundle), str(run)]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said
    assert sorted(path.name for path in run.parent.iterdir()) == before


def change_index(bundle: Path, change) -> None:
    index = json.loads((bundle / "bundle.json").read_text())
    change(index)
    (bundle / "bundle.json").write_text(json.dumps(index))


def test_a_folder_that_is_there_is_left_alone(exported: Exported, trained_run: Path, capsys):
    refused(capsys, exported.folder, trained_run, "is already there")


def test_a_bundle_that_twofold_did_not_train_is_refused(own: Path, tmp_path: Path, capsys):
    change_index(own, lambda index: index["training"]["gan"].update(command="bash train.sh"))
    refused(capsys, own, tmp_path / "run", "was not trained by Twofold but by: bash train.sh")
    change_index(own, lambda index: index["training"]["gan"].update(command="python -m train gan x --foo 'a"))
    refused(capsys, own, tmp_path / "run", "by a command not understood here")
    change_index(own, lambda index: index["training"]["gan"].update(command="python -m train gan x --foo"))
    refused(capsys, own, tmp_path / "run", "by a command not understood here")
    change_index(own, lambda index: index["training"].pop("gan"))
    refused(capsys, own, tmp_path / "run", "does not say how its gan came about")


def test_settings_that_do_not_fit_the_weights_are_refused(own: Path, tmp_path: Path, capsys):
    change_index(own, lambda index: index["training"]["gan"].update(command="python -m train gan x --width 32"))
    refused(capsys, own, tmp_path / "run", "cannot become a run: its graph lacks")


def test_a_form_that_has_lost_too_much_is_refused(own: Path, tmp_path: Path, capsys):
    change_index(own, lambda index: index["graphs"]["critic"].update(form="int8"))
    refused(capsys, own, tmp_path / "run", "critic", "stored as int8")


def test_a_network_that_differs_from_its_graph_is_refused(exported: Exported, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(unpack.check, "from_pytorch", lambda *_: 0.01)
    with pytest.raises(UserError, match="differs from its graph by 1"):
        unpack.unpack(exported.folder, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_mixed_history_of_commands_is_read_to_its_end(trained_run: Path, exported: Exported):
    training = read(exported.folder).info.training["gan"]
    first = "python -m train gan runs/a --data x --width 16 --matching 0.02 --gamma 1 0.1"
    more = "python -m export unpack a b && python -m train gan runs/b --resume --minutes 50 --matching 0.004"
    settings = unpack.settings_of("gan", training.model_copy(update={"command": f"{first} && {more}"}), Path("c"))
    assert (settings.width, settings.gamma, settings.matching, settings.minutes) == (16, (1.0, 0.1), 0.004, 50.0)
    assert (settings.run, settings.resume) == (Path("c"), False)
    every = "python -m train all runs/a --data x --minutes 100 --precision bf16"
    settings = unpack.settings_of("gan", training.model_copy(update={"command": every}), Path("c"))
    assert (settings.minutes, settings.precision) == (50.0, "bf16")
