"""The benchmark of the instrument counts what it says. The page that it plays: tests/browser/test_instrument.py."""

import pytest

from benchmarks import instrument


def test_its_figures_are_those_of_what_was_counted():
    counted = {
        "canvas": [float(n) for n in range(101)],
        "screen": [float(n) + 8 for n in range(101)],
        "pictures": 600,
        "seconds": 10.0,
        "longest": 41.6,
    }
    found = instrument.summary(counted, {"page": 100.0}, {"page": 1300.0})
    assert found["processor_ms_a_picture"] == {"page": 2}
    assert found["to_canvas_ms"] == {"p50": 50, "p95": 95, "p99": 99}
    assert found["to_screen_ms"]["p95"] == 103
    assert (found["messages"], found["pictures_per_second"], found["longest_stall_ms"]) == (101, 60, 42)


def test_a_page_that_does_not_follow_is_no_result():
    with pytest.raises(SystemExit, match="did not follow"):
        instrument.summary(
            {"canvas": [], "screen": [], "pictures": 0, "seconds": 1, "longest": 0}, {"page": 1.0}, {"page": 2.0}
        )
