"""What evaluations left behind, as rows to sort and to filter, and the blind vote on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conch.evaluation.compare import Comparison, Said, write
from conch.evaluation.compare import Row as Compared
from conch.evaluation.predict import ANSWERS, RESULTS
from conch.webui.evaluations import Ballot, known, page_of, read

MARKS = [(10.0, 50.0, "b"), (60.0, 20.0, "a"), (30.0, 30.0, "tie"), (90.0, 10.0, "a")]


def comparison(metric: str = "rouge-l") -> Comparison:
    rows = [
        Compared(n, f"q{n}", "w", Said(f"a{n}", "stop", a), Said(f"b{n}", "stop", b), verdict)
        for n, (a, b, verdict) in enumerate(MARKS, 1)
    ]
    scores = {"a": {"rouge-l": 47.5}, "b": {"rouge-l": 27.5}}
    return Comparison("base", "tuned", "rows", metric, tuple(rows), scores)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(comparison(), tmp_path / "compared")
    return tmp_path / "compared"


def test_rows_are_filtered_and_sorted_by_what_changed(folder: Path) -> None:
    found = read(folder)
    assert found.compares
    assert [row.number for row in found.chosen("all", "row")] == [1, 2, 3, 4]
    assert [row.number for row in found.chosen("worse", "worst")] == [4, 2]
    assert [row.number for row in found.chosen("better", "worst")] == [1]
    assert [row.number for row in found.chosen("same", "row")] == [3]
    assert [row.number for row in found.chosen("all", "best")] == [1, 3, 2, 4]
    assert (found.rows[1].a, found.rows[1].before, found.rows[1].mark) == ("a2", 60.0, 20.0)


def test_a_lower_loss_is_better(tmp_path: Path) -> None:
    write(comparison("loss"), tmp_path / "loss")
    assert [row.number for row in read(tmp_path / "loss").chosen("all", "worst")] == [1, 3, 2, 4]


def test_one_model_alone(tmp_path: Path) -> None:
    lines = [{"prompt": "q", "predict": word, "label": "right"} for word in ("right", "wrong")]
    (tmp_path / ANSWERS).write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    (tmp_path / RESULTS).write_text('{"predict_rouge-l": 50.0}', encoding="utf-8")
    found = read(tmp_path)
    assert not found.compares
    assert found.scores == {"b": {"rouge-l": 50.0}}
    assert [(row.b, row.mark) for row in found.chosen("all", "worst")] == [("wrong", 0.0), ("right", 100.0)]


def test_votes_are_kept_counted_and_taken_back(folder: Path) -> None:
    ballot = Ballot(folder)
    assert len(ballot.pairs) == 4
    while (pair := ballot.next()) is not None:
        ballot.vote(pair.row, "left" if pair.left_is == "b" else "right")  # always for b
    again = Ballot(folder)
    assert again.next() is None
    assert (again.tally().a, again.tally().b, again.tally().ties) == (0, 4, 0)
    again.take_back()
    last = Ballot(folder)
    assert last.next() == last.pairs[-1]
    last.vote(last.pairs[-1].row, "tie")
    assert (last.tally().b, last.tally().ties) == (3, 1)


def test_what_is_no_evaluation_is_not_read(tmp_path: Path) -> None:
    assert known(lambda: read(tmp_path)) is None
    (tmp_path / "comparison.json").write_text("{}", encoding="utf-8")
    assert known(lambda: read(tmp_path)) is None


def test_pages() -> None:
    rows: list = list(range(45))
    assert page_of(rows, 1, 20) == (rows[:20], 1, 3)
    assert page_of(rows, 9, 20) == (rows[40:], 3, 3)
    assert page_of([], 1, 20) == ([], 1, 1)
