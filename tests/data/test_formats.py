"""Rows of every format become samples, and rows that can't are told by row and column."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.core.conversation import Conversation, Document, Feedback, Message, Origin, Preference, ToolCall
from conch.core.errors import RowError
from conch.data.formats import FORMATS
from conch.data.layout import ALPACA, OPENAI, OPENAI_TAGS, SHAREGPT, SHAREGPT_TAGS, Columns, Layout
from tests.data.made import BY_FORMAT, KTO, PAIRWISE, row, said
from tests.data.made import OPENAI as OPENAI_ROWS
from tests.data.made import SHAREGPT as SHAREGPT_ROWS
from tests.properties import quick, texts

ALL = replace(ALPACA, columns=replace(ALPACA.columns, system="system", history="history", tools="tools"))
TOOLS = replace(SHAREGPT, columns=replace(SHAREGPT.columns, tools="tools"))
spoken = texts.filter(lambda text: bool(text.strip()))


def read(format: str, layout: Layout | None = None, default_system: str | None = None, **values: Any) -> Any:
    kind = FORMATS[format]
    return kind.read(row(**values), layout or kind.layout, default_system)


def alpaca(default_system: str | None = None, **values: Any) -> list[tuple[str, str]]:
    return said(read("alpaca", ALL, default_system, **values))


def error_of(format: str, layout: Layout | None = None, **values: Any) -> RowError:
    with pytest.raises(RowError) as error:
        read(format, layout, **values)
    assert error.value.values["row"] == 7
    assert error.value.message.startswith("/data/a.json row 7: ")
    assert error.value.hint
    return error.value


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_reads_its_own_rows_and_knows_where_they_came_from(format: str) -> None:
    layout = FORMATS[format].layout
    layout = replace(layout, columns=replace(layout.columns, tools="tools"))
    for values in BY_FORMAT[format]:
        sample = read(format, layout, **values)
        assert type(sample) is FORMATS[format].sample
        assert sample.origin == Origin("/data/a.json", 7)


# alpaca


def test_instruction_and_input_are_joined() -> None:
    both = alpaca(instruction="Translate:", input="海螺", output="conch")
    assert both == [("user", "Translate:\n海螺"), ("assistant", "conch")]
    for nothing in ({}, {"input": ""}, {"input": None}, {"input": " "}):
        assert alpaca(instruction="Hi", output="Ho", **nothing) == [("user", "Hi"), ("assistant", "Ho")]


@pytest.mark.parametrize("blank", ["", " ", None])
def test_the_question_may_stand_in_the_input_alone(blank: str | None) -> None:
    assert alpaca(instruction=blank, input="Hi", output="Ho") == [("user", "Hi"), ("assistant", "Ho")]


def test_a_missing_question_is_missing_although_there_is_an_input() -> None:
    assert error_of("alpaca", input="Hi", output="Ho").key == "check.no_column"


def test_the_rows_own_system_text_beats_the_default() -> None:
    values = {"instruction": "q", "output": "a"}
    assert alpaca(system="mine", default_system="default", **values)[0] == ("system", "mine")
    assert alpaca(system="", default_system="default", **values)[0] == ("system", "default")
    assert alpaca(default_system="default", **values)[0] == ("system", "default")
    assert alpaca(**values)[0] == ("user", "q")


@quick
@given(st.lists(st.tuples(spoken, spoken), max_size=3), spoken, spoken)
def test_history_comes_first_and_roles_take_turns(
    history: list[tuple[str, str]], question: str, answer: str
) -> None:
    turns = alpaca(history=[list(turn) for turn in history], instruction=question, output=answer)
    assert [role for role, _ in turns] == ["user", "assistant"] * (len(history) + 1)
    assert [text for _, text in turns] == [*(text for turn in history for text in turn), question, answer]


def test_history_may_be_json_text_as_in_a_table() -> None:
    turns = alpaca(history='[["a", "b"]]', instruction="q", output="a")
    assert turns[:2] == [("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize(
    "history", ["text", 3, [["a"]], [["a", "b", "c"]], [["a", 1]], ["ab"], [["a", None]], {"a": 1}]
)
def test_history_that_is_none(history: Any) -> None:
    assert error_of("alpaca", ALL, history=history, instruction="q", output="a").key == "check.history"


@pytest.mark.parametrize("column", ["instruction", "input", "output", "system", "history"])
def test_half_a_letter_is_refused_wherever_it_stands(column: str) -> None:
    values: dict[str, Any] = {"instruction": "q", "output": "a"}
    values[column] = [["a", "\udc1a"]] if column == "history" else "x\udc1a"
    error = error_of("alpaca", ALL, **values)
    assert error.key == "check.half_letter"
    assert error.values["half"] == "\\udc1a"
    assert error.values["column"].startswith(column)


@pytest.mark.parametrize(
    ("changes", "key", "column"),
    [
        ({"output": None}, "check.null", "output"),
        ({"output": ""}, "check.empty", "output"),
        ({"output": " \n"}, "check.blank", "output"),
        ({"output": 3}, "check.not_text", "output"),
        ({"output": {"role": "assistant"}}, "check.not_text", "output"),
        ({"instruction": ""}, "check.empty", "instruction"),
        ({"instruction": None}, "check.null", "instruction"),
        ({"input": ["a"]}, "check.not_text", "input"),
        ({"history": [["a", " "]]}, "check.blank", "history[0][1]"),
        ({"tools": "no JSON"}, "check.tools", "tools"),
        ({"tools": [{"description": "no name"}]}, "check.tools", "tools"),
    ],
)
def test_cells_that_cannot_be_used(changes: dict[str, Any], key: str, column: str) -> None:
    error = error_of("alpaca", ALL, **{"instruction": "q", "output": "a", **changes})
    assert (error.key, error.values["column"]) == (key, column)


def test_prompt_and_completion_as_trl_writes_them() -> None:
    layout = Layout(Columns(prompt="prompt", response="completion"), OPENAI_TAGS)
    prompt = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    answer = {"role": "assistant", "content": "a"}
    found = read("alpaca", layout, prompt=prompt, completion=[answer])
    assert said(found) == [("system", "s"), ("user", "q"), ("assistant", "a")]
    error = error_of("alpaca", layout, prompt=prompt, completion=[answer, answer])
    assert error.key == "check.not_text"


def test_an_answer_that_is_json_text_stays_text() -> None:
    for answer in ('{"name": "conch"}', '[{"role": "assistant", "content": "x"}]'):
        assert alpaca(instruction="As JSON.", output=answer)[-1] == ("assistant", answer)


def test_a_prompt_may_be_turned_off() -> None:
    layout = Layout(Columns(query="q", response="a"), SHAREGPT_TAGS)
    assert said(read("alpaca", layout, q="Hi", a="Ho")) == [("user", "Hi"), ("assistant", "Ho")]
    assert error_of("alpaca", layout, a="Ho").key == "check.empty"


# lists of messages


def test_sharegpt_with_tools() -> None:
    found = read("sharegpt", TOOLS, **SHAREGPT_ROWS[1])
    call = ToolCall("weather", {"city": "Paris"})
    assert found.messages == (
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", '{"degrees": 20}'),
        Message("assistant", "20 degrees."),
    )
    assert found.tools == (
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},
    )


def test_openai_with_tools() -> None:
    layout = replace(OPENAI, columns=replace(OPENAI.columns, tools="tools"))
    found = read("openai", layout, **OPENAI_ROWS[1])
    calls = (ToolCall("weather", {"city": "Paris"}, "c1"), ToolCall("weather", {"city": "Rome"}, "c2"))
    assert found.messages[1:5] == (
        Message("user", "Weather?"),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "20", tool_call_id="c1"),
        Message("tool", '{"degrees": 25}', tool_call_id="c2"),
    )
    assert found.tools == tuple(OPENAI_ROWS[1]["tools"])


def test_nothing_is_added_to_samples_without_tools() -> None:
    """LLaMA-Factory's converter adds "detailed thinking off" to them."""
    for tools in ({}, {"tools": None}, {"tools": ""}, {"tools": []}, {"tools": "[]"}):
        found = read("openai", None, **{**OPENAI_ROWS[0], **tools})
        assert said(found) == [("user", "Hi"), ("assistant", "Ho")]
        assert found.tools == ()
    with_system = [{"role": "system", "content": "Be brief."}, *OPENAI_ROWS[0]["messages"]]
    assert said(read("openai", messages=with_system))[0] == ("system", "Be brief.")


