"""The script of the released bundles: commands that their programs accept, time shared out, nothing done twice."""

import io
import json
import os
import tarfile
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest
import tyro

from benchmarks import dcgan
from bundle.errors import UserError
from bundle.read import read
from bundle.sessions import CUDA, choose_provider
from export import release, release_parts, release_recipes, unpack
from export.settings import Command as ExportCommand
from train.checkpoints import load_tensors
from train.command_line import parse
from train.settings import AttributesSettings, GanSettings, VaeSettings

ARTIFACTS = Path(release.__file__).parents[1] / "artifacts"
RELEASED = [name for name in release.RECIPES if (ARTIFACTS / name / "bundle.json").is_file()]
# What says where pictures are and how they are read (their size is the bundle's), what a machine can do, and how a run
# was called and steered.
MAY_DIFFER = {
    "run",
    "data",
    "size",
    "preset",
    "background",
    "attributes",
    "precision",
    "threads",
    "start_from",
    "gap_pictures",
}


@pytest.fixture
def settings(tmp_path: Path) -> release.Settings:
    for recipe in release.RECIPES.values():
        (tmp_path / "data" / recipe.folder).mkdir(parents=True)
    return release.Settings(tmp_path / "data", runs=tmp_path / "runs", out=tmp_path / "artifacts", threads=1)


def parsed(words: list[str]):
    """The settings that a command means to its program."""
    if words[0] == "train":
        return parse(words[1:])[0]
    kinds = {"benchmarks.dcgan": dcgan.ControlSettings, "export": ExportCommand}
    return tyro.cli(kinds[words[0]], args=words[1:])


def trained(folder: Path, minutes: float, finished: bool = True, given: float = 0.0) -> None:
    """`given`: minutes that the command allowed, where the record says so."""
    folder.mkdir(parents=True)
    (folder / "state.safetensors").touch()
    record = {"seconds": 60 * minutes, "finished": finished, "config": {"minutes": given}}
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize("name", release.RECIPES)
def test_every_command_is_understood(settings, name):
    recipe = release.RECIPES[name]
    found = [parsed(words) for words in release.commands(settings, name, recipe.minutes)]
    assert len(found) == len(recipe.minutes) + 2
    for one, (stage, minutes) in zip(found, recipe.minutes.items(), strict=False):
        size = recipe.grown_from if stage == "small" else recipe.size
        assert one.minutes == minutes and one.size == size and one.threads == 1 and not one.resume
        assert Path(one.data).is_dir()
    *smaller, gan = [one for one in found if isinstance(one, GanSettings)]
    assert gan.run == settings.runs / name
    assert gan.start_from == (smaller[0].run if recipe.grown_from else None)
    *_, exported, measured = found
    assert exported.precision == "fp16-stored"
    assert exported.target == measured.subject == measured.store == settings.out / name
    assert measured.control == settings.runs / f"{name}-control"


def test_the_preset_holds_for_every_stage_but_the_control(settings):
    on_gpu = release.Settings(settings.data_root, preset="gpu", runs=settings.runs)
    for stage in release.FOLDERS:
        words = release.stage_command(on_gpu, "avatars", stage, 1)
        assert ("--preset" in words) == (stage != "control") and words.count("--preset") < 2


@pytest.mark.parametrize("name", RELEASED)
def test_a_recipe_says_how_its_released_bundle_was_trained(settings, name):
    """Stages, sizes, losses, networks and minutes, by the index. Where pictures are, and what its machine could do,
    may differ."""
    bundle, recipe = read(ARTIFACTS / name), release.RECIPES[name]
    assert (bundle.info.image.width, bundle.info.image.height) == (recipe.size, recipe.size)
    assert set(bundle.info.training) == set(recipe.minutes) - set(release.OWN_RUNS)
    assert tuple(one.name for one in bundle.info.attributes) == recipe.attributes
    for stage in bundle.info.training:
        stored = unpack.settings_of(bundle, stage, settings.runs / name)
        ours = parsed(release.stage_command(settings, name, stage, recipe.minutes[stage]))
        assert type(ours) is type(stored)
        same = {field.name for field in fields(ours)} - MAY_DIFFER
        assert {key: getattr(ours, key) for key in same} == {key: getattr(stored, key) for key in same}, stage


