"""The comparison of runtimes: every one that is here draws the same pictures, and what is missing is named."""

from dataclasses import replace

import pytest

from benchmarks import runtimes
from bundle.errors import UserError
from export.runtimes import Runtime
from tests.support.trained import Exported


@pytest.fixture
def short(exported: Exported) -> runtimes.Settings:
    """A moment of each."""
    return runtimes.Settings(exported.folder, batches=(1, 3), rounds=1, seconds=0.001)


@pytest.mark.slow
def test_every_runtime_that_is_here_draws_the_same_pictures(short: runtimes.Settings, monkeypatch, capsys):
    monkeypatch.setattr(runtimes, "compiled", lambda net: net)  # compiling takes half a minute
    found = runtimes.measure(short)
    here = {runtimes.OURS, runtimes.PLAIN, runtimes.EAGER, runtimes.COMPILED}
    here |= {runtime.label for runtime in runtimes.LOADED if not runtime.gap()}
    for batch in (1, 3):
        assert {one["runtime"] for one in found["results"] if one["batch"] == batch} == here
    assert all(one["drift"] < 0.1 and one["pictures_per_second"] > 0 for one in found["results"])
    printed = capsys.readouterr().out
    assert "| pictures a second, 3 at once |" in printed
    assert all(f"| {name} |" in printed for name in here)
    for runtime in runtimes.LOADED:
        assert (f"No figure: {runtime.label}." in printed) == (runtime.label in found["gaps"])


def test_what_cannot_take_a_graph_is_a_gap(short: runtimes.Settings, monkeypatch, capsys):
    def load(data: bytes, outputs: list[str]):
        raise RuntimeError("no layer torch.tile\nand more")

    broken = Runtime("ncnn", "Broken", lambda: "", lambda: "1", load)
    absent = Runtime("web", "Absent", lambda: "It is not installed.", lambda: "", load)
    monkeypatch.setattr(runtimes, "LOADED", [broken, absent])
    monkeypatch.setattr(runtimes, "compiled", lambda net: net)
    found = runtimes.measure(replace(short, batches=(1,)))
    name = found["results"][0]["bundle"]
    assert found["gaps"] == {"Broken": f"{name}: no layer torch.tile.", "Absent": "It is not installed."}
    assert "No figure: Absent. It is not installed." in capsys.readouterr().out
    with pytest.raises(UserError, match="no bundle cats"):
        runtimes.measure(replace(short, only=("cats",)))


def test_each_bundle_has_its_own_reason():
    gaps = runtimes.Gaps()
    for name in ("cats", "dogs", "dogs"):
        gaps.add("ncnn", f"{name}: no layer.")
    assert gaps.sentences() == {"ncnn": "cats: no layer. dogs: no layer."}


def test_another_picture_is_marked():
    one = runtimes.Result("mnist", 1, "coarse", 1234.5, 4.0)
    assert runtimes.cell(one) == "1,234 (another picture)" and runtimes.cell(replace(one, drift=1.0)) == "1,234"


def test_the_reason_of_a_gap_ends_in_one_full_stop(short: runtimes.Settings, monkeypatch):
    def load(data: bytes, outputs: list[str]):
        raise RuntimeError("It draws other pictures.")

    monkeypatch.setattr(runtimes, "LOADED", [Runtime("ncnn", "Broken", lambda: "", lambda: "1", load)])
    monkeypatch.setattr(runtimes, "compiled", lambda net: net)
    found = runtimes.measure(replace(short, batches=(1,)))
    assert found["gaps"]["Broken"].endswith("It draws other pictures.")
