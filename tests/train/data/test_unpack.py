"""Any source as a folder of files: classes, attributes, and a sample of what is too large."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from train.data.unpack import UnpackSettings, main, range_of


def unpacked(source: str | Path, folder: Path, most: int = 2000) -> Counter[str]:
    """Class -> how many pictures there are."""
    assert main(UnpackSettings(str(source), folder, most)) == 0
    return Counter(path.parent.relative_to(folder).as_posix() for path in folder.rglob("*.img"))


def test_a_folder_keeps_its_files_and_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    draw_folder(tmp_path / "set", 30)
    assert unpacked(tmp_path / "set", tmp_path / "out") == {"bar": 10, "disc": 10, "square": 10}
    assert {path.read_bytes() for path in (tmp_path / "out").rglob("*.img")} == {
        path.read_bytes() for path in (tmp_path / "set").rglob("*.png")
    }
    assert "30 of 30" in capsys.readouterr().out


def test_a_sample_is_spread_over_the_whole(tmp_path: Path):
    draw_folder(tmp_path / "set", 90)
    found = unpacked(tmp_path / "set", tmp_path / "out", 30)
    assert found.total() == 30 and min(found.values()) >= 8


def test_columns_come_along(tmp_path: Path):
    draw_folder(tmp_path / "set", 150, classes=False)
    files = sorted(path.name for path in (tmp_path / "set").glob("*.png"))
    rows = [f"{name},{i / 8:.3f},{'no' if i % 3 else 'yes'}" for i, name in enumerate(files)]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(["file_name,weight,glasses", *rows]))
    unpacked(tmp_path / "set", tmp_path / "out")
    with (tmp_path / "out" / "metadata.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len(found) == 150 and found[0].keys() == {"file_name", "weight", "glasses"}
    assert {row["glasses"] for row in found} == {"no", "yes"} and (tmp_path / "out" / found[7]["file_name"]).is_file()


def test_drawn_shapes_have_classes_and_factors(tmp_path: Path):
    found = unpacked("shapes", tmp_path / "out", 120)
    assert set(found) == {"square", "ellipse", "triangle", "heart"} and found.total() == 120
    assert Image.open(next((tmp_path / "out").rglob("*.img"))).size == (64, 64)
    assert "colour" in (tmp_path / "out" / "metadata.csv").read_text().partition("\n")[0]


def test_pictures_as_numbers_are_scaled_by_what_they_hold():
    assert range_of(np.array([[0, 7]], np.uint8))[1] == 255
    assert range_of(np.array([[0, 0.5]]))[1] == 1 and range_of(np.array([[0, 200.0]]))[1] == 255
    assert range_of(np.array([[0, 4000]], np.uint16))[1] == 65535


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="is empty"):
        unpacked(tmp_path, tmp_path / "out")
