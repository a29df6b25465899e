"""A real uvicorn on a free port, OpenAI's own client, and clients that go away."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import openai
import pytest

from conch.config.serve import ServeConfig
from conch.inference.chat import Chat
from conch.server import answering, run
from conch.server.app import create_app
from conch.server.run import Server, listening
from conch.server.service import Served, Service
from tests.server.scripted import ANSWER, TOOLS_TEMPLATE, chat_body, events, scripted_chat, service_of
from tests.server.test_service import wait_until

CHAT = "/v1/chat/completions"


@contextmanager
def running(service: Service, config: ServeConfig | None = None, send_buffer: int = 0) -> Iterator[str]:
    """The service behind a real server; its address. `send_buffer` bounds what the system sends ahead."""
    server = Server(create_app(service, config or ServeConfig(model="base")), service)
    with listening("127.0.0.1", 0) as taken:
        if send_buffer:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    config = ServeConfig(model="base", api_key="sesam")
    with running(service_of(scripted_chat(), scripted_chat("I serve burgers.")), config) as address:
        yield address


ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
}


@pytest.fixture(scope="module")
def tools_client() -> Iterator[openai.OpenAI]:
    call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    models = [
        Served("base", scripted_chat(call, template=TOOLS_TEMPLATE)),
        Served("json", scripted_chat('{"a": 1}', template=TOOLS_TEMPLATE)),
    ]
    with running(Service(models)) as address:
        yield openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0)


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="sesam", max_retries=0)


def test_openai_chat(client):
    answer = client.chat.completions.create(
        model="base", messages=[{"role": "user", "content": "Hi"}], n=2, extra_body={"top_k": 5}
    )
    assert [choice.message.content for choice in answer.choices] == [ANSWER, ANSWER]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens > 0
    # what came back can be sent again
    turns = [
        {"role": "user", "content": "Hi"},
        answer.choices[0].message,
        {"role": "user", "content": "And?"},
    ]
    assert (
        client.chat.completions.create(model="shop", messages=turns).choices[0].message.content
        == "I serve burgers."
    )


def test_openai_stream(client):
    stream = client.chat.completions.create(
        model="base",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == ANSWER
    assert chunks[-1].usage.completion_tokens > 5
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_openai_completions(client):
    answer = client.completions.create(model="base", prompt=["one", "two"], stop="conch")
    assert [choice.text for choice in answer.choices] == ["I am the magic "] * 2
    chunks = client.completions.create(model="base", prompt="one", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == ANSWER


def test_openai_models(client):
    assert [model.id for model in client.models.list()] == ["base", "shop"]
    assert client.models.retrieve("shop").id == "shop"


def test_openai_errors(client, url):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="base", messages=[], temperature=0)
    assert refused.value.param == "messages"
    stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_openai_tools(tools_client):
    turns = [{"role": "user", "content": "1+1?"}]
    answer = tools_client.chat.completions.create(model="base", messages=turns, tools=[ADD])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("add", {"a": 1})
    assert answer.choices[0].finish_reason == "tool_calls"
    turns += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "2"}]
    assert tools_client.chat.completions.create(model="base", messages=turns, tools=[ADD]).choices
    with tools_client.chat.completions.stream(model="base", messages=turns, tools=[ADD]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"a": 1}'


def test_openai_parses_schemas(tools_client):
    from pydantic import BaseModel

    class Add(BaseModel):
        a: int

    answer = tools_client.chat.completions.parse(
        model="json", messages=[{"role": "user", "content": "x"}], response_format=Add
    )
    assert answer.choices[0].message.parsed == Add(a=1)
    named = openai.pydantic_function_tool(Add, name="add")
    answer = tools_client.chat.completions.parse(
        model="base", messages=[{"role": "user", "content": "x"}], tools=[named]
    )
    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == Add(a=1)


def test_openai_logprobs(client):
    answer = client.chat.completions.create(
        model="base", messages=[{"role": "user", "content": "Hi"}], logprobs=True, top_logprobs=1
    )
    tokens = answer.choices[0].logprobs.content
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == ANSWER
    assert tokens[0].top_logprobs[0].logprob < 0
    text = client.completions.create(model="base", prompt="one", logprobs=1, echo=True, max_tokens=1)
    assert text.choices[0].logprobs.token_logprobs[0] is None


def test_openai_time_out():
    with running(service_of(slow_chat())) as address:
        hasty = openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0, timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            hasty.chat.completions.create(model="base", messages=[{"role": "user", "content": "Hi"}])


def test_openai_comes_again_when_it_was_sent_away():
    chat = scripted_chat("word " * 20, pause=0.01)
    service = service_of(chat, max_concurrent_requests=1)
    with running(service) as address:
        patient = openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=5)
        body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: patient.chat.completions.create(**body), range(3)))
    assert {answer.choices[0].finish_reason for answer in answers} == {"stop"}


def test_a_long_wait_is_filled_with_comments(monkeypatch):
    monkeypatch.setattr(answering, "KEEP_ALIVE_SECONDS", 0.1)
    service = service_of(scripted_chat("am", pause=0.35))
    with running(service) as address:
        with httpx.stream("POST", f"{address}{CHAT}", json=chat_body(stream=True), timeout=10) as answer:
            lines = [line for line in answer.iter_lines() if line]
        assert lines[0] == ": keep-alive"
        assert lines.count(": keep-alive") >= 2
        assert lines[-1] == "data: [DONE]"
        patient = openai.OpenAI(base_url=f"{address}/v1", api_key="x")
        chunks = patient.chat.completions.create(
            model="base", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "am"


def slow_chat() -> Chat:
    return scripted_chat("word " * 2000, pause=0.01)


def test_a_client_that_leaves_a_stream_ends_the_work():
    chat = slow_chat()
    service = service_of(chat)
    with running(service) as url:
        body = chat_body(stream=True, n=2, max_tokens=2000)
        with httpx.stream("POST", f"{url}{CHAT}", json=body, timeout=10) as answer:
            lines = answer.iter_lines()
            for _ in range(6):
                next(lines)
            assert chat.engine.running == 2
        wait_until(lambda: chat.engine.running == 0 and service.running == 0, 3)


def test_a_client_that_does_not_wait_ends_the_work():
    chat = slow_chat()
    service = service_of(chat)
    with running(service) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}{CHAT}", json=chat_body(max_tokens=2000), timeout=0.3)
        wait_until(lambda: chat.engine.running == 0 and service.running == 0, 3)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_while_it_waits_is_not_waited_for(stream):
    chat = slow_chat()
    service = service_of(chat, max_parallel_answers=1)
    with running(service) as url, httpx.Client(timeout=10) as client:
        with client.stream("POST", f"{url}{CHAT}", json=chat_body(stream=True)) as answer:
            lines = answer.iter_lines()  # kept: it ends the stream when it is forgotten
            next(lines)
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}{CHAT}", json=chat_body(stream=stream), timeout=0.3)
            wait_until(lambda: service.running == 1, 1)
            assert chat.engine.running == 1
        wait_until(lambda: service.running == 0, 3)


def test_a_client_that_does_not_read_loses_its_place_when_the_time_is_up():
    chat = scripted_chat("word " * 1000)
    long_name = "m" * 20_000  # every event carries it, so that few of them fill the buffers
    service = Service([Served(long_name, chat, aliases=("base",))], request_seconds=1)
    body = json.dumps(chat_body(stream=True, max_tokens=1000)).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with running(service, send_buffer=4096) as url, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_until(lambda: chat.engine.running == 1)
        wait_until(lambda: chat.engine.running == 0 and service.running == 0, 4)


def test_a_stream_that_outlives_the_server_ends_well(monkeypatch):
    monkeypatch.setattr(run, "GRACE_SECONDS", 0.2)
    chat = slow_chat()
    service = service_of(chat)
    server = Server(create_app(service, ServeConfig(model="base")), service)
    with listening("127.0.0.1", 0) as taken:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        url = f"http://127.0.0.1:{taken.getsockname()[1]}{CHAT}"
        with httpx.stream("POST", url, json=chat_body(stream=True), timeout=10) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.should_exit = True
            *_, last = events(lines)
        assert last["error"]["code"] == "closing"
        thread.join(10)
    assert not thread.is_alive()
    assert chat.engine.running == 0


def test_pieces_come_as_they_are_made():
    with running(service_of(scripted_chat("word " * 10, pause=0.02))) as url:
        arrivals = []
        with httpx.stream("POST", f"{url}{CHAT}", json=chat_body(stream=True), timeout=10) as answer:
            arrivals.extend(time.monotonic() for line in answer.iter_lines() if line)
        assert arrivals[-1] - arrivals[0] > 0.2


def test_slow_answers_hold_nobody_up():
    with (
        running(service_of(slow_chat())) as url,
        httpx.stream("POST", f"{url}{CHAT}", json=chat_body(stream=True), timeout=10) as answer,
    ):
        next(answer.iter_lines())
        started = time.monotonic()
        assert httpx.get(f"{url}/health").status_code == 200
        assert time.monotonic() - started < 1
