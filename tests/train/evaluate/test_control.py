"""The control stands in the same report, measured or taken over; one of other pictures is refused before measuring."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import dcgan
from bundle.errors import UserError
from bundle.read import read_index
from bundle.schema import Figure, Quality
from tests.train.evaluate.support import FLAGS, refusal
from train.__main__ import main
from train.evaluate.control import TAKEN_OVER, figures_of_control
from train.models.dcgan import WIDTHS

pytestmark = pytest.mark.usefixtures("short_leak")
QUICK = ["--images", "256", "--batch", "32", "--threads", "1"]
BRIEF = [*FLAGS, "--no-copies", "--truncation", "0.6"]


@pytest.fixture(scope="module")
def control(tmp_path_factory, shape_pictures) -> Iterator[Path]:
    """The run of a hardly trained control of the 16 x 16 pictures of the shared run."""
    run = tmp_path_factory.mktemp("runs") / "control"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WIDTHS, 2, ((16, 8), (8, 16)))
        assert dcgan.main([str(run), "--data", str(shape_pictures), *QUICK]) == 0
        yield run


@pytest.mark.slow
def test_a_control_is_measured_once_and_taken_over_in_the_same_features(
    exported, control, shape_pictures, tmp_path, capsys
):
    """The second bundle stands for one whose GAN was trained on."""
    first, second = tmp_path / "artifacts" / "own", tmp_path / "later" / "own"
    for folder in (first, second):
        shutil.copytree(exported.folder, folder)
    words = ["--data", str(shape_pictures), *BRIEF]
    assert "has no figures of a control" in refusal(capsys, second, *words, "--control", first)
    measured = ["evaluate", str(first), *words, "--control", str(control)]
    assert main([*measured, "--store", str(first)]) == 0
    was = read_index(first).quality
    found = {figure.name: figure for figure in was.figures}
    assert found["control.frechet"].floor == found["gan.frechet"].floor
    assert found["control.recall"].floor == found["gan.recall"].floor
    assert any("plain DCGAN: 256 pictures" in note for note in was.notes)
    taking = ["evaluate", str(second), *words, "--control", str(first)]
    assert main([*taking, "--store", str(second)]) == 0
    now = read_index(second).quality
    own, theirs = ([f for f in quality.figures if f.name.startswith("control.")] for quality in (now, was))
    assert own == theirs
    assert TAKEN_OVER in now.notes and any("plain DCGAN: 256 pictures" in note for note in now.notes)
    assert "--control artifacts/own" in now.command
    index = json.loads((first / "bundle.json").read_text())
    next(f for f in index["quality"]["figures"] if f["name"] == "control.frechet")["floor"] *= 1.1
    (first / "bundle.json").write_text(json.dumps(index))
    sentence = refusal(capsys, *taking[1:])
    assert "was measured in other features: the floor of control.frechet" in sentence


def test_a_figure_without_a_floor_is_not_taken_over():
    figure = Figure(
        name="control.frechet",
        label="Fréchet distance",
        value=1.0,
        better="lower",
        floor=None,
        floor_is="none",
        unit="",
    )
    quality = Quality(command="", samples=100, features="", figures=(figure,))
    with pytest.raises(UserError, match=r"b has no floor of control\.frechet"):
        figures_of_control(quality, Path("b"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 64}, "size 64x64, not 16x16"),
        ({"classes": ["a", "b", "c"]}, "classes a, b, c, not bar, disc, square"),
        ({"train_images": 5}, "training pictures 5, not 360"),
        (None, "run.json"),
    ],
)
def test_the_control_must_be_one_of_these_pictures(exported, control, tmp_path, capsys, change, sentence):
    folder = Path(shutil.copytree(control, tmp_path / "control"))
    about = folder / "run.json"
    if change:
        stored = json.loads(about.read_text())
        stored["data"] |= change
        about.write_text(json.dumps(stored))
    else:
        about.unlink()
    assert sentence in refusal(capsys, exported.folder, "--control", folder)
