"""Tables beside the pictures: which column can be an attribute, which tells classes, and which picture a row means."""

import json
from pathlib import Path, PurePosixPath

import pytest

from bundle.errors import InputError
from demo.make.names import check_class_name
from demo.make.tables import (
    MAX_COLUMNS,
    MAX_ROWS,
    cells_of,
    classes_by,
    columns,
    is_damaged,
    is_table,
    is_too_large,
    read_records,
    tells_classes,
    why_no_attribute,
)


def cells(*values: object) -> dict:
    return {str(i): value for i, value in enumerate(values)}


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("weight", cells(*map(float, range(200))), ""),
        ("glasses", cells(*["yes", "no"] * 100), ""),
        ("label", cells(*["yes", "no"] * 100), "It names classes."),
        ("style", cells(*"abc" * 100), "It holds 3 different words"),
        ("mixed", cells(*([1.0] * 100 + ["x"] * 100)), "numbers and words"),
        ("same", cells(*[3.0] * 200), "one value only"),
        ("few", cells(*map(float, range(50))), "Pictures that have a value: 50"),
        ("rare", cells(*([0.0] * 190 + [1.0] * 10)), "one of its two values: 10;"),
        (" odd", cells(*map(float, range(200))), "printable letters"),
    ],
)
def test_what_can_be_an_attribute(name: str, found: dict, words: str):
    assert words in why_no_attribute(name, found) and bool(words) == bool(why_no_attribute(name, found))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_those_of_any_system(tmp_path: Path, end: str):
    lines = ["file_name,kind", *(f"{i}.png,{'ab'[i % 2]}" for i in range(2000))]
    (tmp_path / "a.csv").write_bytes(end.join(lines).encode())
    (tmp_path / "a.jsonl").write_bytes(
        end.join(f'{{"file_name": "{i}.png", "kind": "a"}}' for i in range(2000)).encode()
    )
    for path in tmp_path.iterdir():
        assert not is_too_large(path.name, path.read_bytes()) and not is_damaged(path.name, path.read_bytes())
        assert [row["file_name"] for row in read_records(path)] == [f"{i}.png" for i in range(2000)]


def test_a_table_whose_rows_cannot_be_read_is_damaged():
    assert is_damaged("metadata.jsonl", b'{"file_name": "a.png"}\n[1]\n')
    assert is_damaged("metadata.csv", b"file_name,kind\na.png," + b"x" * 200_000)


def test_what_can_tell_classes():
    assert tells_classes(cells(*"abc" * 10)) and tells_classes(cells(*[0.0, 1.0] * 5))
    assert not tells_classes(cells(*"aaaa")) and not tells_classes(cells(*map(float, range(100))))


def test_rows_name_pictures_by_their_path_else_by_their_name():
    by_name = {
        "set/cats/a.png": "cats/000001.png",
        "set/dogs/a.png": "dogs/000001.png",
        "set/dogs/b.png": "dogs/000002.png",
    }
    rows = [
        {"file_name": "cats/a.png", "x": 1.0},
        {"file_name": "dogs/a.png", "x": 2.0},
        {"file_name": "none.png", "x": 3.0},
    ]
    assert cells_of(rows, PurePosixPath("set"), by_name) == {"x": {"cats/000001.png": 1.0, "dogs/000001.png": 2.0}}
    windows = [{"file_name": "cats\\a.png", "x": 1.0}]
    assert cells_of(windows, PurePosixPath("set"), by_name) == {"x": {"cats/000001.png": 1.0}}
    alone = [{"file_name": "elsewhere/b.png", "x": 4.0}, {"file_name": "elsewhere/a.png", "x": 5.0}]  # two are called a
    assert cells_of(alone, PurePosixPath("set"), by_name) == {"x": {"dogs/000002.png": 4.0}}
    splits = [*alone, {"file_name": "other/b.png", "x": 6.0}, {"file_name": "other/c.png", "x": 7.0}]  # two rows say b
    more = {**by_name, "set/c.png": "dogs/000003.png"}
    assert cells_of(splits, PurePosixPath("set"), more) == {"x": {"dogs/000003.png": 7.0}}
    assert cells_of([{"x": 1.0}], PurePosixPath("set"), by_name) == {}


def test_tables_are_read_in_the_usual_forms(tmp_path: Path):
    (tmp_path / "metadata.csv").write_bytes("\ufefffile_name;wärme;leer\na.png;1,5;\nb.png;2;\n".encode())
    assert list(read_records(tmp_path / "metadata.csv")) == [
        {"file_name": "a.png", "wärme": 1.5},
        {"file_name": "b.png", "wärme": 2.0},
    ]
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "smile": true, "box": [1]}\n\n')
    assert list(read_records(tmp_path / "metadata.jsonl")) == [{"file_name": "a.png", "smile": 1.0}]
    assert is_table("set/Metadata.CSV") and is_table("set\\labels.jsonl") and not is_table("notes.csv")


