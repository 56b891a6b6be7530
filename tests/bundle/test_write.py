"""A finished bundle takes the place of an older one, and nothing of its owner's is lost."""

from pathlib import Path

import pytest

from bundle.atomic_files import scratch
from bundle.errors import BundleError, UserError
from bundle.read import INDEX, read, read_index
from bundle.write import file_entry, previous_index, put_in_place, write_index


def test_a_new_bundle_takes_the_place_and_leaves_what_is_not_its_own(broken_bundle: Path):
    previous = previous_index(broken_bundle)
    (broken_bundle / ".git").mkdir()
    (broken_bundle / ".git" / "config").write_text("mine")
    (broken_bundle / "notes.txt").write_text("mine")
    beside = {path.name for path in broken_bundle.parent.iterdir()}
    with scratch(broken_bundle) as built:
        (built / INDEX).write_text("new")
        put_in_place(built, broken_bundle, previous)
    assert sorted(path.name for path in broken_bundle.iterdir()) == [".git", INDEX, "notes.txt"]
    assert (broken_bundle / ".git" / "config").read_text() == "mine"
    assert {path.name for path in broken_bundle.parent.iterdir()} == beside


def test_a_failed_rename_brings_the_older_bundle_back(broken_bundle: Path):
    before = sorted(path.name for path in broken_bundle.iterdir())
    beside = {path.name for path in broken_bundle.parent.iterdir()}
    with pytest.raises(OSError), scratch(broken_bundle) as built:
        built.rmdir()
        put_in_place(built, broken_bundle, previous_index(broken_bundle))
    assert sorted(path.name for path in broken_bundle.iterdir()) == before
    assert {path.name for path in broken_bundle.parent.iterdir()} == beside
    read(broken_bundle)


def test_only_a_bundle_or_an_empty_folder_is_replaced(tmp_path: Path, tiny_bundle: Path):
    assert previous_index(tmp_path / "nowhere") is None and previous_index(tmp_path) is None
    assert previous_index(tiny_bundle) == read_index(tiny_bundle)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds files but no bundle\.json"):
        previous_index(tmp_path)
    with pytest.raises(UserError, match="is a file"):
        previous_index(tmp_path / "thesis.txt")
    (tmp_path / INDEX).write_text("{}")
    with pytest.raises(BundleError, match="is wrong"):
        previous_index(tmp_path)


def test_what_is_written_is_read_again(broken_bundle: Path):
    info = read_index(broken_bundle)
    graph, found = info.graphs["critic"], file_entry("critic.onnx", (broken_bundle / "critic.onnx").read_bytes())
    assert (found.file, found.sha256, found.bytes) == (graph.file, graph.sha256, graph.bytes)
    changed = info.model_copy(update={"title": "Zahlen, 数字"})
    write_index(broken_bundle, changed)
    assert read_index(broken_bundle) == changed
    assert "数字" in (broken_bundle / INDEX).read_text(encoding="utf-8")
