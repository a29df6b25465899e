"""Figures of a dataset agree with what training makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.data import DataConfig
from conch.data.measure import Measure
from conch.data.prepare import prepare
from conch.data.stats import CUTOFFS, Stats, stats
from conch.data.template import ChatTemplate
from tests.data.made import BY_FORMAT, OTHER, ROW, as_lines, opened, write
from tests.tiny import tiny_tokenizer

MEASURE = Measure(ChatTemplate.of(tiny_tokenizer()))


def of_lengths(*lengths: int) -> Stats:
    found = Stats("a", "alpaca")
    found.lengths.extend(lengths)
    return found


def test_figures_are_those_of_training(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, OTHER, {**ROW, "history": [["a", "b"]]}])
    found = stats(opened(file), MEASURE)
    facts = prepare(DataConfig(dataset=(str(file),)), MEASURE.template, 0).facts()
    assert (found.rows, found.tokens(), found.trained) == (3, facts.tokens, facts.trained_tokens)
    assert max(found.lengths) == facts.longest
    assert found.turns == {2: 2, 4: 1}
    assert found.languages == {"latin": 2, "zh": 1}
    told = found.to_dict(CUTOFFS)
    assert told["trained_share"] == round(found.trained / found.tokens(), 4)
    assert set(told["truncated"]) == {"256", "512", "1024", "2048", "4096"}


@pytest.mark.parametrize("format", BY_FORMAT)
def test_every_format_has_figures(tmp_path: Path, format: str) -> None:
    found = stats(opened(write(tmp_path / "a.jsonl", BY_FORMAT[format][:1])), MEASURE)
    assert (found.rows, found.unread) == (1, 0)
    assert found.trained > 0


def test_rows_that_cannot_be_used_are_counted_once(tmp_path: Path) -> None:
    lines = as_lines([ROW, {**ROW, "output": ""}]) + b"broken\nbroken\n"
    found = stats(opened(write(tmp_path / "a.jsonl", lines)), MEASURE)
    assert (found.rows, found.unread) == (1, 3)


def test_what_a_cutoff_would_truncate() -> None:
    found = of_lengths(10, 256, 257, 5000)
    assert [found.truncated(cutoff) for cutoff in CUTOFFS] == [2, 1, 1, 1, 1]


def test_a_histogram_has_every_length_in_one_bin() -> None:
    found = of_lengths(1, 16, 17, 32, 33, 300)
    bins = found.histogram()
    assert bins == [(1, 16, 2), (17, 32, 2), (33, 64, 1), (65, 128, 0), (129, 256, 0), (257, 512, 1)]
    assert found.quantiles() == {"min": 1, "p50": 17, "p90": 300, "p95": 300, "p99": 300, "max": 300}


def test_no_rows_have_no_figures() -> None:
    assert (of_lengths().histogram(), of_lengths().quantiles()) == ([], {})
    assert of_lengths().to_dict(CUTOFFS)["trained_share"] is None
