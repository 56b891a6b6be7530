"""A finished bundle takes the place of an older one as a whole, and nothing of its owner's is lost."""

from pathlib import Path

import pytest

from bundle.errors import BundleError, UserError
from bundle.read import INDEX, read, read_index
from bundle.write import add_file, card_of, file_entry, previous_index, update_bundle, write_bundle, write_index


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def neighbours(folder: Path) -> set[str]:
    return {path.name for path in folder.parent.iterdir()}


def test_a_bundle_is_written_read_back_and_leaves_nothing_beside_it(tiny_bundle: Path, tmp_path: Path):
    info = read_index(tiny_bundle)
    files = {name: data for name, data in contents(tiny_bundle).items() if name not in (INDEX, "README.md")}
    files["sheet.png"] = tiny_bundle / "sheet.png"  # a file to copy
    written = write_bundle(tmp_path / "new", info, files, "# Card\n", None)
    assert written.folder == tmp_path / "new" and written.info == info == read(tmp_path / "new").info
    assert card_of(written.folder) == "# Card\n" and neighbours(written.folder) == {"new"}
    assert contents(written.folder).keys() == contents(tiny_bundle).keys()


def test_a_new_bundle_takes_the_place_and_leaves_what_is_not_its_own(broken_bundle: Path):
    (broken_bundle / ".git").mkdir()
    (broken_bundle / ".git" / "config").write_text("mine")
    (broken_bundle / "notes.txt").write_text("mine")
    beside, bundle = neighbours(broken_bundle), read(broken_bundle)
    examples = bundle.info.files["examples"]
    data = (broken_bundle / examples.file).read_bytes()
    updated = add_file(bundle, "examples", "held_out.npz", data)
    assert updated.info.files["examples"].file == "held_out.npz" and (broken_bundle / "held_out.npz").is_file()
    assert not (broken_bundle / examples.file).exists()
    assert (broken_bundle / ".git" / "config").read_text() == (broken_bundle / "notes.txt").read_text() == "mine"
    assert card_of(broken_bundle) == "# Random\n" and neighbours(broken_bundle) == beside


def test_index_and_card_change_together(broken_bundle: Path):
    bundle = read(broken_bundle)
    changed = bundle.info.model_copy(update={"title": "Zahlen"})
    assert update_bundle(bundle, changed, card="# Zahlen\n").info.title == "Zahlen" == read_index(broken_bundle).title
    assert card_of(broken_bundle) == "# Zahlen\n"


def test_a_card_in_another_encoding(broken_bundle: Path):
    (broken_bundle / "README.md").write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(UserError, match="is not UTF-8: save it as UTF-8"):
        card_of(broken_bundle)


def test_what_fails_its_checks_leaves_everything_as_it_was(broken_bundle: Path):
    before, beside = contents(broken_bundle), neighbours(broken_bundle)
    with pytest.raises(BundleError, match="not a PNG"):
        add_file(read(broken_bundle), "sheet", "sheet.png", b"no picture")
    assert contents(broken_bundle) == before and neighbours(broken_bundle) == beside


def test_a_file_that_was_changed_since_it_was_read_is_noticed(broken_bundle: Path):
    bundle = read(broken_bundle)
    (broken_bundle / "critic.onnx").write_bytes(b"another")
    with pytest.raises(BundleError, match=r"critic\.onnx"):
        update_bundle(bundle, bundle.info.model_copy(update={"title": "x"}))
    assert read_index(broken_bundle) == bundle.info


def test_a_failed_rename_brings_the_older_bundle_back(broken_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    before, beside, bundle = contents(broken_bundle), neighbours(broken_bundle), read(broken_bundle)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == broken_bundle.name and target == broken_bundle and path.parent != broken_bundle.parent:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(UserError, match="No space left on device"):
        update_bundle(bundle, bundle.info)
    assert contents(broken_bundle) == before and neighbours(broken_bundle) == beside


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
