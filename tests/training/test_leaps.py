"""Gradients that leap name the rows of their step."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.core.conversation import Origin
from conch.core.events import Metrics
from conch.runs import read_events
from conch.training import leaps
from conch.training.leaps import MOST_ROWS, Leaps, by_file
from tests.training.helpers import train

ROWS = (Origin("b.json", 2), Origin("a.json", 7), Origin("a.json", 3), Origin("a.json", 7))


def test_rows_are_told_where_the_norm_leaps_only() -> None:
    known = Leaps()
    known.rows = ROWS
    told = [known.rows_behind(norm) for norm in (9.0, 0.5, 0.5, 0.6, 0.4, 0.5, 1.4, 2.0, None, 0.5)]
    assert told == [None] * 7 + [{"a.json": [3, 7], "b.json": [2]}, None, None]


def test_there_are_not_too_many() -> None:
    many = by_file(Origin("a", number) for number in range(10 * MOST_ROWS))
    assert many == {"a": [*range(MOST_ROWS)]}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("packing", [False, True])
def test_they_are_the_rows_of_that_step(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, workers: int, packing: bool
) -> None:
    """Over one epoch each row is trained on once, whoever reads the batches."""
    monkeypatch.setattr(leaps, "LEAP", 0.0)
    monkeypatch.setattr(leaps, "SETTLED", 1)
    settings = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2, "num_train_epochs": 1}
    settings |= {"dataloader_num_workers": workers, "packing": packing, "cutoff_len": 120, "max_steps": -1}
    run = train(tiny_folder, rows, **settings)
    told = [e.rows for e in read_events(run.events_path) if isinstance(e, Metrics) and e.rows]
    assert len(told) > 1
    assert {file for step in told for file in step} == {str(rows)}
    if not packing:
        assert [len(step[str(rows)]) for step in told] == [2] * 6
    assert sorted(number for step in told for number in step[str(rows)]) == [*range(1, 13)]
