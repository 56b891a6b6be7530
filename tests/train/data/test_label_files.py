"""Files beside pictures: which of their cells are numbers, which columns are taken, and several files together."""

import io
import json
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import datasets
import pytest
import torch

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from train.data.label_files import read_records
from train.data.open_source import open_source
from train.data.reading import Reading
from train.data.selection import select_rows


def drawn(folder: Path, count: int = 240) -> list[str]:
    """Pictures 0000.png and so on; returns their names."""
    draw_folder(folder, count, classes=False)
    return sorted(path.name for path in folder.glob("*.png"))


def table(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows]))


def test_names_of_pictures_keep_their_zeros(tmp_path: Path):
    names = drawn(tmp_path, 40)
    table(tmp_path / "labels.csv", "image,label", [f"{name[:-4]},{'ab'[i % 2]}" for i, name in enumerate(names)])
    assert open_source(str(tmp_path)).classes == ("a", "b")


@pytest.mark.parametrize("words", [("20_29", "30_39"), ("a", "inf"), ("1e2x", "٣")])
def test_what_only_looks_like_a_number_is_a_word(tmp_path: Path, words: tuple[str, str]):
    names = drawn(tmp_path)
    rows = [f"{name},{words[i % 2]},{words[i % 2]}" for i, name in enumerate(names)]
    table(tmp_path / "labels.csv", "file_name,label,band", rows)
    source = open_source(str(tmp_path), Reading(attributes="band"))
    assert source.classes == words and source.attributes[0].words == words


def test_an_infinite_number_among_numbers_is_a_gap(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"{name},{'inf' if i == 3 else i}" for i, name in enumerate(names)]
    table(tmp_path / "metadata.csv", "file_name,weight", rows)
    assert open_source(str(tmp_path), Reading(attributes="weight")).attributes[0].kind == "number"


def test_two_files_tell_about_the_same_pictures(tmp_path: Path):
    names = drawn(tmp_path)
    table(tmp_path / "labels.csv", "file_name,smile,age", [f"{name},{i % 2},{i}" for i, name in enumerate(names)])
    rows = [f"{name},{'ab'[i % 2]},{2 * i}" for i, name in enumerate(names)]
    table(tmp_path / "metadata.csv", "file_name,label,weight", rows)
    source = open_source(str(tmp_path), Reading(attributes="all"))
    assert source.classes == ("a", "b") and {one.name for one in source.attributes} == {"smile", "age", "weight"}


def test_a_column_that_names_no_classes_can_be_an_attribute(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"{name},{0.05 + i / 10:.2f}" for i, name in enumerate(names)]
    table(tmp_path / "metadata.csv", "file_name,target", rows)
    for asked in ("target", "all"):
        source = open_source(str(tmp_path), Reading(attributes=asked))
        assert source.classes == () and [one.name for one in source.attributes] == ["target"]
    table(tmp_path / "metadata.csv", "file_name,target", [f"{name},{i % 2}" for i, name in enumerate(names)])
    with pytest.raises(UserError, match="holds the classes"):
        open_source(str(tmp_path), Reading(attributes="target"))


@pytest.mark.parametrize("place", ["", "inner"])
def test_a_set_that_says_it_has_no_classes_has_none(tmp_path: Path, place: str):
    for name in ("a", "b"):
        drawn(tmp_path / place / name, 20)
    (tmp_path / place / "dataset.json").write_text(json.dumps({"labels": None}))
    assert open_source(str(tmp_path)).classes == ()


def test_a_number_and_its_word_are_one_class(tmp_path: Path):
    names = drawn(tmp_path, 60)
    rows = [{"file_name": name, "label": (1, "1", 2)[i % 3]} for i, name in enumerate(names)]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = open_source(str(tmp_path))
    assert source.classes == ("1", "2")
    assert [row.label for row in source.train.rows()] == [(0, 0, 1)[i % 3] for i in range(60)]


def test_a_zip_that_holds_an_inner_zip_twice_is_read_once(tmp_path: Path):
    names = drawn(tmp_path / "set", 30)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name in names:
            archive.write(tmp_path / "set" / name, name)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.zip", inner.getvalue())
        archive.writestr("a.zip", inner.getvalue())
    assert open_source(str(tmp_path / "twice.zip")).train.count == 30


def test_another_json_of_that_name_says_nothing_of_classes(tmp_path: Path):
    for name in ("cat", "dog"):
        drawn(tmp_path / name, 30)
    (tmp_path / "cat" / "dataset.json").write_text(json.dumps({"info": "x"}))
    source = open_source(str(tmp_path))
    assert source.classes == ("cat", "dog") and any("is not StyleGAN's" in note for note in source.notes)


def test_files_that_name_pictures_differently_tell_of_the_same_ones(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"{name[:-4]},{'ab'[i % 2]},{i % 2}" for i, name in enumerate(names)]
    table(tmp_path / "labels.csv", "image,label,smile", rows)
    table(tmp_path / "metadata.csv", "file_name,age", [f"{name},{i}" for i, name in enumerate(names)])
    source = open_source(str(tmp_path), Reading(attributes="all"))
    assert source.classes == ("a", "b") and {one.name for one in source.attributes} == {"smile", "age"}