def test_a_system_text_of_its_own_beats_column_and_default() -> None:
    layout = replace(OPENAI, columns=replace(OPENAI.columns, system="sys"))
    own = [{"role": "system", "content": "own"}, *OPENAI_ROWS[0]["messages"]]
    rest = OPENAI_ROWS[0]["messages"]
    assert said(read("openai", layout, "default", messages=own, sys="col"))[0] == ("system", "own")
    assert said(read("openai", layout, "default", messages=rest, sys="col"))[0] == ("system", "col")
    assert said(read("openai", layout, "default", messages=rest))[0] == ("system", "default")
    blank = [{"role": "system", "content": " "}, *rest]
    assert said(read("openai", layout, "default", messages=blank))[0] == ("system", "default")


def messages(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "q"}, *turns]}


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (
            {"role": "assistant", "content": "a", "reasoning_content": "so"},
            Message("assistant", "<think>\nso\n</think>\n\na"),
        ),
        ({"role": "assistant", "content": "a", "weight": 0}, Message("assistant", "a", trained=False)),
        ({"role": "assistant", "content": "a", "weight": 1}, Message("assistant", "a")),
        ({"role": "assistant", "content": "a", "tool_calls": None}, Message("assistant", "a")),
        ({"role": "assistant", "content": "a", "tool_calls": []}, Message("assistant", "a")),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            Message("assistant", "", tool_calls=(ToolCall("f", {}),)),
        ),
        ({"role": "function", "name": "f", "content": "1"}, Message("tool", "1", name="f")),
        ({"role": "tool", "content": None}, Message("tool", "")),
        ({"role": "tool", "content": [1, 2]}, Message("tool", "[1, 2]")),
        ({"role": "tool", "content": [{"type": "text", "text": "1"}]}, Message("tool", "1")),
        ({"role": "developer", "content": "be"}, Message("system", "be")),
        ({"role": "Assistant", "content": "a"}, Message("assistant", "a")),
    ],
)
def test_openai_messages_in_all_their_forms(turn: dict[str, Any], expected: Message) -> None:
    assert read("openai", **messages(turn)).messages[1] == expected


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ('{"name": "f", "arguments": {"x": 1}}', [ToolCall("f", {"x": 1})]),
        ('{"name": "f", "arguments": "{\\"x\\": 1}"}', [ToolCall("f", {"x": 1})]),
        ('{"name": "f", "parameters": {"x": 1}}', [ToolCall("f", {"x": 1})]),
        ('{"name": "f"}', [ToolCall("f", {})]),
        ('[{"name": "f"}, {"name": "g"}]', [ToolCall("f", {}), ToolCall("g", {})]),
        ({"name": "f", "arguments": {}}, [ToolCall("f", {})]),
    ],
)
def test_calls_as_turns_of_their_own(value: Any, calls: list[ToolCall]) -> None:
    talk = [{"from": "human", "value": "q"}, {"from": "function_call", "value": value}]
    assert read("sharegpt", conversations=talk).messages[1].tool_calls == tuple(calls)


