"""Attributes from the pictures to the bundle: a regressor that resumes bit for bit, directions that were measured."""

import json
import shutil
from pathlib import Path

import pytest

from bundle.exit_codes import INTERRUPTED
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from export.__main__ import main as export
from export.run_contents import collect
from tests.support.small_runs import SMALL, at_step, interrupt
from train.__main__ import main as train
from train.checkpoints import load_tensors
from train.run_folder import Run

pytestmark = pytest.mark.slow

DATA = ["--data", "shapes", "--size", "16", *SMALL]


def regressor(run: Path, *more: str, images: int = 320, ends: int = 0) -> None:
    words = ["attributes", str(run), *DATA, "--attributes", "size,x", "--images", str(images), *more]
    assert train(words) == ends


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regressor of two factors of `shapes`, and a VAE that hardly learned."""
    folder = tmp_path_factory.mktemp("runs") / "shapes"
    regressor(folder, images=4000)
    vae = ["--width", "16", "--latent-dim", "4", "--components", "2", "--images", "4000"]
    assert train(["vae", str(folder), *DATA, *vae]) == 0
    return folder


def test_the_regressor_resumes_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    regressor(tmp_path / "whole")
    with monkeypatch.context() as stopping:
        at_step(stopping, 5, interrupt)
        regressor(tmp_path / "halves", ends=INTERRUPTED)
    regressor(tmp_path / "halves", "--resume")
    states = [tmp_path / name / "attributes" / "state.safetensors" for name in ("whole", "halves")]
    whole, halves = (load_tensors(state)[0] for state in states)
    assert whole.keys() == halves.keys() and all((whole[key] == halves[key]).all() for key in whole)


def test_attributes_that_are_not_finished_stay_behind_and_it_is_said_how_to_go_on(run: Path, tmp_path: Path, capsys):
    own = Path(shutil.copytree(run, tmp_path / "a run"))
    path = own / "attributes" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"finished": False}))
    assert "attributes" not in collect(Run.open(own), unfinished=True)
    said = capsys.readouterr().out
    assert "only finished ones can go in" in said and f"python -m train attributes '{own}' --resume" in said


@pytest.mark.parametrize("unfinished", [False, True])
def test_attributes_that_were_stopped_before_their_first_checkpoint_stay_behind(
    run: Path, tmp_path: Path, capsys, unfinished: bool
):
    own = Path(shutil.copytree(run, tmp_path / "run"))
    settings = (own / "attributes" / "config.json").read_bytes()
    shutil.rmtree(own / "attributes")
    (own / "attributes").mkdir()
    (own / "attributes" / "config.json").write_bytes(settings)
    assert list(collect(Run.open(own), unfinished)) == ["vae"]
    assert "Stage 'attributes' of" in (said := capsys.readouterr().out) and "no checkpoint yet" in said


def test_a_bundle_has_the_attributes_of_its_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert export(["bundle", str(run), str(tmp_path / "shapes")]) == 0
    bundle = read(tmp_path / "shapes")
    assert [attribute.name for attribute in bundle.info.attributes] == ["size", "x"]
    assert all(attribute.vae is not None and attribute.gan is None for attribute in bundle.info.attributes)
    model = BundleModel(BundleRunner(bundle))
    still, moved = (model.sample([1], model="vae", attributes={"x": move}) for move in (0.0, 2.0))
    assert (still != moved).any() and model.read_attributes(still).shape == (1, 2)
    assert "size" in (tmp_path / "shapes" / "README.md").read_text()
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "shapes", again)
    assert export(["attribute-directions", str(again)]) == 0
    assert [one.vae for one in read(again).info.attributes] == [one.vae for one in bundle.info.attributes]
    assert export(["unpack", str(again), str(tmp_path / "the run")]) == 0
    said = capsys.readouterr().out
    assert f"train them again with python -m train attributes '{tmp_path / 'the run'}' --attributes=size,x" in said
