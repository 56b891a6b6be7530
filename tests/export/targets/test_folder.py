"""Which bundles a command means: folders of one, folders of several, and all that a shell makes of artifacts/*."""

from pathlib import Path

import pytest

from bundle.errors import BundleError, UserError
from export.targets.folder import read_bundles
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