def test_a_thought_before_a_call_is_kept() -> None:
    value = '<think>\nhm\n</think>\n\n{"name": "f"}'
    talk = [{"from": "human", "value": "q"}, {"from": "function_call", "value": value}]
    assert read("sharegpt", conversations=talk).messages[1].content == "<think>\nhm\n</think>"


@pytest.mark.parametrize(
    ("turn", "key", "column"),
    [
        ("text", "check.not_message", "messages[1]"),
        ({"content": "a"}, "check.no_role", "messages[1]"),
        ({"role": None, "content": "a"}, "check.no_role", "messages[1]"),
        ({"role": "wizard", "content": "a"}, "check.unknown_role", "messages[1]"),
        ({"role": "assistant"}, "check.null", "messages[1].content"),
        ({"role": "assistant", "content": " "}, "check.blank", "messages[1].content"),
        ({"role": "assistant", "content": 4}, "check.not_text", "messages[1].content"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "check.media", "messages[1].content"),
        ({"role": "function_call", "content": "no JSON"}, "check.tool_json", "messages[1].content"),
        ({"role": "function_call", "content": '{"arguments": {}}'}, "check.tool_json", "messages[1].content"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
            "check.tool_json",
            "messages[1].tool_calls",
        ),
        ({"role": "assistant", "tool_calls": "f()"}, "check.tool_json", "messages[1].tool_calls"),
        ({"role": "assistant", "tool_calls": {"f": 1}}, "check.tool_json", "messages[1].tool_calls"),
        ({"role": "assistant", "content": "x\ud83d"}, "check.half_letter", "messages[1].content"),
    ],
)
def test_messages_that_cannot_be_used(turn: Any, key: str, column: str) -> None:
    error = error_of("openai", **messages(turn))
    assert (error.key, error.values["column"]) == (key, column)


@pytest.mark.parametrize(
    ("value", "key"),
    [("text", "check.not_messages"), ([], "check.empty"), (None, "check.null"), (3, "check.not_messages")],
)
def test_lists_of_messages_that_are_none(value: Any, key: str) -> None:
    assert error_of("openai", messages=value).key == key
    assert error_of("sharegpt", conversations=value).key == key


def test_messages_may_be_json_text_as_in_a_table() -> None:
    assert said(read("openai", messages=json.dumps(OPENAI_ROWS[0]["messages"])))[1] == ("assistant", "Ho")


def test_own_tags_beat_the_usual_words() -> None:
    tags = replace(SHAREGPT_TAGS, role_tag="who", content_tag="what", user_tag="bot", assistant_tag="me")
    talk = [{"who": "bot", "what": "q"}, {"who": "me", "what": "a"}]
    found = read("sharegpt", replace(SHAREGPT, tags=tags), conversations=talk)
    assert said(found) == [("user", "q"), ("assistant", "a")]


