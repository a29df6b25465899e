"""Formats and columns are told from the rows, and where they can't be, that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conch.core.errors import DataError
from conch.data.recognise import recognise
from conch.data.rows import Fault, Item, Row
from tests.data.made import ALPACA, BY_FORMAT, KINDS, OPENAI, ROW, SHAREGPT, as_csv, opened, row, write

ASKED = [{"from": "human", "value": "q"}]
ANSWER = {"from": "gpt", "value": "a"}
TURN = {"role": "assistant", "content": "a"}


def told(*rows: dict[str, Any]) -> tuple[str, dict[str, str]]:
    found = recognise([Row("a", i, values) for i, values in enumerate(rows, 1)], "a")
    named = found.layout.columns.named()
    keys = {key for values in rows for key in values}
    return found.format.name, {part: column for part, column in named.items() if column in keys}


@pytest.mark.parametrize("format", BY_FORMAT)
def test_every_format_is_recognised_by_its_own_rows(tmp_path: Path, format: str) -> None:
    found = opened(write(tmp_path / "a.jsonl", BY_FORMAT[format]))
    assert found.format.name == format
    assert found.recognised is not None
    assert (found.recognised.fitting, found.recognised.looked_at) == (2, 2)
    assert all(found.sample(item) for item in found.items() if isinstance(item, Row))


@pytest.mark.parametrize("name", [*KINDS, "a.txt"])
def test_every_kind_of_file_is_recognised(tmp_path: Path, name: str) -> None:
    content = b"some text\n" if name == "a.txt" else KINDS[name](ALPACA)
    assert opened(write(tmp_path / name, content)).format.name == ("text" if name == "a.txt" else "alpaca")


@pytest.mark.parametrize(
    ("values", "format", "columns"),
    [
        ({"question": "q", "answer": "a"}, "alpaca", {"prompt": "question", "response": "answer"}),
        ({"prompt": "q", "completion": "a"}, "alpaca", {"prompt": "prompt", "response": "completion"}),
        ({"input": "q", "output": "a"}, "alpaca", {"prompt": "input", "response": "output"}),
        ({"input": "q", "target": "a"}, "alpaca", {"prompt": "input", "response": "target"}),
        (
            {"instruction": "q", "context": "c", "response": "a"},
            "alpaca",
            {"prompt": "instruction", "query": "context", "response": "response"},
        ),
        (
            {"prompt": "p", "query": "q", "response": "r", "history": [], "system": "s"},
            "alpaca",
            {name: name for name in ("prompt", "query", "response", "history", "system")},
        ),
        ({"instruction": "q"}, "alpaca", {"prompt": "instruction"}),
        (
            {"prompt": [{"role": "user", "content": "q"}], "completion": [TURN]},
            "alpaca",
            {"prompt": "prompt", "response": "completion"},
        ),
        (
            {**ROW, "text": "the whole prompt"},
            "alpaca",
            {"prompt": "instruction", "query": "input", "response": "output"},
        ),
        (
            {"system_prompt": "s", "question": "q", "response": "r"},
            "alpaca",
            {"system": "system_prompt", "prompt": "question", "response": "response"},
        ),
        ({"messages": ASKED}, "sharegpt", {"messages": "messages"}),
        ({"conversations": [TURN]}, "openai", {"messages": "conversations"}),
        ({"messages": [TURN], "prompt": "p", "prompt_id": "1"}, "openai", {"messages": "messages"}),
        ({"messages": '[{"role": "user", "content": "q"}]'}, "openai", {"messages": "messages"}),
        ({"messages": [TURN], "tools": "[]"}, "openai", {"messages": "messages", "tools": "tools"}),
        (
            {"question": "q", "chosen": "a", "rejected": "b", "system": "s"},
            "pairwise",
            {"prompt": "question", "chosen": "chosen", "rejected": "rejected", "system": "system"},
        ),
        (
            {"conversations": ASKED, "chosen": ANSWER, "rejected": ANSWER},
            "pairwise",
            {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        ),
        (
            {"chosen": [TURN, TURN], "rejected": [TURN, TURN]},
            "pairwise",
            {"chosen": "chosen", "rejected": "rejected"},
        ),
        (
            {"prompt": "q", "completion": "a", "label": True},
            "kto",
            {"prompt": "prompt", "response": "completion", "kto_tag": "label"},
        ),
        ({"messages": [TURN], "label": False}, "kto", {"messages": "messages", "kto_tag": "label"}),
        (
            {"instruction": "q", "output": "a", "label": "sports"},
            "alpaca",
            {"prompt": "instruction", "response": "output"},
        ),
        ({"text": "x", "source": "y"}, "text", {"prompt": "text"}),
        ({"content": "x"}, "text", {"prompt": "content"}),
    ],
)
def test_columns_under_other_names(values: dict[str, Any], format: str, columns: dict[str, str]) -> None:
    assert told(values) == (format, columns)


def test_most_rows_decide() -> None:
    found = recognise([row(**ROW)] * 8 + [row(**OPENAI[0])] * 3 + [row(x="y")], "a")
    assert (found.format.name, found.fitting, found.looked_at) == ("alpaca", 8, 12)


def test_a_table_of_messages(tmp_path: Path) -> None:
    import json

    rows = [{"messages": json.dumps(values["messages"])} for values in OPENAI]
    found = opened(write(tmp_path / "a.csv", as_csv(rows)))
    assert found.format.name == "openai"
    assert len([found.sample(item) for item in found.items() if isinstance(item, Row)]) == 2


@pytest.mark.parametrize(
    ("rows", "key", "told"),
    [
        ([{"a": "b"}], "data.unrecognised", ["a", "alpaca, sharegpt, openai"]),
        ([{}], "data.unrecognised", ["-"]),
        ([{**ROW, **OPENAI[0]}], "data.several_formats", ["alpaca, openai"]),
        ([ROW, OPENAI[0]], "data.several_formats", ["alpaca, openai"]),
        (
            [{"instruction": "q", "response": "a", "answer": "b"}],
            "data.several_columns",
            ["response, answer"],
        ),
        ([{"prompt": "q", "question": "p", "answer": "b"}], "data.several_columns", ["prompt, question"]),
        ([{"messages": ASKED, "conversations": ASKED}], "data.several_columns", ["messages, conversations"]),
        (
            [{"prompt": "q", "completion": "a", "label": True, "chosen": "a", "rejected": "b"}],
            "data.several_formats",
            ["pairwise", "kto"],
        ),
    ],
)
def test_it_does_not_guess(rows: list[dict[str, Any]], key: str, told: list[str]) -> None:
    with pytest.raises(DataError) as error:
        recognise([row(**values) for values in rows], "/data/x.json")
    assert error.value.key == key
    assert "/data/x.json" in error.value.message
    assert all(word in error.value.message + error.value.hint for word in told)
    assert "conch data add" in error.value.hint


def test_what_must_be_one_format_is_only_that() -> None:
    both = [row(**ROW, **SHAREGPT[0])]
    assert recognise(both, "a", "sharegpt").format.name == "sharegpt"
    with pytest.raises(DataError) as error:
        recognise(both, "a", "kto")
    assert error.value.key == "data.not_of_format"


def test_without_a_row_the_first_fault_is_told() -> None:
    faults: list[Item] = [Fault(DataError("data.damaged", file="a", reason="x"))]
    with pytest.raises(DataError) as error:
        recognise(faults, "a")
    assert error.value.key == "data.damaged"
    with pytest.raises(DataError) as error:
        recognise([], "a")
    assert error.value.key == "data.empty"
