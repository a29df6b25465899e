"""Some of many runs."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from conch.cli.runs_filter import STATES
from conch.runs import list_runs
from conch.runs.run import State
from conch.runs.selection import DAY, created, select
from tests.cli.made_up import BEGAN, made_up_run
from tests.cli.program import call

FIRST, SECOND, THIRD = "20250101-000000-aaaa", "20250202-000000-bbbb", "20250303-000000-cccc"


@pytest.fixture(autouse=True)
def runs() -> None:
    made_up_run(FIRST, "failed", run_name="Burger")
    made_up_run(SECOND, "finished", run_name="burger again")
    made_up_run(THIRD, "queued")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [THIRD, SECOND, FIRST]),
        ({"state": "failed"}, [FIRST]),
        ({"name": "BURGER"}, [SECOND, FIRST]),
        ({"name": "0303"}, [THIRD]),
        ({"name": "burger", "limit": 1}, [SECOND]),
        ({"since_days": 1}, [THIRD, SECOND, FIRST]),
        ({"since_days": 0.5}, []),
        ({"state": "running"}, []),
    ],
)
def test_what_fits_is_found_newest_first(wanted: dict[str, Any], found: list[str]) -> None:
    assert [run.id for run in select(list_runs(), now=BEGAN + 0.9 * DAY, **wanted)] == found


def test_a_run_without_readable_events_is_of_no_age() -> None:
    (run,) = select(list_runs(), now=0, name=FIRST)
    run.events_path.write_text("odd\n")
    assert created(run) == 0
    run.events_path.unlink()
    assert created(run) == 0


def test_the_list_takes_the_same_words() -> None:
    listed = call("runs", "list", "--state", "finished", "--name", "burger", "--limit", "3", "--json").json()
    assert [run["id"] for run in listed] == [SECOND]
    assert "No run fits" in call("runs", "list", "--since", "1").out
    assert call("runs", "list", "--state", "odd").code == 2


def test_the_states_are_all_states() -> None:
    assert get_args(State) == STATES
