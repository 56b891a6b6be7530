"""The stored figures are those that were printed, the control's among them; what only the data shows is kept."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import dcgan, quality
from bundle.figures import HEADLINES, headlines
from bundle.read import read
from export import assemble
from tests.support.pictures import draw_folder
from train.__main__ import main as train
from train.run_folder import Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_leak")]
QUICK = ["--images", "256", "--batch", "32", "--threads", "1"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("pictures"), 400)


@pytest.fixture(scope="module")
def released(tmp_path_factory, pictures) -> Path:
    """A hardly trained bundle of 32 x 32 pictures, and the run of a control beside it."""
    root = tmp_path_factory.mktemp("released")
    run, size = str(root / "runs" / "own"), ["--data", str(pictures), "--size", "32"]
    for stage in ("classifier", "gan", "vae", "inverse"):
        width = [] if stage == "classifier" else ["--width", "16"]
        assert train([stage, run, *size, *QUICK, *width]) == 0
    assemble.write(Run.open(Path(run)), root / "artifacts" / "own", "own", str(pictures))
    assert dcgan.main([str(root / "runs" / "control"), *size, *QUICK]) == 0
    return root


def test_everything_is_stored_as_it_was_measured(released, pictures, monkeypatch):
    folder = released / "artifacts" / "own"
    reports, measure = [], quality.evaluate

    def evaluate(*arguments):
        found = measure(*arguments)
        reports.append(found[0])
        return found

    monkeypatch.setattr(quality, "evaluate", evaluate)
    words = [str(folder), "--data", str(pictures), "--control", str(released / "runs" / "control"), "--write"]
    assert quality.main([*words, "--threads", "1"]) == 0
    stored = read(folder).info.quality
    assert stored.samples == 40 and stored.features.startswith("classifier of own")
    assert "python -m benchmarks.quality artifacts/own" in stored.command
    assert str(released) not in stored.model_dump_json()
    (report,), card = reports, (folder / "README.md").read_text()
    for kept, figure in zip(stored.figures, report.figures, strict=True):
        assert [kept.value, kept.floor or 0.0] == pytest.approx([figure.value, figure.floor or 0.0], rel=1e-4)
        assert (kept.name, kept.label, kept.floor_is) == (figure.name, figure.label, figure.floor_is)
        assert figure.label in card
    assert any("plain DCGAN: 256 pictures" in note for note in stored.notes)
    names = [figure.name for figure in headlines(stored)]
    assert names == list(HEADLINES)
    found = {figure.name: figure for figure in stored.figures}
    assert found["control.frechet"].floor == found["gan.frechet"].floor
    assert "gan.leak_translation" in found  # a small set
    sheet = Image.open(released / "artifacts" / "report" / "own_closest.png")
    assert sheet.size == (16 * 32, 4 * 32)


def test_a_control_is_taken_over_from_a_bundle_that_the_same_eyes_saw(released, pictures, tmp_path, capsys):
    """As after more training of the GAN; other eyes are noticed by their floors."""
    earlier, later = tmp_path / "artifacts" / "own", tmp_path / "later" / "own"
    for folder in (earlier, later):
        shutil.copytree(released / "artifacts" / "own", folder)
        index = json.loads((folder / "bundle.json").read_text())
        (folder / "bundle.json").write_text(json.dumps(index | {"quality": None}))  # tests before may have measured
    words = [str(later), "--data", str(pictures), "--threads", "1", "--write", "--control"]
    assert quality.main([*words, str(earlier)]) == 2
    assert "has no figures of a control" in capsys.readouterr().err
    first = [str(earlier), *words[1:], str(released / "runs" / "control")]
    assert quality.main(first) == 0
    assert quality.main([*words, str(earlier)]) == 0
    was, now = read(earlier).info.quality, read(later).info.quality
    taken = [figure for figure in now.figures if figure.name.startswith("control.")]
    assert taken and taken == [figure for figure in was.figures if figure.name.startswith("control.")]
    assert quality.TAKEN_OVER in now.notes and any("plain DCGAN: 256 pictures" in note for note in now.notes)
    assert "--control artifacts/own" in now.command
    index = json.loads((earlier / "bundle.json").read_text())
    next(f for f in index["quality"]["figures"] if f["name"] == "control.frechet")["floor"] *= 1.1
    (earlier / "bundle.json").write_text(json.dumps(index))
    assert quality.main([*words, str(earlier)]) == 2
    assert "was measured in other features: the floor of control.frechet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 64}, "pixels a side 64, not 32"),
        ({"classes": ["a", "b", "c"]}, "classes a, b, c, not bar, disc, square"),
        ({"train_images": 5}, "training pictures 5, not 360"),
        (None, "run.json"),
    ],
)
def test_the_control_must_be_one_of_these_pictures(released, tmp_path, pictures, capsys, change, sentence):
    """Said before anything is measured."""
    folder = Path(shutil.copytree(released / "runs" / "control", tmp_path / "control"))
    about = folder / "run.json"
    if change:
        stored = json.loads(about.read_text())
        stored["data"] |= change
        about.write_text(json.dumps(stored))
    else:
        about.unlink()
    own = str(released / "artifacts" / "own")
    assert quality.main([own, "--data", str(pictures), "--control", str(folder)]) == 2
    assert sentence in capsys.readouterr().err
