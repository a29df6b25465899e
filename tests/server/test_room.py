"""How many answers are made at once, who gets the next place, and what ends the waiting for one."""

from __future__ import annotations

import threading
import time

import anyio
import pytest

from conch.inference.engine import Request
from conch.server.room import Room
from tests.server.scripted import ANSWER, chat_body, client_of, scripted_chat, service_of
from tests.server.test_errors import told
from tests.server.test_service import wait_until

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
LONG = "word " * 200


def test_a_free_place_goes_to_who_has_the_fewest():
    room = Room(4)
    greedy = room.enter()
    greedy.want(128)
    assert greedy.held == 4
    late, later = room.enter(), room.enter()
    late.want(1)
    later.want(3)
    for held in ((3, 1, 0), (2, 1, 1), (2, 1, 1)):
        greedy.give_back()
        assert (greedy.held, late.held, later.held) == held
    late.give_back()
    assert (greedy.held, later.held) == (2, 2)
    later.leave()
    assert greedy.held == 4
    late.leave()
    greedy.leave()
    assert room.requests == 0
    alone = room.enter()
    alone.want(9)
    assert alone.held == 4


def test_the_greedy_are_not_starved_by_those_who_come_after():
    room = Room(1)
    first, second = room.enter(), room.enter()
    first.want(2)
    second.want(1)
    first.give_back()
    assert (first.held, second.held) == (1, 0)  # both had none: the older one comes first
    first.give_back()
    assert (first.held, second.held) == (0, 1)


def test_waiting_ends_with_a_place():
    async def wait() -> int:
        room = Room(1)
        first, second = room.enter(), room.enter()
        first.want(1)
        second.want(1)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(second.wait)
                await anyio.sleep(0.01)
                assert second.held == 0
                first.leave()
        return second.held

    assert anyio.run(wait) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_one_request_does_not_open_all_its_answers_at_once(stream):
    chat = scripted_chat()
    seen: list[int] = []

    def answer(_: Request) -> str:
        seen.append(chat.engine.running)
        return ANSWER

    chat.engine._script = scripted_chat(answer).engine._script
    service = service_of(chat)
    body = {"model": "base", "prompt": [f"prompt {number}" for number in range(16)], "n": 8}
    answer_ = client_of(service).post(TEXT, json={**body, "stream": stream})
    assert answer_.status_code == 200
    if not stream:
        assert [choice["text"] for choice in answer_.json()["choices"]] == [ANSWER] * 128
    assert len(seen) == 128
    assert max(seen) == 16
    assert (chat.engine.running, service.running) == (0, 0)


def test_a_small_request_does_not_wait_for_all_of_a_large_one():
    chat = scripted_chat("word " * 40, pause=0.002)
    service = service_of(chat, max_parallel_answers=2)
    ended: list[str] = []
    with client_of(service) as client:

        def ask(name: str, count: int) -> None:
            assert client.post(CHAT, json=chat_body(n=count)).status_code == 200
            ended.append(name)

        large = threading.Thread(target=ask, args=("large", 8))
        large.start()
        wait_until(lambda: chat.engine.running == 2)
        ask("small", 1)
        large.join()
    assert ended == ["small", "large"]


def held_by_another(service, client) -> threading.Thread:
    """A request that takes the only place for some seconds."""
    thread = threading.Thread(target=client.post, args=(CHAT,), kwargs={"json": chat_body()})
    thread.start()
    wait_until(lambda: service.running == 1)
    return thread


@pytest.mark.parametrize("stream", [False, True])
def test_waiting_counts_against_the_time(stream):
    service = service_of(scripted_chat(), max_parallel_answers=1, request_seconds=0.3)
    other = service._room.enter()
    other.want(1)
    started = time.monotonic()
    answer = client_of(service).post(CHAT, json=chat_body(stream=stream))
    assert told(answer, 504)["code"] == "timeout"
    assert time.monotonic() - started < 2
    assert service.running == 1
    other.leave()
    assert client_of(service).post(CHAT, json=chat_body(max_tokens=1, stream=stream)).status_code == 200


def test_who_waits_is_sent_away_when_the_server_ends():
    chat = scripted_chat(LONG, pause=0.01)
    service = service_of(chat, max_parallel_answers=1)
    with client_of(service) as client:
        other = held_by_another(service, client)
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(client.post(CHAT, json=chat_body())))
        thread.start()
        wait_until(lambda: service.running == 2)
        service.end_within(0.1)
        thread.join()
        other.join()
    assert told(waiting[0], 503)["code"] == "closing"


def test_a_prompt_that_does_not_fit_is_told_without_waiting():
    service = service_of(
        scripted_chat(LONG, pause=0.01, context_length=300), max_parallel_answers=1, request_seconds=30
    )
    with client_of(service) as client:
        other = held_by_another(service, client)
        error = told(client.post(CHAT, json=chat_body("x" * 500)), 400)
        assert error["code"] == "context_length_exceeded"
        assert service.running == 1
        other.join()


def test_a_room_that_is_resized_keeps_those_who_are_in_it():
    room = Room(4)
    first = room.enter()
    first.want(4)
    room.resize(2)
    second = room.enter()
    second.want(2)
    assert (first.held, second.held) == (4, 0)
    first.give_back()
    first.give_back()
    assert second.held == 0
    first.give_back()
    assert second.held == 1
    room.resize(3)
    assert second.held == 2
