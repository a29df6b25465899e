"""Columns and lines in a terminal, Chinese among them."""

from __future__ import annotations

import pytest

from conch.cli.layout import columns, fold, pad, width_of


def test_a_chinese_character_takes_two_places() -> None:
    assert width_of("ab") == 2
    assert width_of("状态ab，") == 8
    assert width_of("e\u0301") == 1
    assert pad("状态", 6) == "状态  "
    assert pad("状态", 6, right=True) == "  状态"
    assert pad("longer", 2) == "longer"


def test_columns_begin_at_the_same_place_whatever_stands_before_them() -> None:
    lines = list(columns([["编号", "state", "1"], ["a", "进行中", "1000"], ["abc"]], right={2}))
    assert lines == ["编号  state      1", "a     进行中  1000", "abc"]
    assert list(columns([])) == []


def test_a_long_last_cell_moves_no_other() -> None:
    path = "/a/very/long/path" * 20
    first, second = columns([["a", path], ["b", "x"]])
    assert first == f"a  {path}"
    assert second == "b  x"


@pytest.mark.parametrize("text", ["one two three four five six", "你好，我是神奇海螺，汉堡店的助手。", "短"])
def test_folded_lines_fit_and_lose_nothing(text: str) -> None:
    folded = fold(text, 3, 12)
    lines = folded.splitlines()
    assert all(width_of(line) <= 12 for line in lines)
    assert all(line.startswith("   ") for line in lines[1:])
    assert "".join(folded.split()) == "".join(text.split())


def test_a_word_is_not_broken_and_no_line_begins_with_a_closing_sign() -> None:
    path = "/tmp/a-path-that-is-longer-than-the-line"
    assert fold(f"see {path} there", 2, 10).splitlines() == ["see", f"  {path}", "  there"]
    assert fold("一二三四五。六", 0, 10).splitlines() == ["一二三四", "五。六"]


def test_what_no_terminal_shows_stays_one_line() -> None:
    assert fold("word " * 100) == "word " * 100
