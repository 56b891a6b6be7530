"""What counts as a pause, and what does not."""

import pytest

from train.pauses import Pauses


def after(*seconds: float) -> Pauses:
    """With steps that took so long."""
    pauses = Pauses()
    assert [pauses.took(step) for step in seconds] == [0.0] * len(seconds)
    return pauses


def test_a_step_that_takes_over_is_counted_as_a_usual_one():
    pauses = after(*[0.2] * 6, 0.9)
    assert pauses.took(6420.2) == pytest.approx(6420)
    assert pauses.took(60.2) == pytest.approx(60)  # a pause makes no other one usual
    assert pauses.seconds == pytest.approx(6480)


@pytest.mark.parametrize(
    "steps",
    [(0.2, 0.2, 0.2, 0.2, 9000.0), (*[0.2] * 6, 9.0), (*[4.0] * 6, 110.0)],
    ids=["nothing is usual yet", "too short", "too few times as long"],
)
def test_what_is_no_pause(steps: tuple[float, ...]):
    assert after(*steps).seconds == 0


def test_another_stage_has_other_steps():
    pauses = after(*[0.1] * 10)
    assert pauses.took(50.1) == pytest.approx(50)
    pauses.begin_stage()
    assert pauses.took(50.0) == 0.0 and pauses.seconds == pytest.approx(50)