def test_the_attributes_of_a_recipe_are_asked_for_and_their_stage_follows_the_models(settings):
    found = [parsed(words) for words in release.commands(settings, "avatars", release.RECIPES["avatars"].minutes)]
    (attributes,) = [one for one in found if isinstance(one, AttributesSettings)]
    assert attributes.run == settings.runs / "avatars" and attributes.minutes == 9
    assert (attributes.attributes or "").split(",") == list(release.RECIPES["avatars"].attributes)
    assert not [words for words in release.commands(settings, "mnist", release.RECIPES["mnist"].minutes)
                if words[:2] == ["train", "attributes"] or "--attributes" in words]  # fmt: skip


def test_a_gpu_takes_the_sizes_of_its_own(settings):
    on_gpu = replace(settings, preset="gpu")
    for of, sizes in ((settings, (32, 64, 64)), (on_gpu, (64, 128, 128))):
        found = [parsed(release.stage_command(of, "avatars", stage, 1)) for stage in ("small", "gan", "vae")]
        assert tuple(one.size for one in found) == sizes
    assert parsed(release.stage_command(on_gpu, "mnist", "gan", 1)).size == 32


@pytest.mark.parametrize("name", release.RECIPES)
def test_on_a_gpu_sizes_are_those_of_its_preset(settings, name):
    on_gpu, recipe = replace(settings, preset="gpu"), release.RECIPES[name]
    for stage in recipe.minutes:
        words = release.stage_command(on_gpu, name, stage, 1)
        assert not {"--hidden", "--batch", "--width", "--lr"} & set(words)
        assert set(recipe.flags.get(stage, ())) <= set(words)
    gan = parsed(release.stage_command(on_gpu, name, "gan", 1))
    assert gan.batch == 256 and gan.width == 512


def test_single_data_sets_are_named(settings):
    named = release.Settings(data=("mnist=my/digits.zip", "emoji=emoji=faces"))
    assert release.source(named, "mnist") == "my/digits.zip" and release.source(named, "emoji") == "emoji=faces"
    assert release.source(named, "fashion") == "zalando-datasets/fashion_mnist"


def test_what_is_finished_is_left_alone_and_what_was_begun_goes_on(settings):
    trained(settings.runs / "emoji" / "gan", 60)
    trained(settings.runs / "emoji" / "inverter", 11, given=15)  # measuring its end took less than was kept for it
    trained(settings.runs / "emoji" / "vae", 10, finished=False)
    trained(settings.runs / "emoji-control" / "dcgan", 30)  # the budget was smaller then
    left = list(release.commands(settings, "emoji", release.RECIPES["emoji"].minutes))
    assert [words[1] for words in left if words[0] == "train"] == ["vae", "inverse", "evaluate"]
    vae = parsed(left[0])
    assert isinstance(vae, VaeSettings) and vae.resume and vae.minutes == 25
    assert not {"--size", "--precision"} & set(left[0])  # taken from the run
    (control,) = [parsed(words) for words in left if words[0] == "benchmarks.dcgan"]
    assert control.resume and control.minutes == 60


def test_time_goes_where_the_pictures_are_slow():
    names = ("mnist", "cifar10", "emoji")
    speeds = {"mnist": 1000.0, "cifar10": 1000.0, "emoji": 250.0}
    found = release.budgets(names, speeds, 30)
    assert sum(sum(own.values()) for own in found.values()) == pytest.approx(30)
    totals = {name: sum(own.values()) for name, own in found.items()}
    assert totals["cifar10"] == pytest.approx(2 * totals["mnist"])  # twice the pictures
    assert totals["emoji"] == pytest.approx(2 * totals["mnist"])  # half of them at a quarter of the speed
    assert all(own["control"] == own["gan"] for own in found.values())
    assert "classifier" not in found["emoji"]


def test_mistakes_are_sentences(settings, capsys):
    with pytest.raises(UserError, match="no data set on the Hub"):
        release.source(release.Settings(), "emoji")
    with pytest.raises(UserError, match="not there"):
        release.source(release.Settings(settings.runs), "mnist")
    assert release.main(["--only", "cats"]) == 2
    assert "--only cats is unknown; there are avatars, mnist, fashion" in capsys.readouterr().err


