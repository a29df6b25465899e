"""The bounded queue, names, and work that ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio
import pytest

from conch.core.conversation import Message
from conch.inference.engine import Sampling
from conch.server.errors import RequestError
from conch.server.job import Job, parts
from tests.server.scripted import ANSWER, chat_body, client_of, scripted_chat, service_of
from tests.server.test_errors import told

CHAT = "/v1/chat/completions"
LONG = "word " * 200


def job_of(chat, **more) -> Job:
    return Job(chat, ((Message("user", "Hello"),),), Sampling(max_new_tokens=200), **more)


def test_more_requests_than_places_are_sent_away():
    chat = scripted_chat(LONG, pause=0.01)
    service = service_of(chat, queue_size=2)
    client = client_of(service)
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
    service = service_of(scripted_chat(context_length=20), queue_size=1)
    client = client_of(service)
    for _ in range(3):
        for stream in (False, True):
            told(client.post(CHAT, json=chat_body("x" * 100, stream=stream)), 400)
            told(client.post(CHAT, json=chat_body(model="none", stream=stream)), 404)
    assert service.running == 0


def test_closing_an_answer_ends_the_engines_work():
    chat = scripted_chat(LONG)
    service = service_of(chat)

    async def read_some() -> None:
        answer = service.start(job_of(chat, count=3))
        for _ in range(5):
            assert await answer.next() is not None
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
            while await answer.next() is not None:
                pass
        finally:
            await answer.close()

    async def cancelled() -> None:
        with anyio.move_on_after(0.1):
            await read()

    anyio.run(cancelled)
    assert chat.engine.running == 0
    assert service.running == 0


def test_answers_take_turns():
    chat = scripted_chat()
    order = [part.index for part in parts(job_of(chat, count=3), lambda: None)]
    assert order[:6] == [0, 1, 2, 0, 1, 2]


def test_parts_add_up():
    chat = scripted_chat()
    made = list(parts(job_of(chat), lambda: None))
    assert "".join(part.text for part in made) == ANSWER
    assert [part.finish for part in made] == [None] * (len(made) - 1) + ["stop"]
    assert made[-1].completion_tokens == len(made) - 1


def test_a_task_that_asyncio_cancels_waits_for_its_thread():
    """asyncio's own cancel, as uvicorn uses it, passes anyio's shields."""
    chat = scripted_chat(LONG, pause=0.1)
    service = service_of(chat)

    async def read() -> None:
        answer = service.start(job_of(chat))
        try:
            await answer.next()
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


def test_a_check_ends_the_work():
    chat = scripted_chat(LONG)

    def check() -> None:
        raise RequestError("serving.closing", status=503)

    with pytest.raises(RequestError):
        list(parts(job_of(chat), check))
    assert chat.engine.running == 0


def test_a_service_that_ends_takes_no_more():
    service = service_of(scripted_chat())
    service.end_within(10)
    told(client_of(service).post(CHAT, json=chat_body()), 503)
