"""Rows on several processes: the same examples in the same order, and the same error."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import pytest

from conch.core.conversation import Origin
from conch.core.errors import DataError, RowError
from conch.data import workers
from conch.data.example import Example, row_error


def doubled(row: int) -> list[Example]:
    """Two examples a row."""
    return [Example([row, 1], [row, 1], Origin("f", row)), Example([row], [row])]


def strict(row: int) -> list[Example]:
    if row in {1234, 2600}:
        raise row_error("template.no_answer", Origin("rows.json", row), odd=object())
    return doubled(row)


def deadly(row: int) -> list[Example]:
    if row == 900:
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(row)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 2300])
def test_processes_change_nothing(count: int) -> None:
    rows = list(range(count))
    one = workers.tokenise(rows, doubled, 1)
    two = workers.tokenise(rows, doubled, 2)
    assert one == two
    assert [example.input_ids for example in one[:4]] == [[0, 1], [0], [1, 1], [1]][: 2 * count]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_bad_row_is_told(processes: int) -> None:
    with pytest.raises(RowError) as error:
        workers.tokenise(list(range(3000)), strict, processes)
    assert (error.value.key, error.value.row, error.value.file) == ("template.no_answer", 1234, "rows.json")
    assert error.value.hint


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_is_told_in_order(processes: int) -> None:
    told: list[int] = []
    workers.tokenise(list(range(2300)), doubled, processes, told.append)
    assert told == [500, 1000, 1500, 2000]


def test_a_killed_process_is_no_riddle() -> None:
    with pytest.raises(DataError) as error:
        workers.tokenise(list(range(3000)), deadly, 2)
    assert error.value.key == "training.worker_died"
    assert "preprocessing_num_workers" in error.value.hint


@pytest.mark.parametrize(
    ("asked", "rows", "wanted"),
    [
        (None, 100, 1),
        (None, 3999, 1),
        (None, 10**6, 4),
        (1, 10**6, 1),
        (3, 10**6, 3),
        (16, 10**6, 4),
        (4, 600, 2),
    ],
)
def test_how_many_processes(monkeypatch: pytest.MonkeyPatch, asked: Any, rows: int, wanted: int) -> None:
    monkeypatch.setattr(workers, "usable_cores", lambda: 4.0)
    assert workers.count(asked, rows) == wanted


@pytest.mark.parametrize(("cores", "processes"), [(0.5, 1), (1.0, 1), (1.5, 2)])
def test_a_container_is_not_given_more_processes_than_it_can_feed(
    monkeypatch: pytest.MonkeyPatch, cores: float, processes: int
) -> None:
    monkeypatch.setattr(workers, "usable_cores", lambda: cores)
    assert workers.count(None, 10**6) == processes


def test_garbage_is_looked_for_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with workers.seldom_cleared():
        assert gc.get_threshold()[0] == workers.SELDOM
    assert gc.get_threshold() == before
    with pytest.raises(ZeroDivisionError), workers.seldom_cleared():
        raise ZeroDivisionError
    assert gc.get_threshold() == before