def test_a_failed_command_stops_it_and_says_where(tmp_path):
    with pytest.raises(UserError, match=r"no_such_module.*ended with 1; see .*log"):
        release.call(["no_such_module"], tmp_path / "log")
    assert "No module named no_such_module" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_ctrl_c_nothing_else_is_begun(settings, monkeypatch, jobs):
    called = []

    def stop(words: list[str], log: Path | None) -> None:
        called.append(words)
        if "emoji" in words[2]:
            raise KeyboardInterrupt
        time.sleep(0.5)

    monkeypatch.setattr(release, "call", stop)
    with pytest.raises(KeyboardInterrupt):
        release.release(replace(settings, only=("emoji", "mnist", "cifar10"), jobs=jobs))
    assert len(called) <= jobs  # the command that ran beside it, and no other


@pytest.mark.parametrize("jobs", [1, 2])
def test_when_one_fails_the_others_go_on_and_it_is_said(settings, monkeypatch, capsys, jobs):
    called = []

    def fail(words: list[str], log: Path | None) -> None:
        called.append(words)
        if words[1:3] == ["gan", str(settings.runs / "emoji")]:
            raise UserError("no more memory")

    monkeypatch.setattr(release, "call", fail)
    monkeypatch.setattr(release, "measured", lambda bundle: True)
    with pytest.raises(UserError, match=r"the same command goes on from here\.\nemoji: no more memory"):
        release.release(replace(settings, only=("emoji", "mnist"), jobs=jobs))
    assert "emoji: no more memory" in capsys.readouterr().err
    of_mnist = [words for words in called if str(settings.runs / "mnist") in words]
    assert len([words for words in of_mnist if words[0] == "train"]) == 5
    assert not [words for words in called if words[0] == "export" and "emoji" in words[2]]
    assert called[-1] == ["benchmarks.released", str(settings.out), "--only", "mnist"]


def test_a_bundle_whose_speed_cannot_be_measured_is_left_out(settings, monkeypatch):
    def probe(settings: release.Settings, name: str) -> float:
        if name == "emoji":
            raise UserError("no pictures")
        return 100.0

    monkeypatch.setattr(release, "probe", probe)
    failures = release.Failures()
    both = replace(settings, only=("mnist", "emoji"), total_minutes=10.0)
    plan = release.minutes_by_bundle(both, failures)
    assert list(plan) == ["mnist"] and failures.found == {"emoji": ["no pictures"]}
    # Half a minute or more is kept for the export and the figures.
    assert sum(plan["mnist"].values()) == pytest.approx(10 - release.FINISHING_MINUTES, abs=0.01)
    assert not (settings.runs / "plan.json").exists()  # a repeat tries again


def test_the_plan_is_made_once(settings, monkeypatch):
    speeds = iter([100.0, 200.0])
    monkeypatch.setattr(release, "probe", lambda settings, name: next(speeds))
    both = replace(settings, only=("mnist", "emoji"), total_minutes=10.0)
    first = release.minutes_by_bundle(both, release.Failures())
    assert release.minutes_by_bundle(both, release.Failures()) == first
    for other in ({"total_minutes": 20.0}, {"jobs": 4}, {"threads": 3}):
        with pytest.raises(StopIteration):  # is another plan
            release.minutes_by_bundle(replace(both, **other), release.Failures())


