"""The page of runs: what is drawn, and when."""

from __future__ import annotations

from typing import Any

import pytest

from conch.core.events import Finished, Metrics, Queued, Started
from conch.runs import Run
from conch.runs.curves import Shelf
from conch.webui.pages import runs_one
from conch.webui.pages.runs import CURVES, Board

PLACES = 5 + len(CURVES)
"""What one run has beside its curves: the head, checkpoints, samples, log, settings."""
BEFORE = 5
"""Both halves, the list, what is compared, what it was drawn from."""


@pytest.fixture
def run(home: Any) -> Run:
    folder = home / "runs" / "20260101-000000-cafe"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("model_name_or_path: x\ndataset: [magic_conch]\n", encoding="utf-8")
    run = Run(folder)
    run.events.write(Queued)
    run.events.write(Started, pid=1)
    for step in range(1, 40):
        run.events.write(Metrics, step=step, total_steps=40, loss=3 / step, learning_rate=1e-4)
    run.events.write(Finished, step=40, train_seconds=9.0, tokens=9, tokens_per_second=1.0, loss=0.1)
    return run


def board() -> Board:
    return Board(Shelf(), PLACES)


def test_curves_of_a_run_come_before_what_they_mean(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = runs_one.diagnose
    monkeypatch.setattr(runs_one, "diagnose", lambda one: asked.append(one.id) or real(one))
    page = board()
    coming = page.come(run.id, "", "")
    first = next(coming)
    assert '"points"' in first[BEFORE + 1]
    assert not asked
    (second,) = coming
    assert asked == [run.id]
    assert len(first) == len(second) == BEFORE + PLACES
    assert second[BEFORE + 1] == first[BEFORE + 1]
    assert len(list(page.come(run.id, "", ""))) == 1, "what is known is shown at once"


def test_nothing_is_drawn_again_until_there_is_news(run: Run) -> None:
    page = board()
    drawn = page.show(run.id)
    seen = drawn[BEFORE - 1]
    quiet = page.tick(run.id, seen, "")
    assert len(quiet) == BEFORE + PLACES
    assert all(each["__type__"] == "update" and len(each) == 1 for each in quiet)
    run.events.write(Metrics, step=40, total_steps=40, loss=0.05)
    assert page.tick(run.id, seen, "")[BEFORE - 1] not in ("", seen)
