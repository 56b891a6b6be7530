"""A bundle made a run folder again: what it computes, and that its GAN goes on being trained; networks of other
presets are in tests/test_systems.py."""

import hashlib
import json
import shlex
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
from export import parity, unpack
from export.__main__ import main
from tests.support.pictures import draw_folder
from tests.support.trained import CLASSES, Exported, export
from train.__main__ import main as train
from train.checkpoints import load_tensors
from train.command_line import parse
from train.data.attributes import asked_columns
from train.run_folder import Run
from train.settings import STAGES as STAGES_OF_RUNS
from train.settings import GanSettings
from train.stages import BUILDS_ON, load_networks

pytestmark = pytest.mark.slow  # its fixtures train and export

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


@pytest.mark.parametrize("names", [["smile"], ["$(rm x)", "it's"], ["hair, short", "smile"]])
def test_the_attributes_that_it_asks_for_are_those_of_the_bundle(names: list[str]):
    asked = unpack.asked_attributes(names)
    assert asked_columns(asked, [*names, "name"])[0] == (names if "," not in names[0] else [*names, "name"])


def test_the_command_for_attributes_can_be_typed_where_a_name_looks_like_a_flag():
    words = shlex.split(unpack.attributes_command(Path("runs/x"), ["--flag", "smile"]))
    assert words[:3] == ["python", "-m", "train"]
    assert parse(words[3:])[0].attributes == "--flag,smile"


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
    gone = {stage} | {name for name, target in BUILDS_ON.items() if target == stage}
    assert {path.name for path in run.iterdir()} == {"run.json", *STAGES} - gone
    shutil.rmtree(run)


def refusal(bundle: Path, **settings: object) -> str:
    """What is said of a GAN whose index holds these settings beside its own."""
    change_index(bundle, lambda index: index["training"]["gan"]["settings"].update(settings))
    with pytest.raises(UserError) as caught:
        unpack.unpacked_stage(read(bundle), "gan", Path("run"), {})
    return str(caught.value)


def test_a_folder_that_is_there_is_left_alone(exported: Exported, trained_run: Path, capsys):
    before = sorted(path.stat().st_mtime_ns for path in trained_run.rglob("*"))
    assert main(["unpack", str(exported.folder), str(trained_run)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert sorted(path.stat().st_mtime_ns for path in trained_run.rglob("*")) == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"foo": 1}, "Unknown settings: foo"),
        ({"threads": 3}, "Unknown settings: threads"),
        ({"run": "elsewhere"}, "Unknown settings: run"),
        ({"width": "wide"}, "width cannot be 'wide'"),
        ({"loss": "none"}, "loss cannot be 'none'"),
        ({"width": 32}, "its graph lacks"),
        ({"width": 1_000_000, "w_dim": 10_000_000_000}, "cannot become a run"),
        ({"latent_dim": -1}, "--latent-dim must be positive"),
        ({"batch": 0}, "--batch must be positive"),
        ({"lr_end_factor": -0.5}, "--lr-end-factor must not be negative"),
        ({"background": "no colour"}, "is no colour"),
    ],
)
def test_a_strangers_settings_are_read_with_care(own: Path, settings: dict[str, object], said: str):
    assert said in (sentence := refusal(own, **settings)) and sentence.startswith(f"The gan of {own} cannot become")


def test_a_bundle_of_an_older_version_without_settings_is_refused(own: Path):
    change_index(own, lambda index: index["training"]["gan"].pop("settings"))
    with pytest.raises(UserError, match=r"its settings are not in the index, .* Export its run folder again"):
        unpack.unpacked_stage(read(own), "gan", Path("run"), {})


def test_settings_of_older_versions_are_understood(own: Path):
    """Under the names that they had, and what had no name yet as it was then."""

    def older(index: dict) -> None:
        settings = index["training"]["gan"]["settings"]
        settings["matching"] = settings.pop("mismatch_weight") + 0.5
        settings.pop("augment")

    change_index(own, older)
    found = unpack.settings_of(read(own), "gan", Path("run"))
    assert isinstance(found, GanSettings)
    assert (found.mismatch_weight, found.augment) == (GanSettings(run=Path("run")).mismatch_weight + 0.5, 0.0)
    assert (found.run, found.data, found.images, found.resume) == (Path("run"), "pictures", 256, False)


def test_what_is_missing_of_a_bundle_is_named(own: Path, tmp_path: Path):
    change_index(own, lambda index: (index["training"].pop("gan"), index["files"].pop("gan_snapshots", None)))
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
    monkeypatch.setattr(unpack.parity, "error_against_pytorch", lambda *_: 0.01)
    assert main(["unpack", str(own), str(tmp_path / "new" / "run")]) == 2
    said = capsys.readouterr().err
    assert "it differs from the graph 'mapping' by 1.0e-02" in said or "differs from the graph 'generator'" in said
    assert not (tmp_path / "new").exists()


def test_a_stage_that_was_not_finished_still_is_not(trained_run: Path, shape_pictures: Path, tmp_path: Path):
    run = shutil.copytree(trained_run, tmp_path / "run", ignore=shutil.ignore_patterns("gan", "inverter", "repair"))
    record = json.loads((run / "classifier" / "record.json").read_text())
    (run / "classifier" / "record.json").write_text(json.dumps(record | {"finished": False}))
    export("bundle", run, tmp_path / "bundle", "--data", shape_pictures, "--unfinished")
    export("unpack", tmp_path / "bundle", tmp_path / "again")
    assert [Run.open(tmp_path / "again").record(stage).finished for stage in ("classifier", "vae")] == [False, True]


def test_the_framing_of_the_pictures_is_kept(own: Path):
    assert unpack.data_of(read(own)).background == "#000000"
    change_index(own, lambda index: index["dataset"].update(fit="pad", background="#ff0000"))
    data = unpack.data_of(read(own))
    assert (data.fit, data.background) == ("pad", "#ff0000")


@pytest.mark.parametrize("name", ["avatars", "mnist", "fashion", "mednist", "cifar10"])
def test_the_released_bundles_hold_the_settings_of_every_stage(name: str):
    bundle = read(Path(__file__).parents[2] / "artifacts" / name)
    for stage in bundle.info.training:
        assert isinstance(unpack.settings_of(bundle, stage, Path("run")), STAGES_OF_RUNS[stage])


def test_what_is_printed_goes_on_with_a_run_of_a_fixed_number_of_pictures(
    exported: Exported, shape_pictures: Path, tmp_path: Path
):
    """Not into a run that was to see so many pictures, has seen them, and so does nothing."""
    export("unpack", exported.folder, tmp_path / "run")
    words = ["gan", str(tmp_path / "run"), "--data", str(shape_pictures), "--resume"]
    assert train([*words, "--minutes", "0.05", "--threads", "1"]) == 0
    assert Run.open(tmp_path / "run").record("gan").images > 256
