"""The stored figures are those that were printed, the control's among them; what only the data shows is kept."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks import dcgan, quality
from demo.bundle import read
from demo.figures import HEADLINES, headlines
from export import bundle
from tests.train.conftest import draw_folder
from train.__main__ import main as train
from train.runs import Run

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
    bundle.write(Run.open(Path(run)), root / "artifacts" / "own", "own", str(pictures))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dcgan", str(root / "runs" / "control"), *size, *QUICK])
        assert dcgan.main() == 0
    return root


def test_everything_is_stored_as_it_was_printed(released, pictures, monkeypatch, capsys):
    folder = released / "artifacts" / "own"
    words = [str(folder), "--data", str(pictures), "--control", str(released / "runs" / "control"), "--write"]
    monkeypatch.setattr("sys.argv", ["quality", *words, "--threads", "1"])
    assert quality.main() == 0
    shown = capsys.readouterr().out
    stored = read(folder).info.quality
    assert stored.samples == 40 and stored.features.startswith("classifier of own")
    assert "python -m benchmarks.quality artifacts/own" in stored.command
    assert str(released) not in stored.model_dump_json()
    for figure in stored.figures:
        assert f"{figure.value:.4g}" in shown and figure.label in (folder / "README.md").read_text()
    names = [figure.name for figure in headlines(stored)]
    assert names == list(HEADLINES)
    found = {figure.name: figure for figure in stored.figures}
    assert found["control.frechet"].floor == found["gan.frechet"].floor
    assert "gan.leak_translation" in found  # a small set
    sheet = Image.open(released / "artifacts" / "report" / "own_closest.png")
    assert sheet.size == (16 * 32, 4 * 32)


def test_the_control_must_be_trained_and_draw_such_pictures(released, pictures, monkeypatch, capsys):
    own = str(released / "artifacts" / "own")
    large = released / "runs" / "large"
    run = [str(large), "--data", str(pictures), "--size", "64", "--images", "64", "--batch", "32", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["dcgan", *run])
    assert dcgan.main() == 0
    capsys.readouterr()
    for folder, sentence in ((large, "draws 1 x 64 x 64 pictures, the bundle 1 x 32 x 32"), (released, "run.json")):
        monkeypatch.setattr("sys.argv", ["quality", own, "--data", str(pictures), "--control", str(folder)])
        assert quality.main() == 2
        assert sentence in capsys.readouterr().err
