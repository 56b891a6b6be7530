"""The check of releases: what fails is said and counts, what is known not to be reached is said and does not."""

from pathlib import Path

import pytest

from benchmarks import released
from benchmarks.released import Check
from bundle.errors import UserError
from bundle.quality_section import store_quality
from bundle.read import read_index
from bundle.schema import Figure, Quality
from bundle.write import write_index


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (Check("a", "psnr", 26.0, "≥", 26), "ok"),
        (Check("a", "psnr", 25.9, "≥", 26), "FAILED"),
        (Check("a", "mse", 0.3, "≤", 0.2, excuse="nobody reaches it"), "not reached: nobody reaches it"),
        (Check("a", "recall", 0.4, "<", 0.4), "FAILED"),
    ],
)
def test_what_is_asked_is_reached_or_not(check: Check, verdict: str):
    assert check.verdict == verdict
    assert verdict in check.line and f"{check.value:.5g}" in check.line


def figures(**values: float) -> Quality:
    return Quality(command="none", samples=10, figures=tuple(
        Figure(name=name.replace("__", "."), label=name, value=value, floor=None, unit="", better="higher")
        for name, value in values.items()
    ))  # fmt: skip


@pytest.fixture
def measured(broken_bundle: Path) -> Path:
    """A bundle of random numbers that says what it is: as good as chance, and rebuilt as badly as noise."""
    store_quality(broken_bundle, figures(classifier__accuracy=0.1, vae__psnr=9.0))
    return broken_bundle


def test_a_bundle_as_good_as_its_figures_say_passes(measured: Path, capsys):
    assert released.main([str(measured)]) == 0
    shown = capsys.readouterr().out
    for what in ("graphs that run", "seeds from their pictures", "examples read right", "PSNR of examples", "size"):
        assert what in shown
    assert "0 failed, 0 known not to be reached." in shown


def test_a_bundle_worse_than_its_figures_fails(measured: Path, capsys):
    store_quality(measured, figures(classifier__accuracy=0.999, vae__psnr=9.0))
    assert released.main([str(measured)]) == 1
    assert "1 failed" in capsys.readouterr().out


def test_bounds_of_a_release_are_held_against_its_figures(measured: Path, monkeypatch):
    monkeypatch.setitem(released.BOUNDS, "tiny", {"vae.psnr": ("≥", 26), "classifier.accuracy": ("≥", 0.05)})
    monkeypatch.setitem(released.NOT_REACHED, ("tiny", "vae.psnr"), "random numbers are no pictures")
    found = {check.what: check.verdict for check in released.stored_checks(read_index(measured))}
    assert found == {"vae.psnr": "not reached: random numbers are no pictures", "classifier.accuracy": "ok"}
    monkeypatch.setitem(released.BOUNDS, "tiny", {"gan.recall": ("≥", 0.5)})
    with pytest.raises(UserError, match=r"tiny has no figure gan\.recall"):
        list(released.stored_checks(read_index(measured)))


def test_what_cannot_be_checked_is_a_sentence(measured: Path, tmp_path: Path, capsys):
    assert released.main([str(measured), "--only", "cats"]) == 2
    assert "has no bundle cats" in capsys.readouterr().err
    write_index(measured, read_index(measured).model_copy(update={"quality": None}))
    assert released.main([str(measured)]) == 2
    assert "tiny has no figures" in capsys.readouterr().err
    assert released.main([str(tmp_path / "nowhere")]) == 2


def test_without_git_the_size_in_it_is_left_out(measured: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert released.packed_size([measured]) is None


def test_a_folder_without_bundles_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="no bundle"):
        list(released.checks(released.Settings(tmp_path)))
