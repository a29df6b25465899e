"""Bounds on requests, names, and work that ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio
import pytest
from fastapi import Request

from conch.core.conversation import Message
from conch.inference.chat import Turns
from conch.inference.engine import Piece, Sampling
from conch.server.answer import AHEAD
from conch.server.answering import LAST_WORDS_SECONDS, stream
from conch.server.job import Job, Part, Work
from conch.server.schema import CompletionRequest
from conch.server.service import Served, Service
from conch.server.text_answer import TextForm
from tests.server.scripted import ANSWER, chat_body, client_of, scripted_chat, service_of
from tests.server.test_errors import told

CHAT = "/v1/chat/completions"
LONG = "word " * 200


def job_of(chat, **more) -> Job:
    return Job(chat, (Turns((Message("user", "Hello"),)),), Sampling(max_new_tokens=200), **more)


def test_more_requests_than_places_are_sent_away():
    chat = scripted_chat(LONG, pause=0.01)
    service = service_of(chat, max_concurrent_requests=2)
    with client_of(service) as client:
        threads = [
            threading.Thread(target=client.post, args=(CHAT,), kwargs={"json": chat_body()}) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: service.running == 2)
        for body in (chat_body(), chat_body(stream=True)):
            answer = client.post(CHAT, json=body)
            error = told(answer, 429)
            assert error["type"] == "rate_limit_error"
            assert int(answer.headers["retry-after"]) > 0
        assert client.get("/health").status_code == 200
        for thread in threads:
            thread.join()
        assert service.running == 0
        assert client.post(CHAT, json=chat_body(max_tokens=1)).status_code == 200


def wait_until(condition, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_refused_requests_give_their_place_back():
    service = service_of(scripted_chat(context_length=20), max_concurrent_requests=1)
    client = client_of(service)
    for _ in range(3):
        for more in ({}, {"stream": True}):
            told(client.post(CHAT, json=chat_body("x" * 100, **more)), 400)
            told(client.post(CHAT, json=chat_body(**more, model="none")), 404)
    assert service.running == 0


def test_closing_an_answer_ends_the_engines_work():
    chat = scripted_chat(LONG)
    service = service_of(chat)

    async def read_some() -> None:
        answer = service.start(job_of(chat, count=3))
        begun: set[int] = set()
        while len(begun) < 3:
            assert await answer.ready()
            begun |= {part.index for part in answer.take()}
        assert chat.engine.running == 3
        await answer.close()
        await answer.close()

    anyio.run(read_some)
    assert chat.engine.running == 0
    assert service.running == 0


def test_an_answer_is_closed_though_its_reader_is_cancelled():
    chat = scripted_chat(LONG, pause=0.01)
    service = service_of(chat)

    async def read() -> None:
        answer = service.start(job_of(chat))
        try:
            while answer.left:
                await answer.ready()
                answer.take()
        finally:
            await answer.close()

    async def cancelled() -> None:
        with anyio.move_on_after(0.1):
            await read()

    anyio.run(cancelled)
    assert chat.engine.running == 0
    assert service.running == 0


def test_an_engine_that_fails_to_end_its_work_keeps_no_place(monkeypatch):
    chat = scripted_chat(LONG)
    service = service_of(chat)

    def stream(request):
        try:
            while True:
                yield Piece(request.prompt[0])
        finally:
            raise OSError("it won't")

    monkeypatch.setattr(chat.engine, "stream", stream)

    async def read_some() -> None:
        answer = service.start(job_of(chat, count=2))
        await answer.ready()
        with anyio.fail_after(20):
            await answer.close()

    anyio.run(read_some)
    assert service.running == 0


class Panic(BaseException):
    """As libraries in Rust raise it."""


def test_a_library_that_panics_ends_the_answer(monkeypatch):
    chat = scripted_chat()
    service = service_of(chat)

    def tasks(self):
        raise Panic("in Rust")

    monkeypatch.setattr(Job, "tasks", tasks)
    told(client_of(service, raise_server_exceptions=False).post(CHAT, json=chat_body()), 500)
    assert service.running == 0


def test_an_answer_is_waited_for_no_longer_than_one_likes():
    chat = scripted_chat(pause=0.2)
    service = service_of(chat)

    async def read() -> None:
        answer = service.start(job_of(chat))
        assert not await answer.ready(0.02)
        assert answer.take() == []
        text = ""
        while answer.left:
            if await answer.ready(0.02):
                text += "".join(part.delta.text for part in answer.take())
        assert text == ANSWER
        await answer.close()

    anyio.run(read)


def test_no_more_is_made_ahead_than_is_said():
    chat = scripted_chat(LONG)
    service = service_of(chat)

    async def read() -> None:
        answer = service.start(job_of(chat))
        await answer.ready()
        await anyio.sleep(0.3)
        assert len(answer.take()) == AHEAD
        await answer.close()

    anyio.run(read)


def made_by(work: Work, places: int) -> list[Part]:
    parts = []
    while work.left:
        parts.append(work.step(places))
    return parts


def test_answers_take_turns():
    order = [part.index for part in made_by(Work(job_of(scripted_chat(), count=3)), 3)]
    assert order[:6] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("places", [1, 2, 3, 9])
def test_no_more_answers_are_begun_than_there_are_places(places):
    chat = scripted_chat()
    work = Work(job_of(chat, count=5))
    texts = [""] * 5
    most = 0
    while work.left:
        part = work.step(places)
        texts[part.index] += part.delta.text
        most = max(most, chat.engine.running)
    assert texts == [ANSWER] * 5
    assert most == min(places, 5)
    assert chat.engine.running == 0


def test_parts_add_up():
    made = [part.delta for part in made_by(Work(job_of(scripted_chat())), 1)]
    assert "".join(delta.text for delta in made) == ANSWER
    assert [delta.finish for delta in made] == [None] * (len(made) - 1) + ["stop"]
    assert made[-1].completion_tokens == len(made) - 1


def test_a_task_that_asyncio_cancels_waits_for_its_thread():
    """asyncio's own cancel, as uvicorn uses it, passes anyio's shields."""
    chat = scripted_chat(LONG, pause=0.1)
    service = service_of(chat)

    async def read() -> None:
        answer = service.start(job_of(chat))
        try:
            await answer.ready()
        finally:
            await answer.close()

    async def cancelled() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert chat.engine.running == 0
    assert service.running == 0


def test_a_service_that_ends_takes_no_more():
    service = service_of(scripted_chat())
    service.end_within(10)
    told(client_of(service).post(CHAT, json=chat_body()), 503)


def test_a_model_is_known_by_its_aliases_and_listed_once():
    chat = scripted_chat()
    models = [
        Served("Qwen2.5-0.5B", chat, aliases=("Qwen/Qwen2.5-0.5B", "shop")),
        Served("shop", scripted_chat("I serve burgers.")),
    ]
    client = client_of(Service(models))
    assert [card["id"] for card in client.get("/v1/models").json()["data"]] == ["Qwen2.5-0.5B", "shop"]
    for name in ("Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B"):
        answer = client.post(CHAT, json=chat_body(model=name)).json()
        assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("Qwen2.5-0.5B", ANSWER)
        assert client.get(f"/v1/models/{name}").json()["id"] == "Qwen2.5-0.5B"
    # a name is stronger than an alias
    assert client.post(CHAT, json=chat_body(model="shop")).json()["model"] == "shop"
    error = told(client.post(CHAT, json=chat_body(model="other")), 404)
    assert "Qwen/" not in error["message"]


def test_a_stream_ends_when_the_time_is_up_though_nobody_reads():
    chat = scripted_chat(LONG)
    service = service_of(chat, request_seconds=0.2)

    async def never(*_: object) -> None:
        await anyio.sleep(60)

    async def respond() -> None:
        request = Request({"type": "http"}, never)
        form = TextForm(CompletionRequest(model="base", prompt="x"), service.models[0])
        response = await stream(request, service, service.models[0], job_of(chat), form)
        assert service.running == 1
        await response({"type": "http"}, never, never)

    started = time.monotonic()
    anyio.run(respond)
    assert time.monotonic() - started < 0.2 + LAST_WORDS_SECONDS + 3
    assert (chat.engine.running, service.running) == (0, 0)
