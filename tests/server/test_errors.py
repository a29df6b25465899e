"""Every failure has one form, names its field, and tells nothing about the machine."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conch.core.errors import DataError, ModelError, RowError
from conch.inference.engine import Request
from conch.server.errors import failure_of
from tests.server.scripted import chat_body, client_of, events, scripted_chat, service_of

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def told(answer, status: int) -> dict:
    """The error of an answer, after checking its form."""
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert set(document) == {"error"}
    error = document["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["code"]
    assert answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    assert "/" + "work" not in answer.text
    return error


TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
CALL = {"id": "1", "type": "function", "function": {"name": "x", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [TOOL]}, "tools"),
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"functions": [{"name": "x"}]}, "functions"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "y"}},
                }
            },
            "response_format.json_schema.schema",
        ),
        ({"response_format": {"type": "json_object"}, "tools": [TOOL]}, "response_format"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"logit_bias": {"5": 101}}, "logit_bias"),
        ({"logit_bias": {"99999": 1}}, "logit_bias"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"presence_penalty": -3}, "presence_penalty"),
        ({"min_p": 1.5}, "min_p"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"enable_thinking": True}, "enable_thinking"),
        ({"verbosity": "low"}, "verbosity"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"store": True}, "store"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"prediction": {"type": "content"}}, "prediction"),
        ({"messages": [{"role": "tool", "tool_calls": [CALL]}]}, "messages[0].tool_calls"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{**CALL, "function": {"name": "x", "arguments": "["}}],
                    }
                ]
            },
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"surprise": 1}, "surprise"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"seed": 2**63}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ""}, "stop[0]"),
        ({"stop": 5}, "stop"),
        ({"stream": "maybe"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages[0].content[0].text"),
        ({"stop": ["\ud800"]}, "stop[0]"),
        ({"model": "\ud800"}, "model"),
        ({"messages": [{"role": "user", "content": "x", "name": "Bob"}]}, "messages[0].name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].type",
        ),
    ],
)
def test_bad_fields_are_named(client, more, param):
    answer = client.post(
        CHAT, content=json.dumps(chat_body(**more)), headers={"content-type": "application/json"}
    )
    error = told(answer, 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert param in error["message"] or error["code"] in {"two_bounds", "options_without_stream", "no_token"}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [[1, 2], ["x"]]}, "prompt[1]"),
        ({"prompt": [1, -2]}, "prompt[0]"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": ["x"] * 65}, "prompt"),
        ({"logprobs": 21}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"best_of": 2}, "best_of"),
        ({"suffix": "end"}, "suffix"),
        ({"messages": []}, "messages"),
    ],
)
def test_bad_completion_fields_are_named(client, more, param):
    assert told(client.post(TEXT, json={"model": "base", "prompt": "x", **more}), 400)["param"] == param


def test_missing_fields_are_named(client):
    assert told(client.post(CHAT, json={"messages": []}), 400)["param"] in {"model", "messages"}
    assert told(client.post(CHAT, json={"model": "base"}), 400)["param"] == "messages"
    assert told(client.get("/generate"), 400)["param"] == "prompt"
    assert told(client.get("/generate?prompt="), 400)["param"] == "prompt"
    assert told(client.get("/generate?prompt=x&surprise=1"), 400)["param"] == "surprise"
    assert told(client.get("/generate?prompt=x&max_new_tokens=many"), 400)["param"] == "max_new_tokens"
    assert told(client.post("/generate", json={"prompt": "x", "max_tokens": 3}), 400)["param"] == "max_tokens"


def test_names_of_any_kind_are_survived(client):
    for name in ("\ud800", "x" * 100_000, "\n\0", "{param}"):
        body = json.dumps(chat_body(**{name: 1}))
        answer = client.post(CHAT, content=body, headers={"content-type": "application/json"})
        assert told(answer, 400)["code"] in {"unknown_field", "bad_json"}
        assert len(answer.text) < 2000


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"prompt": "x"}', "text/plain"),
        (b"prompt=x", "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", ["/generate", CHAT, TEXT])
def test_bodies_that_are_no_json_object(client, path, content, kind):
    assert told(client.post(path, content=content, headers={"content-type": kind}), 400)["code"] == "bad_json"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_an_unknown_model_is_never_the_base(client, path, stream):
    body = chat_body() if path == CHAT else {"prompt": "x"}
    error = told(client.post(path, json={**body, "model": "gpt-4o", "stream": stream}), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "base, shop" in error["message"]


def test_unknown_models_elsewhere(client):
    assert told(client.get("/v1/models/none"), 404)["code"] == "model_not_found"
    assert told(client.get("/generate?prompt=x&model=none"), 404)["code"] == "model_not_found"


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/embeddings", "/docs/x", "/redoc"])
def test_unknown_routes(client, path):
    assert told(client.get(path), 404)["code"] == "no_route"


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/docs", "/openapi.json"])
def test_wrong_methods(client, path):
    answer = client.delete(path)
    assert told(answer, 405)["code"] == "no_method"
    assert answer.headers["allow"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_too_long_is_told_with_its_numbers(stream):
    client = client_of(service_of(scripted_chat(context_length=20)))
    error = told(client.post(CHAT, json=chat_body("Who are you? " * 20, stream=stream)), 400)
    assert error["code"] == "context_length_exceeded"
    assert "at most 20" in error["message"]
    told(client.get("/generate", params={"prompt": "x" * 100}), 400)
    told(client.post(TEXT, json={"model": "base", "prompt": "x" * 100, "stream": stream}), 400)


def test_an_empty_raw_prompt(client):
    assert told(client.post(TEXT, json={"model": "base", "prompt": ""}), 400)["code"] == "empty_prompt"


def test_a_body_too_large(client):
    assert told(client.post(CHAT, json=chat_body("x" * 9_000_000)), 413)["code"] == "too_large"


def _broken(request: Request) -> str:
    raise RuntimeError("secret path /root/model")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/generate?prompt=x", None),
        ("POST", "/generate", {"prompt": "x"}),
        ("POST", CHAT, chat_body()),
        ("POST", CHAT, chat_body(stream=True)),
        ("POST", TEXT, {"model": "base", "prompt": "x"}),
        ("POST", TEXT, {"model": "base", "prompt": "x", "stream": True}),
    ],
)
def test_a_broken_engine_is_a_plain_500(method, path, body):
    service = service_of(scripted_chat(_broken))
    client = client_of(service, raise_server_exceptions=False)
    error = told(client.request(method, path, json=body), 500)
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert "secret" not in error["message"]
    assert service.running == 0


def test_an_error_in_mid_stream_is_told_and_the_stream_ends_well():
    chat = scripted_chat("a long answer that takes its time", pause=0.02)
    client = client_of(service_of(chat, request_seconds=0.05))
    answer = client.post(CHAT, json=chat_body(stream=True))
    assert answer.status_code == 200
    *_, last = events(answer.text.splitlines())
    assert set(last) == {"error"}
    assert last["error"]["code"] == "timeout"
    assert chat.engine.running == 0
    assert told(client.post(CHAT, json=chat_body()), 504)["code"] == "timeout"


@pytest.mark.parametrize(
    "error",
    [
        ModelError("models.no_config", folder="/secret"),
        DataError("data.no_file", file="/secret"),
        DataError("template.no_calls", example="/secret"),
        RowError("data.not_json", file="/secret", row=1, reason="x"),
    ],
    ids=lambda error: error.key,
)
def test_other_errors_of_ours_keep_their_paths_to_themselves(error):
    failure = failure_of(error)
    assert failure.status == 500
    assert "secret" not in failure.message


STRICT = "{% if messages[0].role != 'user' %}{{ raise_exception('Roles must alternate') }}{% endif %}"


@pytest.mark.parametrize("stream", [False, True])
def test_roles_that_the_template_refuses_are_the_messages_fault(stream):
    chat = scripted_chat()
    strict = replace(chat, template=replace(chat.template, source=STRICT + chat.template.source))
    service = service_of(strict)
    turns = [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Hi"}]
    answer = client_of(service).post(CHAT, json={"model": "base", "messages": turns, "stream": stream})
    error = told(answer, 400)
    assert (error["param"], error["code"]) == ("messages", "template_refused")
    assert "assistant, user" in error["message"]
    assert "Roles must alternate" in error["message"]
    assert service.running == 0


def test_an_error_of_ours_that_is_a_500_is_in_the_log(caplog):
    def script(_: Request) -> str:
        raise DataError("data.no_file", file="/secret")

    answer = client_of(service_of(scripted_chat(script))).post(CHAT, json=chat_body())
    told(answer, 500)
    assert answer.headers["x-request-id"] in caplog.text
    assert "data.no_file" in caplog.text


def test_bounds_are_told_as_they_are(client):
    error = told(client.post(CHAT, json=chat_body(seed=-(2**63) - 1)), 400)
    assert str(-(2**63)) in error["message"]
    assert "one of user" not in told(client.post(CHAT, json=chat_body(stop=5)), 400)["message"]
    wrong = chat_body(messages=[{"role": "king", "content": "x"}])
    assert "system, developer, user, assistant" in told(client.post(CHAT, json=wrong), 400)["message"]


def test_chinese(client, monkeypatch):
    monkeypatch.setenv("CONCH_LANG", "zh")
    error = told(client.post(CHAT, json=chat_body(model="none")), 404)
    assert "没有模型" in error["message"]
