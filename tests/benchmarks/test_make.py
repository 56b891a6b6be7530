"""The measurement of Make ends when it is told to."""

import pytest

pytest.importorskip("playwright")

from benchmarks import make, results


@pytest.mark.parametrize(("code", "begun"), [(130, ["make"]), (2, ["make"]), (0, ["make", "make_scan"])])
def test_what_was_stopped_begins_nothing_else(monkeypatch: pytest.MonkeyPatch, code: int, begun: list[str]):
    asked = []
    monkeypatch.setattr(results, "measure_and_store", lambda name, _: asked.append(name) or code)
    assert make.main([]) == code and asked == begun
