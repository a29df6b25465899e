"""Alpaca rows become conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.core.conversation import Message, Origin
from conch.core.errors import DataError
from conch.data.mapping import alpaca
from conch.data.sources import Columns, Row
from tests.properties import quick, texts

ALL = Columns(system="system", history="history")
spoken = texts.filter(lambda text: bool(text.strip()))


def row(**values: Any) -> Row:
    return Row(Path("/data/a.json"), 7, values)


def said(columns: Columns = ALL, default_system: str | None = None, **values: Any) -> list[tuple[str, str]]:
    conversation = alpaca(row(**values), columns, default_system)
    return [(message.role, message.content) for message in conversation.messages]


def test_instruction_and_input_are_joined() -> None:
    both = said(instruction="Translate:", input="海螺", output="conch")
    assert both == [("user", "Translate:\n海螺"), ("assistant", "conch")]
    for nothing in ({}, {"input": ""}, {"input": None}, {"input": " "}):
        assert said(instruction="Hi", output="Ho", **nothing) == [("user", "Hi"), ("assistant", "Ho")]


@pytest.mark.parametrize("blank", ["", " ", None])
def test_the_question_may_stand_in_the_input_alone(blank: str | None) -> None:
    assert said(instruction=blank, input="Hi", output="Ho") == [("user", "Hi"), ("assistant", "Ho")]


def test_a_missing_question_is_missing_although_there_is_an_input() -> None:
    with pytest.raises(DataError) as error:
        said(input="Hi", output="Ho")
    assert error.value.key == "data.no_column"


def test_the_rows_own_system_text_beats_the_default() -> None:
    values = {"instruction": "q", "output": "a"}
    assert said(system="mine", default_system="default", **values)[0] == ("system", "mine")
    assert said(system="", default_system="default", **values)[0] == ("system", "default")
    assert said(default_system="default", **values)[0] == ("system", "default")
    assert said(**values)[0] == ("user", "q")


@quick
@given(st.lists(st.tuples(texts, texts), max_size=3), spoken, spoken)
def test_history_comes_first_and_roles_take_turns(
    history: list[tuple[str, str]], question: str, answer: str
) -> None:
    turns = said(history=[list(turn) for turn in history], instruction=question, output=answer)
    assert [role for role, _ in turns] == ["user", "assistant"] * (len(history) + 1)
    assert [text for _, text in turns] == [*(text for turn in history for text in turn), question, answer]


def test_a_conversation_knows_where_it_came_from() -> None:
    conversation = alpaca(row(instruction="q", output="a"), Columns())
    assert conversation.origin == Origin("/data/a.json", 7)
    assert all(message.trained for message in conversation.messages)
    assert conversation.messages[-1] == Message("assistant", "a")


@pytest.mark.parametrize(
    "history", ["text", 3, [["a"]], [["a", "b", "c"]], [["a", 1]], ["ab"], [["a", None]], {"a": 1}]
)
def test_history_that_is_none(history: Any) -> None:
    with pytest.raises(DataError) as error:
        said(history=history, instruction="q", output="a")
    assert (error.value.key, error.value.values["row"]) == ("data.history", 7)
    assert error.value.hint


@pytest.mark.parametrize("column", ["instruction", "input", "output", "system", "history"])
def test_half_a_letter_is_refused_wherever_it_stands(column: str) -> None:
    values: dict[str, Any] = {"instruction": "q", "output": "a"}
    values[column] = [["a", "\udc1a"]] if column == "history" else "x\udc1a"
    with pytest.raises(DataError) as error:
        said(**values)
    assert error.value.key == "data.half_letter"
    assert (error.value.values["column"], error.value.values["half"]) == (column, "\\udc1a")
