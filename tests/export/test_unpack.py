"""A bundle made a run folder again: what it computes, and that its GAN goes on being trained; networks of other
presets are in tests/test_systems.py."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bundle.errors import UserError
from bundle.public_command import public_command
from bundle.read import graph_bytes, read
from export import graphs, parity, unpack
from export.__main__ import main
from export.recipe import settings_of
from tests.support.pictures import draw_folder
from tests.support.trained import CLASSES, Exported, export
from train.__main__ import main as train
from train.checkpoints import load_tensors
from train.run_folder import Run
from train.settings import Settings
from train.stages import load_networks

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
        for name, net in load_networks(before, stage).items():
            again = load_networks(after, stage)[name].state_dict()
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
        was, now = (load_networks(run, stage)[name](*inputs) for run in (before, after))
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


@pytest.mark.slow
def test_exported_again_it_is_the_same_bundle(unpacked: Path, shape_pictures: Path, exported: Exported, tmp_path: Path):
    export("bundle", unpacked, tmp_path / "shapes", "--data", shape_pictures)
    was, now = read(exported.folder), read(tmp_path / "shapes")
    for name in was.info.graphs:
        one, other = (parity.session(graph_bytes(bundle, name)) for bundle in (was, now))
        rows = {i.name: np.full((2, *i.shape[1:]), 0.25, np.float32) for i in one.get_inputs()}
        for a, b in zip(one.run(None, rows), other.run(None, rows), strict=True):
            assert np.allclose(a, b, atol=1e-5), name
    assert np.array_equal(was.golden, now.golden)
    for stage, training in was.info.training.items():
        again = now.info.training[stage]
        assert (again.curve, again.images, again.command) == (training.curve, training.images, training.command)


def test_its_gan_goes_on_being_trained(exported: Exported, shape_pictures: Path, tmp_path: Path, capsys, monkeypatch):
    run, pictures = tmp_path / "shapes", shape_pictures
    export("unpack", exported.folder, run)
    before = load_tensors(run / "gan" / "state.safetensors")[0]
    trained(monkeypatch, "gan", run, pictures, "--resume", "--images", "512")
    record = Run.open(run).record("gan")
    assert record.images == 512
    assert [part.split()[3] for part in public_command(record.command).split(" && ")] == ["gan", "unpack", "gan"]
    after = load_tensors(run / "gan" / "state.safetensors")[0]
    key = "networks/generator.synthesis.to_image.weight"
    moved = (after[key] - before[key]).abs().max()
    assert 0 < moved < 0.1  # from where it was, not anew
    capsys.readouterr()
    assert main(["bundle", str(run), str(tmp_path / "bundle"), "--data", str(pictures)]) == 2
    assert "was made for a gan of 256 pictures" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["vae", "classifier", "inverse"])
def test_a_stage_with_batch_normalisation_is_not_trained_on(unpacked: Path, shape_pictures: Path, capsys, stage: str):
    words = [stage, str(unpacked), "--data", str(shape_pictures), "--resume", "--images", "512"]
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
    argv = [command, str(run), "--data", str(pictures), "--threads", "1", *words]
    argv += [] if "--images" in words else ["--images", "128"]
    monkeypatch.setattr("sys.argv", ["train", *argv])
    assert train(argv) == 0


@pytest.mark.slow
def test_what_only_the_critics_training_needs_is_not_exported_and_begins_anew(tmp_path: Path, monkeypatch):
    run, pictures = tmp_path / "run", draw_folder(tmp_path / "pictures", 200, classes=False)
    trained(monkeypatch, "gan", run, pictures, "--width", "16", "--latent-dim", "8", "--minibatch-stddev")
    export("bundle", run, tmp_path / "bundle")
    assert "minibatch_stddev" not in read(tmp_path / "bundle").info.graphs
    export("unpack", tmp_path / "bundle", tmp_path / "again")
    before, after = (load_networks(Run.open(folder), "gan") for folder in (run, tmp_path / "again"))
    assert before["minibatch_stddev"].head.weight.abs().max() > 0 == after["minibatch_stddev"].head.weight.abs().max()
    trained(monkeypatch, "gan", tmp_path / "again", pictures, "--resume", "--images", "192")
    assert load_networks(Run.open(tmp_path / "again"), "gan")["minibatch_stddev"].head.weight.abs().max() > 0


def test_weights_stored_as_float16_come_back_to_a_grey_level(own: Path, tmp_path: Path):
    export("shrink", own)
    export("unpack", own, tmp_path / "run")
    assert (tmp_path / "run" / "gan" / "state.safetensors").exists()


def change_index(bundle: Path, change: Callable[[dict], object]) -> None:
    index = json.loads((bundle / "bundle.json").read_text())
    change(index)
    (bundle / "bundle.json").write_text(json.dumps(index))


def left_out(bundle: Path, run: Path, stage: str, *words: str) -> None:
    """The command says these words of a stage, and the run is made without it and what builds on it."""
    printed = export("unpack", bundle, run)
    (said,) = [line for line in printed.splitlines() if line.startswith(f"The {stage} of {bundle} cannot become a run")]
    assert all(word in said for word in words), said
    gone = {stage} | {name for name, target in graphs.NEEDS.items() if target == stage}
    assert {path.name for path in run.iterdir()} == {"run.json", *STAGES} - gone
    shutil.rmtree(run)


def refusal(bundle: Path, command: str) -> str:
    """What is said of a GAN that was trained by `command`."""
    change_index(bundle, lambda index: index["training"]["gan"].update(command=command))
    with pytest.raises(UserError) as caught:
        unpack.stage_of(read(bundle), "gan", Path("run"), {})
    return str(caught.value)


def test_a_folder_that_is_there_is_left_alone(exported: Exported, trained_run: Path, capsys):
    before = sorted(path.stat().st_mtime_ns for path in trained_run.rglob("*"))
    assert main(["unpack", str(exported.folder), str(trained_run)]) == 2
    assert "is already there" in capsys.readouterr().err
    assert sorted(path.stat().st_mtime_ns for path in trained_run.rglob("*")) == before


@pytest.mark.parametrize(("command", "said"), [
    ("bash train.sh", "was not trained by Twofold but by: bash train.sh"),
    ("python -m train gan x --foo", "by a command not understood here: python -m train gan x --foo"),
    ("python -m train gan x && echo 'a", "by a command not understood here: echo 'a"),
    ("python -m train vae x", "not understood"),
    ("python -m train gan --help", "not understood"),
    ("python -m train evaluate x", "not understood"),
    ("python -m train", "not understood"),
    ("python -m train gan x --seed " + "9" * 6000, "9…"),
    ("python -m train gan x \x1b[2J", "\\x1b[2J"),
    ("python -m train gan x --width 32", "its graph lacks"),
    ("python -m train gan x --width 1000000 --w-dim 10000000000", "cannot become a run"),
    ("python -m train gan x --latent-dim -1", "--latent-dim must be positive"),
    ("python -m train gan x --batch 0", "--batch must be positive"),
    ("python -m train gan x --gamma nan nan", "--gamma must be a finite number, not nan"),
])  # fmt: skip
def test_a_strangers_command_is_read_with_care(own: Path, command: str, said: str):
    assert said in refusal(own, command)


@pytest.mark.parametrize("flag", ["--tyro-write-completion", "--tyro_write_completion", "--tyro-print-completion"])
def test_flags_of_the_parser_itself_are_not_obeyed(own: Path, tmp_path: Path, flag: str):
    target = tmp_path / "written"
    assert "not understood" in refusal(own, f"python -m train {flag} bash {target}")
    assert "not understood" in refusal(own, f"python -m train gan x {flag} bash {target}")
    assert not target.exists()


def test_what_is_missing_of_a_bundle_is_named(own: Path, tmp_path: Path):
    change_index(own, lambda index: index["training"].pop("gan"))
    left_out(own, tmp_path / "run", "gan", "does not say how it came about")


def test_a_stage_that_lacks_a_graph_is_left_out(own: Path, tmp_path: Path):
    change_index(own, lambda index: index["graphs"].pop("critic"))
    left_out(own, tmp_path / "run", "gan", "the bundle has no critic")


def test_a_form_that_has_lost_too_much_is_left_out(own: Path, tmp_path: Path):
    change_index(own, lambda index: index["graphs"]["critic"].update(precision="int8"))
    left_out(own, tmp_path / "run", "gan", "its critic is stored as int8")


def test_damaged_weights_are_refused_in_a_sentence(own: Path, tmp_path: Path):
    path = own / "critic.onnx"
    model = onnx.load(path)
    weight = next(t for t in model.graph.initializer if t.name == "head.weight")
    weight.raw_data = weight.raw_data[:-3]
    path.write_bytes(model.SerializeToString())
    entry = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    change_index(own, lambda index: index["graphs"]["critic"].update(entry))
    left_out(own, tmp_path / "run", "gan", "its graphs are damaged")


def test_nothing_is_written_when_no_stage_can_come_back(own: Path, tmp_path: Path, monkeypatch, capsys):
    """Not even the folder around the run."""
    monkeypatch.setattr(unpack.parity, "from_pytorch", lambda *_: 0.01)
    assert main(["unpack", str(own), str(tmp_path / "new" / "run")]) == 2
    said = capsys.readouterr().err
    assert "it differs from the graph 'mapping' by 1.0e-02" in said or "differs from the graph 'generator'" in said
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_stage_that_was_not_finished_still_is_not(trained_run: Path, shape_pictures: Path, tmp_path: Path):
    run = shutil.copytree(trained_run, tmp_path / "run", ignore=shutil.ignore_patterns("gan", "inverter", "repair"))
    record = json.loads((run / "classifier" / "record.json").read_text())
    (run / "classifier" / "record.json").write_text(json.dumps(record | {"finished": False}))
    export("bundle", run, tmp_path / "bundle", "--data", shape_pictures, "--unfinished")
    export("unpack", tmp_path / "bundle", tmp_path / "again")
    assert [Run.open(tmp_path / "again").record(stage).finished for stage in ("classifier", "vae")] == [False, True]


def settings(command: str, stage: str = "gan") -> Settings:
    return settings_of(stage, command, Path("c"))


def test_a_history_of_commands_is_read_to_its_end():
    first = "python -m train gan runs/a --data x --width 16 --matching 0.02 --gamma 1 0.1 --threads 1 --track wandb"
    found = settings(
        f"{first} && python -m export unpack a b && python -m train gan b --resume --minutes 50 --matching 0.004"
    )
    assert (found.width, found.gamma, found.mismatch_weight, found.minutes) == (16, (1.0, 0.1), 0.004, 50.0)
    # What only that machine knew is forgotten.
    assert (found.run, found.resume, found.threads, found.track) == (Path("c"), False, None, None)
    assert settings("python -m train gan a --images 500").images is None
    switched = "python -m train gan a --minibatch-deviation"
    assert settings(switched).minibatch_stddev
    off = "python -m train gan a --resume --no-minibatch-deviation"
    assert not settings(f"{switched} && {off}").minibatch_stddev


def test_a_command_for_all_stages_gives_each_its_share():
    command = "python -m train all runs/a --data x --minutes 100 --precision bf16 --fit pad --background red"
    found = settings(command)
    assert (found.minutes, found.precision, found.fit, found.background) == (50.0, "bf16", "pad", "red")
    assert settings(command, "vae").minutes == pytest.approx(27)


def test_the_colour_under_transparent_pictures_is_kept(exported: Exported):
    bundle = read(exported.folder)
    assert unpack.data_of(bundle, settings("python -m train gan a")).background == "#000000"
    assert unpack.data_of(bundle, settings("python -m train gan a --background red")).background == "#ff0000"


@pytest.mark.slow
def test_what_is_printed_goes_on_with_a_run_of_a_fixed_number_of_pictures(
    exported: Exported, shape_pictures: Path, tmp_path: Path
):
    """Not into a run that was to see so many pictures, has seen them, and so does nothing."""
    export("unpack", exported.folder, tmp_path / "run")
    words = ["gan", str(tmp_path / "run"), "--data", str(shape_pictures), "--resume"]
    assert train([*words, "--minutes", "0.05", "--threads", "1"]) == 0
    assert Run.open(tmp_path / "run").record("gan").images > 256
