"""Any source as a folder of files: classes, attributes, and a sample of what is too large."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import UserError
from bundle.picture_files import ENDINGS, IMAGE_SUFFIXES, TRAINING
from tests.bundle.test_pictures import saved
from tests.support.pictures import draw_folder
from tests.train.data.test_tables import parquet
from train.data import stacked_mnist
from train.data.open_source import open_source
from train.data.picture_folder import FolderNames, FolderSettings, write_folder


def written(source: str | Path, folder: Path, most: int = 2000) -> Counter[str]:
    """Class -> how many pictures there are."""
    assert write_folder(FolderSettings(str(source), folder, most)) == 0
    return Counter(path.parent.relative_to(folder).as_posix() for path in pictures_in(folder))


def pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "metadata.csv")


def test_a_folder_keeps_its_files_and_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    draw_folder(tmp_path / "set", 30)
    assert written(tmp_path / "set", tmp_path / "out") == {"bar": 10, "disc": 10, "square": 10}
    assert {path.read_bytes() for path in pictures_in(tmp_path / "out")} == {
        path.read_bytes() for path in (tmp_path / "set").rglob("*.png")
    }
    assert "30 of 30" in capsys.readouterr().out


def test_a_sample_is_spread_over_the_whole(tmp_path: Path):
    draw_folder(tmp_path / "set", 90)
    found = written(tmp_path / "set", tmp_path / "out", 30)
    assert found.total() == 30 and min(found.values()) >= 8


def test_columns_come_along(tmp_path: Path):
    draw_folder(tmp_path / "set", 150, classes=False)
    files = sorted(path.name for path in (tmp_path / "set").glob("*.png"))
    rows = [f"{name},{i / 8:.3f},{'no' if i % 3 else 'yes'}" for i, name in enumerate(files)]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(["file_name,weight,glasses", *rows]))
    written(tmp_path / "set", tmp_path / "out")
    with (tmp_path / "out" / "metadata.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len(found) == 150 and found[0].keys() == {"file_name", "weight", "glasses"}
    assert {row["glasses"] for row in found} == {"no", "yes"} and (tmp_path / "out" / found[7]["file_name"]).is_file()


def test_classes_are_read_back_also_where_some_pictures_have_none(tmp_path: Path):
    home = draw_folder(tmp_path / "set", 60, classes=False)
    files = [path.read_bytes() for path in sorted(home.glob("*.png"))]
    ages = [i / 8 for i in range(60)]
    kinds = [None, *(("recycled", "organic", "lost+found")[i % 3] for i in range(59))]
    written(parquet(tmp_path / "table", image=files, category=kinds, label=ages), tmp_path / "out")
    source = open_source(str(tmp_path / "out"))
    assert source.classes == ("lost+found", "organic", "recycled") and source.train.count == 60
    assert Counter(row.label for row in source.train.rows()) == {-1: 1, 0: 19, 1: 20, 2: 20}
    kinds[0] = "organic"
    written(parquet(tmp_path / "table", image=files, label=kinds), tmp_path / "full")
    assert open_source(str(tmp_path / "full")).classes == ("class lost+found", "organic", "recycled")
    assert not (tmp_path / "full" / "metadata.csv").exists()


def test_a_column_that_does_not_come_along_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    draw_folder(tmp_path / "set", 150, classes=False)
    files = sorted(path.name for path in (tmp_path / "set").glob("*.png"))
    rows = [f"{name},{'abc'[i % 3]}" for i, name in enumerate(files)]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(["file_name,style", *rows]))
    written(tmp_path / "set", tmp_path / "out")
    assert "note: the column style is no attribute: it holds 3 different words (a, b, c)" in capsys.readouterr().out


def test_drawn_shapes_have_classes_and_factors(tmp_path: Path):
    found = written("shapes", tmp_path / "out", 120)
    assert set(found) == {"square", "ellipse", "triangle", "heart"} and found.total() == 120
    assert Image.open(pictures_in(tmp_path / "out")[0]).size == (64, 64)
    assert "colour" in (tmp_path / "out" / "metadata.csv").read_text().partition("\n")[0]


def test_stacked_digits_are_written_as_they_are_trained_on(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stacked_mnist, "TRAIN_IMAGES", 60)
    monkeypatch.setattr(stacked_mnist, "TEST_IMAGES", 30)
    assert written(f"stacked_mnist:{shapes}", tmp_path / "out", 40) == {".": 40}
    assert Image.open(tmp_path / "out" / "000001.png").mode == "RGB"


def test_pictures_as_numbers_are_scaled_by_what_they_hold(tmp_path: Path):
    rows = [np.full((16, 16), 30 * i).tolist() for i in range(100)]
    rows[0][0][0] = rows[99][0][0] = 4000
    assert written(parquet(tmp_path / "set", pixels=rows), tmp_path / "out").total() == 100
    last = np.asarray(Image.open(tmp_path / "out" / "000100.png"))
    assert (last[0, 0], last[1, 1]) == (round(4000 / 4095 * 255), round(2970 / 4095 * 255))


def test_files_get_the_ending_of_what_they_are(tmp_path: Path):
    """A torn one keeps its own, so that whoever reads the folder can say what it is."""
    home = draw_folder(tmp_path / "set", 30, classes=False)
    (home / "0000.png").write_bytes(saved(Image.open(home / "0000.png"), "JPEG"))
    (home / "0001.png").rename(home / "0001.PNG_large")
    (home / "0002.png").write_bytes(b"torn")
    (home / "0003.png").rename(home / "0003.tif")
    written(home, tmp_path / "out")
    assert [path.name for path in pictures_in(tmp_path / "out")][:4] == ["000001.jpg", "000002.png", "000003.png",
                                                                         "000004.png"]  # fmt: skip


def test_every_format_that_is_read_has_an_ending():
    assert {*TRAINING.formats, "MPO"} == set(ENDINGS) and set(ENDINGS.values()) <= IMAGE_SUFFIXES


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="is empty"):
        written(tmp_path, tmp_path / "out")


def test_numbers_keep_all_their_digits(tmp_path: Path):
    draw_folder(tmp_path / "set", 150, classes=False)
    files = sorted(path.name for path in (tmp_path / "set").glob("*.png"))
    rows = [f"{name},{20240101 + i},{0.8 + i / 10:.1f}" for i, name in enumerate(files)]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(["file_name,date,weight", *rows]))
    written(tmp_path / "set", tmp_path / "out")
    with (tmp_path / "out" / "metadata.csv").open() as file:
        found = [f"{row['date']},{float(row['weight']):.1f}" for row in csv.DictReader(file)]
        assert found == [row.partition(",")[2] for row in rows]
    assert ",0.8\n" in (tmp_path / "out" / "metadata.csv").read_text().replace("\r", "")


def test_all_numbers_are_scaled_alike(tmp_path: Path):
    """As a training does it: a dark picture stays darker than a bright one."""
    rows = [np.full((16, 16), 10.0 + 6 * i).tolist() for i in range(40)]
    for i, row in enumerate(rows):
        row[0][0] = float(i)
    written(parquet(tmp_path / "set", pixels=rows), tmp_path / "out")
    found = [int(np.asarray(Image.open(path)).max()) for path in pictures_in(tmp_path / "out")]
    assert found == [10 + 6 * i for i in range(40)]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path):
    draw_folder(tmp_path / "set", 30)
    written(tmp_path / "set", tmp_path / "out", 20)
    with pytest.raises(UserError, match="not empty"):
        written(tmp_path / "set", tmp_path / "out", 5)
    assert len(pictures_in(tmp_path / "out")) == 20


def test_a_class_leads_nowhere_else_and_any_disk_takes_it():
    names = FolderNames()
    labels = ["", "cat/dog", r"..\..\evil", "C:evil", "what?", "what*", "con", "NUL.txt", "...", "Cat dog", "x" * 300]
    folders = [names.of(label) for label in labels]
    assert folders == ["", "cat dog", "evil", "C evil", "what", "what 2", "class con", "class NUL.txt", "class",
                       "Cat dog 2", "x" * 80]  # fmt: skip
    assert [names.of(label) for label in labels] == folders
