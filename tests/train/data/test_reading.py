"""How pictures are to be read: from the flag to the run and the bundle, and back."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bundle.errors import UserError
from tests.inputs.tables import drawn, parquet
from tests.support.pictures import draw_folder
from train.command_line import parse
from train.data.dataset import DataInfo
from train.data.load import load, load_again
from train.data.reading import DEFAULT_READING, Reading, reading_of, stored_reading
from train.settings import GanSettings
from train.stored_settings import to_public_dict


def settings(*flags: str) -> GanSettings:
    found, _ = parse(["gan", "runs/x", *flags], console_outputs=False)
    assert isinstance(found, GanSettings)
    return found


def test_flags_become_a_reading_that_a_bundle_keeps():
    asked = settings("--no-classes", "--classes-from", "column", "--label-column", "kind", "--image-column", "photo")
    reading = Reading(False, "column", "photo", "kind")
    assert reading_of(asked) == reading and reading_of(settings()) == DEFAULT_READING
    public = to_public_dict(asked)
    assert stored_reading(True, [None, public]) == reading and "cache" not in public
    with pytest.raises(SystemExit):
        settings("--classes-from", "names")
    with pytest.raises(UserError, match="settings are damaged: classes_from cannot be 'names'"):
        stored_reading(True, [public | {"classes_from": "names"}])


def test_what_was_stored_before_the_flags_had_the_classes_that_were_found():
    assert stored_reading(True, [{"lr": 1.0}, None]) == DEFAULT_READING
    assert stored_reading(False, [None]) == Reading(classes=False)
    info = DataInfo("x", "x", "none", 1, 16, 16, ("a", "b"), 100, 10, reading=Reading(label_column="kind"))
    stored = info.as_json()
    assert DataInfo.from_json(stored) == info
    del stored["reading"]
    assert DataInfo.from_json(stored).reading == DEFAULT_READING
    assert DataInfo.from_json(stored | {"classes": []}).reading == Reading(classes=False)


def classes_in_a_table(folder: Path) -> None:
    draw_folder(folder, 90)
    rows = [f"{path.relative_to(folder).as_posix()},{i % 2}" for i, path in enumerate(sorted(folder.rglob("*.png")))]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))


def splits_beside_others(folder: Path) -> None:
    for name in ("train", "test", "unlabeled"):
        draw_folder(folder / name, 40, classes=False)


def numbered_parts(folder: Path) -> None:
    for part in ("00000", "01000"):
        draw_folder(folder / part, 40, classes=False)
        for path in sorted((folder / part).iterdir()):
            path.rename(path.with_name(f"{int(part) + int(path.stem):05d}.png"))


def masks_beside_pictures(folder: Path) -> None:
    for name in ("images", "masks"):
        draw_folder(folder / name, 40, classes=False)


def test_a_table_of_an_older_run_is_read_from_the_column_of_then(tmp_path, capsys):
    """Its version took the first column of pictures, a mask; today masks come last."""
    columns = {"mask": drawn(), "image": drawn(mode="RGB")}
    path = str(parquet(tmp_path, **columns))
    info, train, _ = load(path, quiet=True, reading=Reading(image_column="mask"))
    facts = info.as_json()
    del facts["reading"]
    found, again, _ = load_again(path, DataInfo.from_json(facts))
    assert found.reading.image_column == "mask" and torch.equal(again.images, train.images)
    assert "it is read as then: --image-column mask" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("draw", "way", "classes"),
    [
        (classes_in_a_table, "folder", ("bar", "disc", "square")),
        (splits_beside_others, "outermost", ("test", "train", "unlabeled")),
        (numbered_parts, "folder", ("00000", "01000")),
        (masks_beside_pictures, "outermost", ("images", "masks")),
    ],
)
def test_pictures_of_an_older_run_are_read_as_they_were(draw, way: str, classes: tuple[str, ...], tmp_path, capsys):
    """Today each of these folders is read in another way; the run knows its classes and counts, and no reading."""
    draw(tmp_path)
    info, train, _ = load(str(tmp_path), quiet=True, reading=Reading(classes_from=way))
    assert info.classes == classes and load(str(tmp_path), quiet=True)[0].classes != classes
    facts = info.as_json()
    del facts["reading"]
    older = DataInfo.from_json(facts)
    assert not older.reading_recorded and DataInfo.from_json(older.as_json()) == older
    found, again, _ = load_again(str(tmp_path), older)
    assert found.reading == Reading(classes_from=way) and torch.equal(again.images, train.images)
    assert f"it is read as then: --classes-from {way}" in capsys.readouterr().out
    assert load_again(str(tmp_path), replace(older, train_images=999))[0].classes != classes  # none fits: as today