def test_what_is_measured_is_not_measured_again(settings):
    for stage, minutes in release.RECIPES["emoji"].minutes.items():
        run = settings.runs / ("emoji-control" if stage == "control" else "emoji")
        trained(run / release.FOLDERS[stage], minutes)
    bundle = settings.out / "emoji"
    bundle.mkdir(parents=True)
    share = release.RECIPES["emoji"].minutes
    for quality_, left in ((None, 2), ({"figures": []}, 0)):
        (bundle / "bundle.json").write_text(json.dumps({"quality": quality_}))
        assert len(list(release.commands(settings, "emoji", share))) == left


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"jobs": 0}, "--jobs must be positive"),
        ({"total_minutes": 0.0}, "--total-minutes must be positive"),
        ({"only": ("mnist", "mnist")}, "twice"),
        ({"data": ("mnist",)}, "--data takes NAME=PLACE, not 'mnist'"),
        ({"data": ("cats=here",)}, "--data takes NAME=PLACE, not 'cats=here'; the names: avatars, mnist"),
        ({"timing_rounds": -1}, "--timing-rounds must be at least 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(settings, wrong, sentence):
    with pytest.raises(UserError, match=sentence):
        release.check(replace(settings, **wrong))


# ------------------------------------------------------------------------------------------ all of it, in seconds


def test_parts_hold_what_a_run_knows_of_its_pictures_and_not_the_pictures(tmp_path: Path):
    run = tmp_path / "runs" / "mnist"
    kept = ("pictures.safetensors", "gan/pictures/record.json")
    for name in (*kept, "pictures/pack.json", "pictures/train.bin"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(b"1")
    (tmp_path / "artifacts" / "mnist").mkdir(parents=True)
    (tmp_path / "artifacts" / "mnist" / "bundle.json").touch()
    release_parts.write_parts("mnist", [tmp_path / "artifacts" / "mnist", run], tmp_path / "parts")
    found = files_of(tmp_path / "parts", tmp_path / "restored")
    names = {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()}
    assert names == {"artifacts/mnist/bundle.json", *(f"runs/mnist/{name}" for name in kept)}


def files_of(parts: Path, place: Path) -> Path:
    """What the parts hold, unpacked."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(path.read_bytes() for path in sorted(parts.glob("*.tar.*"))))) as tar:
        tar.extractall(place, filter="data")
    return place


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("TWOFOLD_RELEASE"), reason="takes minutes: TWOFOLD_RELEASE=1 runs it")
def test_a_release_for_a_gpu_from_the_pictures_to_the_parts(tmp_path, shape_pictures, monkeypatch, capfd):
    """As on a lent card, with seconds for minutes and narrow networks; one of two data sets is not there."""
    tiny = {
        "classifier": ("--batch", "32"),
        "gan": ("--width", "16", "--latent-dim", "8", "--w-dim", "8", "--batch", "16"),
        "vae": ("--width", "16", "--latent-dim", "4", "--batch", "16"),
        "inverter": ("--width", "16", "--hidden", "16", "--batch", "16"),
    }
    minutes = dict.fromkeys(tiny, 1.0)
    small = release_recipes.Recipe(None, "shapes", 16, minutes, 1000, tiny)
    monkeypatch.setattr(release, "RECIPES", {"shapes": small, "absent": replace(small, folder="absent")})
    monkeypatch.setattr(release, "PROBE_MINUTES", 0.02)
    monkeypatch.setattr(release_parts, "PART_BYTES", 200_000)
    monkeypatch.chdir(Path(release.__file__).parents[1])
    out, runs, parts = (tmp_path / name for name in ("artifacts", "runs", "parts"))
    places = ("--data", f"shapes={shape_pictures}", f"absent={tmp_path / 'nothing'}")
    argv = ["--only", "shapes", "absent", *places, "--preset", "gpu", "--total-minutes", "0.4", "--threads", "1"]
    argv += ["--runs", str(runs), "--out", str(out), "--parts", str(parts), "--timing-rounds", "1", "--no-compile"]
    monkeypatch.setattr(release, "call", kept := Calls(release.call))
    assert release.main(argv) == 2
    said = capfd.readouterr()
    assert "absent: " in said.err and "the same command goes on from here" in said.err
    assert release.measured(out / "shapes"), said.err
    assert ["benchmarks.serve" in words for words in kept.words].count(True) == 1
    assert "onnxruntime CUDA" in said.out or choose_provider("auto").name == CUDA  # the missing GPU is named
    assert "x the best that draws the same picture" in said.out
    found = files_of(parts, tmp_path / "restored")
    assert (found / "artifacts" / "shapes" / "bundle.json").is_file()
    assert (found / "runs" / "shapes" / "serve.json").is_file()
    assert all(path.stat().st_size <= 200_000 for path in parts.iterdir()) and len(list(parts.iterdir())) > 1
    tensors, _ = load_tensors(found / "runs" / "shapes" / "gan" / "state.safetensors")
    assert tensors and not any(key.startswith("optimizers/") for key in tensors)
    done = len(kept.words)
    assert release.main([*argv, "--timing-rounds", "0"]) == 2  # again: what is finished is not done twice
    assert not [words for words in kept.words[done:] if words[0] == "train" and words[2] == str(runs / "shapes")]


class Calls:
    """`release.call`, which notes the words."""

    def __init__(self, call):
        self.call, self.words = call, []

    def __call__(self, words: list[str], log: Path | None) -> None:
        self.words.append(words)
        if words[0] != "benchmarks.released":  # it knows the released bundles alone
            self.call(words, log)
