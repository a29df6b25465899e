"""/v1: plain and streamed, and what is refused."""

from __future__ import annotations

import pytest

from conch.inference.engine import Request
from tests.server.scripted import (
    ANSWER,
    TEMPLATE,
    chat_body,
    client_of,
    events,
    prompt_of,
    scripted_chat,
    service_of,
    streamed_texts,
)

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def test_chat(client):
    document = client.post(CHAT, json=chat_body()).json()
    assert document["object"] == "chat.completion"
    assert document["model"] == "base"
    assert document["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert document["usage"]["prompt_tokens"] == len(prompt_of("Who are you?"))


def test_chat_stream_has_openais_form(client):
    body = chat_body(stream=True, stream_options={"include_usage": True})
    answer = client.post(CHAT, json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    first, *middle, last, usage = events(answer.text.splitlines())
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert all("role" not in event["choices"][0]["delta"] for event in middle)
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"] == client.post(CHAT, json=chat_body()).json()["usage"]
    assert all(event["usage"] is None for event in (first, *middle, last))
    assert len({event["id"] for event in (first, *middle, last, usage)}) == 1


def test_a_stream_without_usage_names_none(client):
    answer = client.post(CHAT, json=chat_body(stream=True))
    assert all("usage" not in event for event in events(answer.text.splitlines()))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"max_tokens": 1},
        {"max_tokens": 23},
        {"stop": "神奇"},
        {"stop": ["never", "conch 🐚"]},
        {"n": 3},
        {"n": 2, "stop": "magic", "max_tokens": 12},
    ],
)
def test_streamed_equals_unstreamed(client, more):
    plain = client.post(CHAT, json=chat_body(**more)).json()["choices"]
    assert streamed_texts(client, CHAT, chat_body(**more)) == [
        choice["message"]["content"] for choice in plain
    ]
    body = {"model": "base", "prompt": ["one", "two"], **more}
    plain = client.post(TEXT, json=body).json()["choices"]
    assert streamed_texts(client, TEXT, body) == [choice["text"] for choice in plain]
    assert [choice["index"] for choice in plain] == list(range(2 * more.get("n", 1)))


@pytest.mark.parametrize("stop", ["conch", "the magic conch", "🐚", "神", "c", "。", ANSWER])
def test_stop_strings_end_the_answer_and_are_never_shown(client, stop):
    document = client.post(CHAT, json=chat_body(stop=stop)).json()
    assert document["choices"][0]["message"]["content"] == ANSWER.partition(stop)[0]
    assert document["choices"][0]["finish_reason"] == "stop"
    answer = client.post(CHAT, json=chat_body(stop=stop, stream=True))
    pieces = [event["choices"][0]["delta"].get("content", "") for event in events(answer.text.splitlines())]
    assert "".join(pieces) == ANSWER.partition(stop)[0]
    # the work ends there: what comes after the stop string is not computed
    made = document["usage"]["completion_tokens"]
    assert made <= len(TEMPLATE.encode(ANSWER))
    assert made < len(TEMPLATE.encode(ANSWER)) or ANSWER.endswith(stop)


def test_a_stop_string_that_only_begins_is_shown(client):
    document = client.post(CHAT, json=chat_body(stop="。and more")).json()
    assert document["choices"][0]["message"]["content"] == ANSWER
    assert streamed_texts(client, CHAT, chat_body(stop="。and more")) == [ANSWER]


def test_finish_reason_length(client):
    document = client.post(CHAT, json=chat_body(max_completion_tokens=4)).json()
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["completion_tokens"] == 4


def test_n_answers_are_drawn_with_their_own_seeds():
    seeds = []

    def answer(request: Request) -> str:
        seeds.append(request.sampling.seed)
        return f"seed {request.sampling.seed}"

    client = client_of(service_of(scripted_chat(answer)))
    document = client.post(CHAT, json=chat_body(n=2, seed=5)).json()
    assert [choice["message"]["content"] for choice in document["choices"]] == ["seed 5", "seed 6"]
    assert seeds == [5, 6]
    assert document["usage"]["prompt_tokens"] == len(prompt_of("Who are you?"))


def test_content_may_be_text_parts_and_developer_is_system():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "yes"

    client = client_of(service_of(scripted_chat(answer)))
    turns = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": "three", "refusal": None, "tool_calls": None, "annotations": []},
        {"role": "user", "content": "four"},
    ]
    assert client.post(CHAT, json={"model": "base", "messages": turns}).status_code == 200
    text = TEMPLATE.tokenizer.decode(list(seen[0].prompt))
    assert text.startswith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\none\ntwo<|im_end|>\n")


def test_completions_read_raw_text():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return " and so on"

    client = client_of(service_of(scripted_chat(answer)))
    document = client.post(TEXT, json={"model": "base", "prompt": "Once"}).json()
    assert document["object"] == "text_completion"
    assert document["choices"][0] == {
        "index": 0,
        "text": " and so on",
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert list(seen[0].prompt) == TEMPLATE.encode("Once")


def test_models(client):
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [(card["id"], card["parent"]) for card in listed["data"]] == [("base", None), ("shop", "base")]
    assert client.get("/v1/models/shop").json() == listed["data"][1]


def test_names_with_slashes_are_found():
    from conch.server.service import Served, Service

    client = client_of(Service([Served("org/name", scripted_chat())]))
    assert client.get("/v1/models/org/name").json()["id"] == "org/name"
    assert client.get("/v1/models/org%2Fname").json()["id"] == "org/name"


HARMLESS = {
    "tools": [],
    "tool_choice": "none",
    "logit_bias": {},
    "logprobs": False,
    "frequency_penalty": 0,
    "presence_penalty": 0.0,
    "response_format": {"type": "text"},
    "user": "me",
    "temperature": None,
    "stop": None,
}


def test_fields_that_ask_for_nothing_are_fine(client):
    assert client.post(CHAT, json=chat_body(**HARMLESS)).status_code == 200
    body = {"model": "base", "prompt": "x", "echo": False, "best_of": 1, "logprobs": None, "suffix": None}
    assert client.post(TEXT, json=body).status_code == 200
