"""Chat: tools, forms, thoughts, log-probabilities and prefilled answers, plain and streamed alike."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from conch.core.conversation import Message
from conch.data.template import ChatTemplate
from conch.inference.engine import Request
from tests.server.scripted import (
    ANSWER,
    TEMPLATE,
    TOOLS_TEMPLATE,
    chat_body,
    client_of,
    events,
    scripted_chat,
    service_of,
)
from tests.server.test_errors import told
from tests.tiny import tiny_tokenizer

CHAT = "/v1/chat/completions"
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
}
LOOK = {"type": "function", "function": {"name": "look"}}
CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'


def client_that_says(answer, template: ChatTemplate = TOOLS_TEMPLATE):
    """A client, and the requests that its engine sees."""
    seen: list[Request] = []

    def script(request: Request) -> str:
        seen.append(request)
        return answer

    return client_of(service_of(scripted_chat(script, template=template))), seen


def text_of(request: Request) -> str:
    return TEMPLATE.tokenizer.decode(list(request.prompt))


def both(client, body: dict) -> tuple[dict, dict]:
    """The first choice, plain, and put together from a stream."""
    answer = client.post(CHAT, json=body)
    assert answer.status_code == 200, answer.text
    plain = answer.json()["choices"][0]
    whole: dict = {"message": {"content": None}, "logprobs": None}
    for event in events(client.post(CHAT, json={**body, "stream": True}).text.splitlines()):
        choice = event["choices"][0]
        _merge(whole["message"], choice["delta"])
        whole["finish_reason"] = choice["finish_reason"]
        if choice["logprobs"]:
            whole["logprobs"] = whole["logprobs"] or {"content": []}
            whole["logprobs"]["content"] += choice["logprobs"]["content"]
    return plain, whole


def _merge(message: dict, delta: dict) -> None:
    for name in ("content", "reasoning_content"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for call in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if call["index"] == len(calls):
            assert call["id"]
            calls.append({"function": {"name": call["function"]["name"], "arguments": ""}})
        calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]


def calls_of(choice: dict) -> list[tuple[str, str]]:
    calls = choice["message"].get("tool_calls") or []
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


def test_a_call_is_found_and_the_model_is_told_of_the_tools():
    client, seen = client_that_says(CALL)
    plain, streamed = both(client, chat_body(tools=[ADD, LOOK]))
    for choice in (plain, streamed):
        assert calls_of(choice) == [("add", '{"a": 1}')]
        assert choice["message"]["content"] is None
        assert choice["finish_reason"] == "tool_calls"
    assert plain["message"]["tool_calls"][0]["id"].startswith("call_")
    assert '"name": "look"' in text_of(seen[0])
    assert seen[0].grammar is None


@pytest.mark.parametrize("parallel", [True, False])
def test_several_calls(parallel):
    client, _ = client_that_says(f"Let me.\n{CALL}\n{CALL}")
    plain, streamed = both(client, chat_body(tools=[ADD], parallel_tool_calls=parallel))
    for choice in (plain, streamed):
        assert len(calls_of(choice)) == (2 if parallel else 1)
        assert choice["message"]["content"] == "Let me."


def test_text_stays_text_where_no_tools_are_offered():
    client, seen = client_that_says(CALL)
    for more in ({}, {"tools": [ADD], "tool_choice": "none"}, {"tools": []}):
        plain, streamed = both(client, chat_body(**more))
        assert plain["message"]["content"] == streamed["message"]["content"] == CALL
        assert plain["finish_reason"] == "stop"
        assert "add" not in text_of(seen[-1])


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "add"}}], ids=["required", "named"]
)
def test_a_call_that_must_be_made_is_begun_and_held_to_its_schema(choice):
    client, seen = client_that_says('{"name": "add", "arguments": {"a": 1}}')
    plain, streamed = both(client, chat_body(tools=[ADD, LOOK], tool_choice=choice))
    assert calls_of(plain) == calls_of(streamed) == [("add", '{"a": 1}')]
    assert plain["finish_reason"] == "tool_calls"
    assert text_of(seen[0]).endswith("<|im_start|>assistant\n<tool_call>\n")
    assert '"integer"' in seen[0].grammar
    assert ("look" in seen[0].grammar) == (choice == "required")


def test_strict_tools_hold_every_call():
    client, seen = client_that_says(CALL)
    strict = {"type": "function", "function": {**ADD["function"], "strict": True}}
    plain, _ = both(client, chat_body(tools=[strict]))
    assert calls_of(plain) == [("add", '{"a": 1}')]
    assert "TEXT" in seen[0].grammar
    assert "strict" not in text_of(seen[0])


def test_results_of_calls_are_shown_to_the_model():
    client, seen = client_that_says("Two.")
    made = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    turns = [
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": None, "tool_calls": [made], "refusal": None},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]
    answer = client.post(CHAT, json={"model": "base", "messages": turns, "tools": [ADD]})
    assert answer.json()["choices"][0]["message"]["content"] == "Two."
    assert CALL in text_of(seen[0])
    assert text_of(seen[0]).endswith("<|im_start|>tool\n2<|im_end|>\n<|im_start|>assistant\n")


def test_json_object_and_schema_hold_the_answer():
    client, seen = client_that_says('{"a": 1}')
    formats = [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "array"}}},
    ]
    for form in formats:
        assert client.post(CHAT, json=chat_body(response_format=form)).status_code == 200
    assert '"object"' in seen[0].grammar
    assert '"array"' in seen[1].grammar
    client.post(CHAT, json=chat_body(response_format={"type": "text"}))
    assert seen[2].grammar is None


THINKS = "{% for m in messages %}[{{ m.role }}]{{ m.content }}<|im_end|>{% endfor %}[assistant]"
SWITCHED = THINKS + (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
OPENS = THINKS + "<think>\n"


def template_of(source: str) -> ChatTemplate:
    return ChatTemplate.of(tiny_tokenizer(source))


@pytest.mark.parametrize(
    ("source", "answer"),
    [(SWITCHED, "<think>\nHm. \n</think>\n\nYes."), (OPENS, "Hm.\n</think>\n\nYes.")],
    ids=["own", "opened"],
)
def test_thoughts_are_told_apart(source, answer):
    client, _ = client_that_says(answer, template_of(source))
    plain, streamed = both(client, chat_body())
    for choice in (plain, streamed):
        assert choice["message"]["reasoning_content"] == "Hm."
        assert choice["message"]["content"] == "Yes."
    assert client.get("/generate?prompt=x").json()["generated_text"] == "Yes."


@pytest.mark.parametrize(
    "more",
    [
        {"enable_thinking": False},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"reasoning_effort": "none"},
    ],
)
@pytest.mark.parametrize("source", [SWITCHED, OPENS], ids=["own", "opened"])
def test_thinking_can_be_switched_off(source, more):
    client, seen = client_that_says("Yes.", template_of(source))
    plain, streamed = both(client, chat_body(**more))
    assert plain["message"]["content"] == streamed["message"]["content"] == "Yes."
    assert "reasoning_content" not in plain["message"]
    assert text_of(seen[0]).endswith("</think>\n\n")
    assert client.post(CHAT, json=chat_body(enable_thinking=True)).status_code == 200


def test_a_form_closes_the_thought_that_the_prompt_opens():
    client, seen = client_that_says("{}", template_of(OPENS))
    client.post(CHAT, json=chat_body(response_format={"type": "json_object"}))
    assert text_of(seen[0]).endswith("</think>\n\n")


def test_an_assistants_last_message_is_gone_on_with():
    client, seen = client_that_says(" magic conch.", TEMPLATE)
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "I am the"}]
    answer = client.post(CHAT, json={"model": "base", "messages": turns})
    assert answer.json()["choices"][0]["message"]["content"] == " magic conch."
    assert text_of(seen[0]).endswith("<|im_start|>assistant\nI am the")
    client.post(CHAT, json={"model": "base", "messages": turns, "continue_final_message": False})
    assert text_of(seen[1]).endswith("I am the<|im_end|>\n<|im_start|>assistant\n")


def test_log_probabilities():
    client, seen = client_that_says(ANSWER, TEMPLATE)
    plain, streamed = both(client, chat_body(logprobs=True, top_logprobs=1))
    assert plain["logprobs"]["content"] == streamed["logprobs"]["content"]
    tokens = plain["logprobs"]["content"]
    assert b"".join(bytes(token["bytes"]) for token in tokens).decode() == ANSWER
    assert {token["logprob"] for token in tokens} == {math.log(0.5)}
    assert tokens[0]["top_logprobs"][0]["token"] == tokens[0]["token"]
    assert seen[0].top == 1
    plain, _ = both(client, chat_body(logprobs=True))
    assert plain["logprobs"]["content"][0]["top_logprobs"] == []
    assert client.post(CHAT, json=chat_body()).json()["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("stop", ["conch", "magic c", "🐚"])
def test_log_probabilities_do_not_show_the_stop_string(stop):
    client, _ = client_that_says(ANSWER, TEMPLATE)
    plain, streamed = both(client, chat_body(logprobs=True, stop=stop))
    assert plain["logprobs"]["content"] == streamed["logprobs"]["content"]
    shown = b"".join(bytes(token["bytes"]) for token in plain["logprobs"]["content"])
    before = ANSWER.partition(stop)[0]
    assert shown
    assert before.encode().startswith(shown)


def test_sampling_reaches_the_engine():
    client, seen = client_that_says("x", TEMPLATE)
    asked = {
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "min_p": 0.05,
        "logit_bias": {"7": -100, "9": 2.5},
        "seed": 4,
        "max_completion_tokens": 5,
        "n": None,
        "top_p": None,
    }
    assert client.post(CHAT, json=chat_body(**asked)).status_code == 200
    sampling = seen[0].sampling
    assert sampling.logit_bias == ((7, -100.0), (9, 2.5))
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (0.5, 0.25)
    assert (sampling.min_p, sampling.seed, sampling.max_new_tokens) == (0.05, 4, 5)


def test_a_template_without_calls_is_told():
    client, _ = client_that_says("x", replace(TEMPLATE))
    error = told(client.post(CHAT, json=chat_body(tools=[ADD])), 400)
    assert (error["code"], error["param"]) == ("no_tools", "tools")
    assert client.post(CHAT, json=chat_body(tools=[ADD], tool_choice="none")).status_code == 200


def test_schemas_that_no_answer_can_be_held_to():
    client, _ = client_that_says("x")
    for schema in ({"type": "nonsense"}, {"$ref": "http://example.com/x"}, {"anyOf": []}):
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        error = told(client.post(CHAT, json=chat_body(response_format=form)), 400)
        assert (error["code"], error["param"]) == ("bad_schema", "response_format.json_schema.schema")
        tool = {"type": "function", "function": {"name": "x", "parameters": schema}}
        error = told(client.post(CHAT, json=chat_body(tools=[tool])), 400)
        assert error["param"] == "tools[0].function.parameters"


def test_every_call_form_of_the_bundled_templates_is_read_as_it_is_written():
    """What a template writes of a call is what is read back as one."""
    from conch.core.conversation import ToolCall
    from conch.inference.calls import writing_of
    from conch.inference.reading import CallReader

    call = Message("assistant", "", tool_calls=(ToolCall("add", {"a": [1, "}"]}, "call00000"),))
    read = 0
    for name in ("chatml", "qwen3", "qwen", "llama3", "mistral", "granite", "glm4", "deepseek3", "phi4"):
        template = ChatTemplate.of(tiny_tokenizer(None), name)
        writing = writing_of(template)
        if writing is None:
            continue
        _, written = template.turn([Message("user", "?")], call, tools=[ADD])
        fragments = CallReader(writing, {"add"}).push(written, last=True)
        assert [fragment.text for fragment in fragments if fragment.kind == "call"] == ["add"], name
        arguments = "".join(fragment.text for fragment in fragments if fragment.kind == "arguments")
        assert json.loads(arguments) == {"a": [1, "}"]}
        assert not [fragment for fragment in fragments if fragment.kind == "said"]
        read += 1
    assert read >= 2