def test_one_and_its_word_alone_are_no_classes(tmp_path: Path):
    names = drawn(tmp_path, 60)
    rows = [{"file_name": name, "label": (1, "1")[i % 2]} for i, name in enumerate(names)]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = open_source(str(tmp_path))
    assert source.classes == () and any("one class is none" in note for note in source.notes)


@pytest.mark.parametrize("name", ["test", "Testing", "eval", "evaluation", "DEV", "val2017"])
def test_tables_know_the_words_for_splits_that_folders_do(tmp_path: Path, name: str):
    draw_folder(tmp_path / "set", 30)
    files = [path.read_bytes() for path in sorted((tmp_path / "set").rglob("*.png"))]
    parts = {"train": files[:20], name: files[20:]}
    tables = {split: datasets.Dataset.from_dict({"image": found}) for split, found in parts.items()}
    datasets.DatasetDict(tables).save_to_disk(tmp_path / "saved")
    source = open_source(str(tmp_path / "saved"))
    assert source.train.count == 20 and source.test is not None and source.test.count == 10


@pytest.mark.parametrize(("index", "words"), [("run.json", "is a run"), ("pack.json", "is a pack")])
def test_what_twofold_made_is_called_by_its_name(tmp_path: Path, index: str, words: str):
    (tmp_path / index).write_text(json.dumps({"data": {}, "keys": []}))
    with pytest.raises(UserError, match=words):
        open_source(str(tmp_path))


def test_classes_go_where_hardly_any_of_their_pictures_can_be_held_out():
    """Also where the test pictures are of none of them."""
    train = torch.arange(20) // 2
    names = tuple("abcdefghijk")
    assert select_rows(train, None, names).classes == ()
    found = select_rows(train, torch.full((5,), 10), names)
    assert found.classes == () and not found.test_of_train and found.test is None


def test_a_csv_may_end_in_longer_rows(tmp_path: Path):
    (first, second) = read_records(PurePosixPath("metadata.csv"), b"file_name,x\n007,1\n008,2,3\n")
    assert (first["file_name"], first["x"], second["x"]) == ("007", 1, 2)


@pytest.mark.parametrize("cell", ["", "one"])
def test_a_column_that_names_one_class_at_most_hides_neither_another_nor_the_folders(tmp_path: Path, cell: str):
    draw_folder(tmp_path / "set", 60)
    pictures = sorted((tmp_path / "set").rglob("*.png"))
    names = [path.relative_to(tmp_path / "set").as_posix() for path in pictures]
    table(tmp_path / "set" / "metadata.csv", "file_name,label", [f"{name},{cell}" for name in names])
    source = open_source(str(tmp_path / "set"))
    assert source.classes == ("bar", "disc", "square")
    assert any("column label" in note and "one class at most" in note for note in source.notes)
    rows = [f"{name},{cell},{'ab'[i % 2]}" for i, name in enumerate(names)]
    table(tmp_path / "set" / "metadata.csv", "file_name,label,category", rows)
    assert open_source(str(tmp_path / "set")).classes == ("a", "b")


def test_a_file_for_each_class_may_name_only_that(tmp_path: Path):
    for kind in ("cat", "dog"):
        names = drawn(tmp_path / "set" / kind, 30)
        table(tmp_path / "set" / kind / "metadata.csv", "file_name,label", [f"{name},a {kind}" for name in names])
    assert open_source(str(tmp_path / "set")).classes == ("a cat", "a dog")


def test_a_column_that_only_some_files_have_can_be_asked_for(tmp_path: Path):
    names = drawn(tmp_path / "set" / "train", 40)
    rows = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names)]
    table(tmp_path / "set" / "train" / "metadata.csv", "file_name,kind", rows)
    names = drawn(tmp_path / "set" / "test", 20)
    table(tmp_path / "set" / "test" / "metadata.csv", "file_name", names)
    source = open_source(str(tmp_path / "set"), Reading(classes_from="file", label_column="kind"))
    assert source.classes == ("a", "b") and source.train.count == 40
    with pytest.raises(UserError, match=r"no such column, but kind\."):
        open_source(str(tmp_path / "set"), Reading(classes_from="file", label_column="sort"))


def test_accents_are_one_letter_or_two(tmp_path: Path):
    """As macOS stores names; tables are mostly written elsewhere."""
    names = [unicodedata.normalize("NFD", f"Bär {i}.png") for i in range(30)]
    for old, new in zip(drawn(tmp_path, 30), names, strict=True):
        (tmp_path / old).rename(tmp_path / new)
    rows = [f"{unicodedata.normalize('NFC', name)},{'ab'[i % 2]}" for i, name in enumerate(names)]
    table(tmp_path / "metadata.csv", "file_name,label", rows)
    source = open_source(str(tmp_path))
    assert source.classes == ("a", "b") and {row.label for row in source.train.rows()} == {0, 1}


