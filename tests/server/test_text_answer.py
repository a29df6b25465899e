"""Completions: token prompts, echo and log-probabilities, plain and streamed alike."""

from __future__ import annotations

import math

import pytest

from conch.inference.engine import Request
from tests.server.scripted import ANSWER, TEMPLATE, client_of, events, scripted_chat, service_of
from tests.server.test_errors import told

TEXT = "/v1/completions"
COIN = math.log(0.5)


def body(**more) -> dict:
    return {"model": "base", "prompt": "Who are you?", **more}


def streamed(client, request: dict) -> list[dict]:
    """What each answer of a streamed request adds up to."""
    whole: dict[int, dict] = {}
    for event in events(client.post(TEXT, json={**request, "stream": True}).text.splitlines()):
        choice = event["choices"][0]
        made = whole.setdefault(choice["index"], {"text": "", "logprobs": None})
        made["text"] += choice["text"]
        made["finish_reason"] = choice["finish_reason"]
        if choice["logprobs"] is not None:
            made["logprobs"] = made["logprobs"] or {name: [] for name in choice["logprobs"]}
            for name, values in choice["logprobs"].items():
                made["logprobs"][name] += values
    return [whole[index] for index in sorted(whole)]


@pytest.mark.parametrize(
    "more",
    [
        {"echo": True},
        {"logprobs": 0},
        {"logprobs": 1},
        {"logprobs": 2, "echo": True},
        {"echo": True, "max_tokens": 0, "logprobs": 1},
        {"echo": True, "max_tokens": 1, "logprobs": 1, "n": 2},
        {"logprobs": 1, "stop": "conch"},
        {"prompt": ["one", "two"], "echo": True},
        {"prompt": TEMPLATE.encode("one 🐚 two"), "echo": True, "logprobs": 1},
        {"prompt": [TEMPLATE.encode("one"), TEMPLATE.encode("神奇")], "echo": True},
    ],
)
def test_streamed_equals_plain(client, more):
    choices = client.post(TEXT, json=body(**more)).json()["choices"]
    for made, plain in zip(streamed(client, body(**more)), choices, strict=True):
        assert made == {name: plain[name] for name in ("text", "logprobs", "finish_reason")}


def test_echo_gives_the_prompt_first(client):
    answer = client.post(TEXT, json=body(echo=True)).json()
    assert answer["choices"][0]["text"] == "Who are you?" + ANSWER
    answer = client.post(TEXT, json=body(echo=True, max_tokens=0)).json()
    assert answer["choices"][0]["text"] == "Who are you?"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"] == {
        "prompt_tokens": len(TEMPLATE.encode("Who are you?")),
        "completion_tokens": 0,
        "total_tokens": len(TEMPLATE.encode("Who are you?")),
    }


def test_log_probabilities_of_prompt_and_answer(client):
    tokens = TEMPLATE.encode("Who are you?")
    answer = client.post(TEXT, json=body(echo=True, max_tokens=2, logprobs=1)).json()
    logprobs = answer["choices"][0]["logprobs"]
    assert len(logprobs["tokens"]) == len(tokens) + 2
    assert "".join(logprobs["tokens"]) == answer["choices"][0]["text"]
    assert logprobs["token_logprobs"] == [None] + [COIN] * (len(tokens) + 1)
    assert logprobs["top_logprobs"][0] is None
    assert logprobs["top_logprobs"][1] == {logprobs["tokens"][1]: COIN}
    text = answer["choices"][0]["text"]
    for token, offset in zip(logprobs["tokens"], logprobs["text_offset"], strict=True):
        assert text[offset:].startswith(token)


def test_token_prompts_reach_the_engine_as_they_are():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "yes"

    client = client_of(service_of(scripted_chat(answer)))
    assert client.post(TEXT, json=body(prompt=[5, 6, 1])).status_code == 200
    assert client.post(TEXT, json=body(prompt=[[5, 6], [7]])).status_code == 200
    assert [request.prompt for request in seen] == [(5, 6, 1), (5, 6), (7,)]
    assert told(client.post(TEXT, json=body(prompt=[5, 99999])), 400)["code"] == "no_token"
    assert told(client.post(TEXT, json=body(prompt=[[]])), 400)["code"] == "empty_prompt"
