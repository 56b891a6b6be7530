"""Which bundles a command means: folders of one, folders of several, and all that a shell makes of artifacts/*."""

from pathlib import Path

import pytest

from bundle.errors import BundleError, UserError
from export.targets.folder import Kind, TargetFile, fill, read_bundles, replaced, with_listing
from tests.support import tiny


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the repository has it: bundles, their order, a report."""
    root = tmp_path_factory.mktemp("artifacts")
    for name in ("apples", "boats", "cats"):
        tiny.build(root / name, name=name)
    (root / "order.txt").write_text("cats\nboats\n")
    (root / "REPORT.md").write_text("# Report")
    (root / "report").mkdir()
    (root / "report" / "sheet.png").write_bytes(b"")
    return root


def names(*paths: Path) -> list[str]:
    return [bundle.info.name for bundle in read_bundles(paths)]


def test_bundles_come_as_they_are_given(artifacts: Path, capsys: pytest.CaptureFixture[str]):
    assert names(artifacts / "boats", artifacts / "apples") == ["boats", "apples"]
    assert capsys.readouterr().out == ""


def test_everything_in_a_folder_names_its_bundles_in_their_order(artifacts: Path, capsys: pytest.CaptureFixture[str]):
    assert names(*sorted(artifacts.iterdir())) == ["cats", "boats", "apples"]
    left_out = ", ".join(str(artifacts / name) for name in ("REPORT.md", "order.txt", "report"))
    assert capsys.readouterr().out == f"No bundles, and left out: {left_out}.\n"


def test_a_folder_of_bundles_names_them_all(artifacts: Path):
    assert names(artifacts) == ["cats", "boats", "apples"]


def test_what_was_meant_and_is_not_there_is_no_less_wrong_beside_a_bundle(artifacts: Path, tmp_path: Path):
    with pytest.raises(BundleError, match=r"There is no folder '.*caps'"):
        names(artifacts / "cats", artifacts / "caps")
    torn = tiny.build(tmp_path / "torn", name="torn")
    whole = tiny.build(tmp_path / "whole", name="whole")
    (torn / "bundle.json").unlink()
    for paths in ((whole, torn), (tmp_path,)):
        with pytest.raises(BundleError, match=r"has no bundle\.json"):
            names(*paths)
    with pytest.raises(BundleError, match=r"has no bundle\.json"):
        names(artifacts / "report")
    with pytest.raises(UserError, match="There is no bundle to export"):
        names()


def test_a_target_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kind = Kind("page", "static", "facts.json", lambda content: True)
    target, rename = tmp_path / "page", Path.rename
    with replaced(target, kind) as building:
        fill(building, with_listing([TargetFile("facts.json", b"old"), TargetFile("sub/a.js", b"old")]))
    for name in ("CNAME", "notes.txt"):
        (target / name).write_text(name)

    def refusing(path: Path, to: Path) -> Path:
        if path.name == "notes.txt":
            raise PermissionError(13, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(UserError, match="denied"), replaced(target, kind) as building:
        fill(building, with_listing([TargetFile("facts.json", b"new")]))
    there = {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert (there["facts.json"], there["CNAME"], there["notes.txt"]) == ("old", "CNAME", "notes.txt")
    assert there["sub/a.js"] == "old" and list(tmp_path.iterdir()) == [target]