# pairs


def test_pairs_of_texts() -> None:
    found = read("pairwise", **PAIRWISE[1])
    assert isinstance(found, Preference)
    assert said(found.prompt) == [("user", "Name?\nBe brief.")]
    assert (found.chosen.content, found.rejected.content) == ("Conch.", "I have none.")


def test_pairs_of_messages() -> None:
    columns = SHAREGPT.columns.changed({"chosen": "chosen", "rejected": "rejected"})
    found = read(
        "pairwise",
        Layout(columns, SHAREGPT_TAGS),
        conversations=[{"from": "human", "value": "q"}],
        chosen={"from": "gpt", "value": "good"},
        rejected={"from": "gpt", "value": "bad"},
    )
    assert (said(found.prompt), found.chosen.content) == ([("user", "q")], "good")


def test_pairs_of_whole_conversations() -> None:
    layout = Layout(FORMATS["pairwise"].layout.columns, OPENAI_TAGS)
    good, bad = {"role": "assistant", "content": "good"}, {"role": "assistant", "content": "bad"}
    asked = {"role": "user", "content": "q"}
    found = read("pairwise", layout, chosen=[asked, good], rejected=[asked, bad])
    assert (said(found.prompt), found.rejected.content) == ([("user", "q")], "bad")
    other = {"role": "user", "content": "p"}
    assert (
        error_of("pairwise", layout, chosen=[asked, good], rejected=[other, bad]).key == "check.other_prompt"
    )
    assert (
        error_of("pairwise", layout, chosen=[asked, good], rejected=[asked, other]).key
        == "check.not_an_answer"
    )
    one = read("pairwise", layout, instruction="q", chosen=[good], rejected=[bad])
    assert (one.chosen.content, one.rejected.content) == ("good", "bad")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"chosen": ""}, "check.empty"),
        ({"rejected": None}, "check.null"),
        ({"chosen": {"from": "human", "value": "x"}}, "check.not_an_answer"),
        ({"chosen": 3}, "check.not_text"),
    ],
)
def test_pairs_that_cannot_be_used(changes: dict[str, Any], key: str) -> None:
    assert error_of("pairwise", **{**PAIRWISE[0], **changes}).key == key
    lacking = {name: value for name, value in PAIRWISE[0].items() if name not in changes}
    assert error_of("pairwise", **lacking).key == "check.no_column"


# liked or not


@pytest.mark.parametrize(
    ("tag", "liked"),
    [(True, True), (False, False), ("true", True), ("False", False), ("1", True), ("0", False)],
)
def test_feedback_of_texts(tag: Any, liked: bool) -> None:
    found = read("kto", **{**KTO[0], "kto_tag": tag})
    assert isinstance(found, Feedback)
    assert (said(found.prompt), found.answer.content, found.liked) == (
        [("user", "Who are you?")],
        "The conch.",
        liked,
    )


def test_feedback_on_messages() -> None:
    layout = Layout(OPENAI.columns.changed({"kto_tag": "label"}), OPENAI_TAGS)
    found = read("kto", layout, **OPENAI_ROWS[0], label=False)
    assert (said(found.prompt), found.answer.content, found.liked) == ([("user", "Hi")], "Ho", False)
    open_end = OPENAI_ROWS[0]["messages"][:1]
    assert error_of("kto", layout, messages=open_end, label=True).key == "check.not_an_answer"


def test_feedback_as_trl_writes_it() -> None:
    columns = Columns(prompt="prompt", response="completion", kto_tag="label")
    found = read(
        "kto",
        Layout(columns, OPENAI_TAGS),
        prompt=[{"role": "user", "content": "q"}],
        completion=[{"role": "assistant", "content": "a"}],
        label=True,
    )
    assert (said(found.prompt), found.answer.content) == ([("user", "q")], "a")


@pytest.mark.parametrize("tag", ["maybe", None, 1, "", []])
def test_tags_that_are_none(tag: Any) -> None:
    assert error_of("kto", **{**KTO[0], "kto_tag": tag}).key == "check.not_a_tag"


# text


def test_text_is_a_document() -> None:
    assert read("text", text=" kept as it stands\n") == Document(
        " kept as it stands\n", Origin("/data/a.json", 7)
    )
    assert error_of("text", text="").key == "check.empty"
    assert error_of("text", other="x").key == "check.no_column"


# media


@pytest.mark.parametrize("part", ["images", "videos", "audios"])
def test_rows_with_media_are_not_half_read(part: str) -> None:
    layout = replace(OPENAI, columns=OPENAI.columns.changed({part: "media"}))
    assert error_of("openai", layout, **OPENAI_ROWS[0], media=["a.png"]).key == "check.media"
    assert isinstance(read("openai", layout, **OPENAI_ROWS[0], media=[]), Conversation)
