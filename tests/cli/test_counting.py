"""The number of rows while a person waits: in a terminal only, and gone afterwards."""

from __future__ import annotations

import sys

import pytest

from conch.cli import counting as module
from conch.cli.counting import counting


def count(monkeypatch: pytest.MonkeyPatch, *, watched: bool, seconds: float) -> None:
    monkeypatch.setattr(module, "SECONDS", seconds)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched, raising=False)
    with counting() as told:
        told(1)
        told(2)


def test_rows_are_counted_on_one_line_that_is_cleared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    count(monkeypatch, watched=True, seconds=0)
    assert capsys.readouterr().err == "\r1 rows …\r2 rows …\r\033[K"


@pytest.mark.parametrize(("watched", "seconds"), [(False, 0), (True, 60)])
def test_nothing_is_told_where_nobody_watches_or_it_is_quick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], watched: bool, seconds: float
) -> None:
    count(monkeypatch, watched=watched, seconds=seconds)
    assert capsys.readouterr().err == ""
