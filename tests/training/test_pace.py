"""How fast a training goes, and how long it will still take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conch.training.pace import Pace


def test_an_even_pace_is_told_as_it_is() -> None:
    pace = Pace(begun=100.0, tokens=0, step=0)
    for step in range(1, 11):
        assert pace.report(100.0 + 2 * step, 50 * step, step, 10) == (25.0, 2.0 * (10 - step))


def test_an_evaluation_is_no_slow_step() -> None:
    """It takes nothing from the speed, and doesn't count as what every later step will take."""
    pace = Pace(begun=0.0, tokens=0, step=0)
    for step in range(1, 17):
        pace.report(5.0 * step, 500 * step, step, 80)
    pace.set_aside(30.0)
    speed, left = pace.report(5.0 * 17 + 30.0, 500 * 17, 17, 80)
    assert speed == 100.0
    assert left is not None
    assert 63 * 5 <= left < 63 * 5 * 2


def test_a_training_that_goes_on_counts_from_there() -> None:
    pace = Pace(begun=0.0, tokens=10_000, step=100)
    assert pace.report(4.0, 10_400, 102, 110) == (100.0, 16.0)


def test_nothing_new_has_no_pace() -> None:
    pace = Pace(begun=0.0, tokens=0, step=0)
    assert pace.report(1.0, 0, 0, 10) == (None, None)
    pace.report(1.0, 9, 1, 10)
    assert pace.report(2.0, 9, 1, 10) == (None, None)


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=60))
def test_what_is_left_lies_between_the_fastest_and_the_slowest_step(seconds: list[float]) -> None:
    pace, now = Pace(begun=0.0, tokens=0, step=0), 0.0
    for step, taken in enumerate(seconds, 1):
        now += taken
        _, left = pace.report(now, step, step, len(seconds) + 10)
    assert left is not None
    assert 10 * min(seconds) - 0.1 <= left <= 10 * max(seconds) + 0.1
