"""The drawn avatars: the same bytes each time, nothing held out in training, columns that say what is there."""

import csv
import json
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from PIL import Image

from bundle.errors import UserError
from examples import avatars
from examples.avatar_attributes import COLOURS, COLUMNS, SHOWN, attributes, oklab
from examples.avatars import STYLES, Settings, make
from train.data.open_source import open_source

for module in avatars.MODULES:
    pytest.importorskip(module, reason="needs examples/requirements-avatars.txt")


def small(folder: Path, **changes) -> Settings:
    return Settings(folder, **{"train": 3, "test": 2, "size": 32} | changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Chosen:
    """An avatar of which only the choices are asked."""

    options: dict

    def to_json(self) -> dict:
        return {"svg": "", "options": self.options}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "avatars"
    make(small(folder))
    return folder


def test_the_same_command_draws_the_same_bytes_also_when_it_was_stopped(drawn, tmp_path):
    make(small(tmp_path / "a", styles=("micah",), jobs=2))
    again = contents(tmp_path / "a")
    assert all(contents(drawn)[name] == again[name] for name in again if name.endswith(".png"))
    lost = tmp_path / "a/train/micah/00001.png"
    lost.unlink()
    kept = (tmp_path / "a/train/micah/00000.png").stat().st_mtime_ns
    make(small(tmp_path / "a", styles=("micah",)))
    assert contents(tmp_path / "a") == again and (tmp_path / "a/train/micah/00000.png").stat().st_mtime_ns == kept


def test_several_processes_end_without_a_traceback(tmp_path):
    command = ["--styles", "planets", "--train", "40", "--test", "1", "--size", "32", "--jobs", "2"]
    ended = run([sys.executable, "-m", "examples.avatars", str(tmp_path / "set"), *command], capture_output=True)
    assert ended.returncode == 0 and b"Traceback" not in ended.stderr


def test_croissant_describes_the_pictures_and_the_table(drawn):
    mlcroissant = pytest.importorskip("mlcroissant")
    found = mlcroissant.Dataset(jsonld=str(drawn / "croissant.json"))
    assert not found.metadata.issues.errors and len(found.metadata.license) >= 1
    shown = {record["files/file_name"].decode(): record["files/image"] for record in found.records("files")}
    assert set(shown) == {path.relative_to(drawn).as_posix() for path in drawn.rglob("*.png")}
    for name, picture in shown.items():
        assert (np.asarray(picture.convert("RGB")) == np.asarray(Image.open(drawn / name).convert("RGB"))).all()
    with (drawn / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for record, row in zip(found.records("rows"), rows, strict=True):
        assert record["rows/file_name"].decode() == row["file_name"]
        assert record["rows/style"].decode() == row["style"]
        for name in COLUMNS:
            value = record[f"rows/{name}"]
            assert row[name] == "" if value is None else value == pytest.approx(float(row[name]))


def test_training_reads_it_with_styles_as_classes(drawn):
    source = open_source(str(drawn))
    assert source.classes == tuple(sorted(STYLES)) and (source.train.count, source.test.count) == (12, 8)
    for path in drawn.rglob("*.png"):
        picture = np.asarray(Image.open(path).convert("RGBA"))
        assert picture.shape == (32, 32, 4) and (picture[..., 3] == 255).all()
        assert (picture[0, [0, -1]] == 255).all() and (picture[16] < 200).any()


def test_no_picture_comes_twice_nor_is_held_out_and_trained_on(monkeypatch):
    monkeypatch.setattr(
        avatars, "avatar", lambda style, split, number: Chosen({"hair": number % 7 + (split == "train")})
    )
    found = [(p.split, p.number, p.options["hair"]) for p in avatars.portraits("micah", 4, 3)]
    assert found == [("test", 0, 0), ("test", 1, 1), ("test", 2, 2)] + [("train", n, n + 1) for n in (2, 3, 4, 5)]
    with pytest.raises(UserError, match="hardly more than 7 different"):
        list(avatars.portraits("micah", 9, 0))


def test_metadata_has_a_row_for_each_picture(drawn):
    with (drawn / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file_name", "style", *COLUMNS]
    assert {row["file_name"] for row in rows} == {p.relative_to(drawn).as_posix() for p in drawn.rglob("*.png")}
    for row in rows:
        assert (
            row["skin_lightness"] and row["smile"] in "01" and (row["glasses"] == "") == (row["style"] == "toon-head")
        )
        assert all(-1 <= float(row[name]) <= 1 for name in COLUMNS if row[name])


def test_attributes_are_what_the_choices_say():
    hidden = attributes("open-peeps", {"headVariant": "turban", "inkColor": ["#000000"], "expressionVariant": "calm"})
    assert hidden["hat"] == "1" and not {"hair", "long_hair", "hair_lightness"} & set(hidden)
    assert (hidden["closed_eyes"], hidden["glasses"], hidden["beard"]) == ("1", "0", "0")
    dyed = {"headVariant": "bangs", "inkColor": ["#000000"], "headContrastColor": ["#ffffff"]}
    assert attributes("open-peeps", dyed)["hair_lightness"] == "1"
    dark = attributes("personas", {"eyesVariant": "sunglasses", "hairVariant": "bald"})
    assert (dark["glasses"], dark["sunglasses"], dark["hair"]) == ("1", "1", "0") and "closed_eyes" not in dark
    assert attributes("personas", {"eyesVariant": "wink"})["closed_eyes"] == "0.5"
    assert attributes("sprouts", {"headVariant": "x"}) == {}
    assert np.allclose(oklab("#ff0000"), (0.628, 0.225, 0.126), atol=1e-3)


@pytest.mark.parametrize("style", STYLES)
def test_every_name_in_the_tables_is_one_of_the_style(style):
    parts = json.loads((files("dicebear_styles") / f"{style}.json").read_text(encoding="utf-8"))
    pairs = [where.split(":") for where in SHOWN[style].values()] + list(avatars.LEFT_OUT.get(style, {}).items())
    for part, names in pairs:
        assert set(names.replace("*", "").split()) <= set(parts["components"][part]["variants"])
    assert set(COLOURS[style].values()) <= set(parts["colors"])


def test_licences_are_those_of_the_package(drawn):
    text = (drawn / "LICENCE.md").read_text(encoding="utf-8")
    for name in (*STYLES, "Draftbit", "Johan Melin", "Micah Lanier", "Pablo Stanley", "CC BY 4.0", "CC0 1.0"):
        assert name in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": 64}, "begun with"),
        ({"train": 1}, "do not draw"),
        ({"styles": ("cubist",)}, "no style of DiceBear"),
        ({"styles": ()}, "one style or more"),
        ({"train": 0}, "--train must be 1"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(drawn, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        make(small(drawn, **changes))


def test_foreign_folders_and_missing_packages_are_left_alone(drawn, tmp_path, monkeypatch):
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match="other files"):
        make(small(tmp_path))
    with pytest.raises(UserError, match="is a file"):
        make(small(tmp_path / "letter.txt"))
    monkeypatch.setattr(avatars, "MODULES", ("no_such_package",))
    with pytest.raises(UserError, match="pip install -r examples/requirements-avatars"):
        make(small(tmp_path / "new"))