def test_a_file_that_is_nested_without_end_is_refused_in_a_sentence(tmp_path: Path):
    drawn(tmp_path, 30)
    (tmp_path / "dataset.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(UserError, match=r"dataset\.json cannot be read"):
        open_source(str(tmp_path))


def test_a_column_that_is_asked_for_may_be_capitalised_otherwise_in_each_file(tmp_path: Path):
    for split, head in (("train", "Kind"), ("test", "kind")):
        names = drawn(tmp_path / "set" / split, 40)
        rows = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names)]
        table(tmp_path / "set" / split / "metadata.csv", f"file_name,{head}", rows)
    source = open_source(str(tmp_path / "set"), Reading(label_column="KIND"))
    assert source.classes == ("a", "b") and source.test
    assert {row.label for row in source.test.rows()} == {0, 1}


def test_files_for_each_class_may_capitalise_their_column_otherwise(tmp_path: Path):
    for kind, head in (("cat", "Label"), ("dog", "label")):
        names = drawn(tmp_path / "set" / kind, 30)
        table(tmp_path / "set" / kind / "metadata.csv", f"file_name,{head}", [f"{name},a {kind}" for name in names])
    assert open_source(str(tmp_path / "set")).classes == ("a cat", "a dog")


def test_stylegan_s_file_of_one_class_makes_no_classes_of_its_shards(tmp_path: Path):
    names = [f"{part}/{name}" for part in ("00000", "00001") for name in drawn(tmp_path / "set" / part, 20)]
    (tmp_path / "set" / "dataset.json").write_text(json.dumps({"labels": [[name, 0] for name in names]}))
    source = open_source(str(tmp_path / "set"))
    assert not source.classes and any("one class is none" in note for note in source.notes)


def test_why_a_column_is_passed_over_is_said(tmp_path: Path):
    names = drawn(tmp_path, 40)
    table(tmp_path / "metadata.csv", "file_name,label", [f"{name},0.5" for name in names])
    assert any("0.5 is no class" in note for note in open_source(str(tmp_path)).notes)


def test_attributes_of_a_name_that_several_rows_have_are_not_taken(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"train/{name},{i}" for i, name in enumerate(names)] + [f"test/{name},999" for name in names[:20]]
    table(tmp_path / "metadata.csv", "file_name,age", rows)
    source = open_source(str(tmp_path), Reading(attributes="age"))
    ages = [row.attributes[0] for row in source.train.rows()]
    assert ages[20:] == list(range(20, 240)) and all(age != age for age in ages[:20])
    assert any("several rows have the name of 20 pictures" in note for note in source.notes)


def test_a_row_for_each_part_of_a_picture_may_repeat_its_class(tmp_path: Path):
    names = drawn(tmp_path, 40)
    rows = [f"{name},{'ab'[i % 2]},{x}" for i, name in enumerate(names) for x in range(3)]
    table(tmp_path / "labels.csv", "file_name,label,x", rows)
    source = open_source(str(tmp_path))
    assert source.classes == ("a", "b") and {row.label for row in source.train.rows()} == {0, 1}


def test_a_file_that_was_asked_for_must_name_training_pictures(tmp_path: Path):
    for name in ("cat", "dog"):
        drawn(tmp_path / "train" / name, 30)
    rows = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(drawn(tmp_path / "test", 20))]
    table(tmp_path / "test" / "labels.csv", "file_name,label", rows)
    with pytest.raises(UserError, match="names a label of no training picture"):
        open_source(str(tmp_path), Reading(classes_from="file"))


def test_cells_beyond_the_columns_are_no_column(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"{name},{'ab'[i % 2]},{i}" for i, name in enumerate(names)]
    table(tmp_path / "metadata.csv", "file_name,label,age", [*rows[:-1], rows[-1] + ",x,y"])
    with pytest.raises(UserError, match=r"no such column, but label, age\."):
        open_source(str(tmp_path), Reading(label_column="kind"))
    source = open_source(str(tmp_path), Reading(attributes="all"))
    assert [one.name for one in source.attributes] == ["age"] and not any("None" in note for note in source.notes)


def test_a_table_of_excel_keeps_its_letters_and_the_guess_is_said_once(tmp_path: Path):
    names = drawn(tmp_path)
    rows = [f"{name};{('Möhre', 'Mähre')[i % 2]};{i},5" for i, name in enumerate(names)]
    (tmp_path / "metadata.csv").write_bytes("\n".join(["file_name;label;größe", *rows]).encode("cp1252"))
    source = open_source(str(tmp_path), Reading(attributes="all"))
    assert set(source.classes) == {"Möhre", "Mähre"}
    assert [(one.name, one.kind) for one in source.attributes] == [("größe", "number")]
    for reading in (Reading(), Reading(attributes="all"), Reading(classes=False, attributes="all")):
        notes = open_source(str(tmp_path), reading).notes
        assert sum("metadata.csv is not UTF-8 and is read as Windows-1252" in note for note in notes) == 1


def test_a_table_in_no_known_encoding_is_refused_in_a_sentence(tmp_path: Path):
    names = drawn(tmp_path, 40)
    (tmp_path / "metadata.csv").write_bytes(b"file_name,label\n" + names[0].encode() + b",\x81")
    with pytest.raises(UserError, match="save it as CSV UTF-8"):
        open_source(str(tmp_path))