def test_what_only_looks_like_a_number_is_a_word(tmp_path: Path):
    (tmp_path / "metadata.csv").write_text("file_name,age,kind\n0001,20_29,inf\n0002,30_39,a\n")
    found = cells_of(read_records(tmp_path / "metadata.csv"), PurePosixPath(), {"0001.png": "1", "0002.png": "2"})
    assert found == {"age": {"1": "20_29", "2": "30_39"}, "kind": {"1": "inf", "2": "a"}}
    assert not why_no_attribute("weight", cells(*map(float, range(200)), "inf"))


def test_a_table_that_cannot_be_read_tells_nothing(tmp_path: Path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "000001.jsonl").write_text("{torn")
    (tmp_path / "tables" / "000002.jsonl").write_text('[1]\n"no object"\n')
    notes: list[str] = []
    assert columns(tmp_path, ["a/000001.png"], notes) == {}
    assert [note.partition(",")[0] for note in notes] == ["000001.jsonl cannot be read", "000002.jsonl cannot be read"]
    with pytest.raises(InputError, match="The column kind tells no classes"):
        classes_by(tmp_path, "kind", [])


def test_a_table_of_excel_tells_classes_that_differ_and_the_guess_is_said(tmp_path: Path):
    files = [f"a/{i:06d}.png" for i in range(6)]
    (tmp_path / "tables").mkdir()
    rows = "".join(f"{i}.png;{('Möhre', 'Mähre')[i % 2]}\n" for i in range(6))
    (tmp_path / "tables" / "000001.csv").write_bytes(f"file_name;kind\n{rows}".encode("cp1252"))
    names = [{"file": "tables/000001.csv", "name": "metadata.csv"}]
    names += [{"file": file, "name": f"{i}.png"} for i, file in enumerate(files)]
    (tmp_path / "names.jsonl").write_text("\n".join(map(json.dumps, names)))
    assert set(classes_by(tmp_path, "kind", files).values()) == {"Möhre", "Mähre"}
    notes: list[str] = []
    columns(tmp_path, files, notes)
    assert notes == [
        "metadata.csv is not UTF-8: it is read as Windows-1252. If letters are wrong, save it as CSV UTF-8."
    ]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ((-1.0, 1.0), ("minus 1", "1")),  # as CelebA writes attributes
        ((20230115.0, 20230116.0), ("20230115", "20230116")),
        ((0.1234567, 0.1234568), ("0 1234567", "0 1234568")),
        (("<5", ">5", "5"), ("5 2", "5 3", "5")),
        (("C#", "C++", "C"), ("C 2", "C 3", "C")),
        (("+", "-"), ("plus sign", "hyphen-minus")),
        (("x" * 41, "x" * 42), ("x" * 40, "x" * 38 + " 2")),
        (("Cat", "cat", "dog"), ("Cat", "Cat", "dog")),  # as folders that differ in capitals only
    ],
)
def test_values_that_differ_are_classes_that_differ(tmp_path: Path, values: tuple, names: tuple):
    files = [f"pictures/{i:06d}.png" for i in range(4 * len(values))]
    (tmp_path / "tables").mkdir()
    said = [{"file": file, "name": f"{i}.png"} for i, file in enumerate(files)]
    said.append({"file": "tables/000001.jsonl", "name": "metadata.jsonl"})
    (tmp_path / "names.jsonl").write_text("\n".join(map(json.dumps, said)))
    rows = [{"file_name": f"{i}.png", "kind": values[i % len(values)]} for i in range(len(files))]
    (tmp_path / "tables" / "000001.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = classes_by(tmp_path, "kind", files)
    assert [found[file] for file in files[: len(values)]] == list(names)
    for name in set(names):
        check_class_name(name, set(names))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("metadata.csv", b"file_name\n" + b"a\n" * (MAX_ROWS + 1)),
        ("labels.csv", b"file_name" + b";x" * (MAX_COLUMNS + 1) + b"\n"),
        ("labels.jsonl", b"{}\n{" + b'"x":1,' * (MAX_COLUMNS + 1) + b'"y":1}\n'),
    ],
)
def test_a_table_whose_cells_would_fill_the_memory_is_refused(name: str, data: bytes):
    assert is_too_large(name, data) and not is_too_large(name, data[: len(data) // 2])


def test_rows_of_other_pictures_are_not_kept():
    """Else a table of small cells takes a hundred times its bytes."""
    kept = cells_of(({"file_name": f"{i}.png", "x": 1.0} for i in range(9)), PurePosixPath(), {"3.png": "a/000003.png"})
    assert kept == {"x": {"a/000003.png": 1.0}}
