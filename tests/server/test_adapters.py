"""Adapters put on and taken off while the server serves."""

from __future__ import annotations

import threading

from tests.server.scripted import FakeShelf, chat_body, client_of, scripted_chat, service_of
from tests.server.test_errors import told
from tests.server.test_service import wait_until

CHAT, LOAD, UNLOAD = "/v1/chat/completions", "/v1/load_lora_adapter", "/v1/unload_lora_adapter"


def test_on_and_off():
    shelf = FakeShelf()
    client = client_of(service_of(scripted_chat()), shelf=shelf)
    answer = client.post(LOAD, json={"lora_name": "mine", "lora_path": "run-1"}).json()
    assert (answer["model"]["id"], answer["model"]["parent"], answer["probe"]) == ("mine", "base", 0.5)
    said = client.post(CHAT, json=chat_body(model="mine")).json()
    assert said["choices"][0]["message"]["content"] == "I am mine."
    assert client.post(UNLOAD, json={"lora_name": "mine"}).json() == {
        "id": "mine",
        "object": "model",
        "deleted": True,
    }
    told(client.post(CHAT, json=chat_body(model="mine")), 404)
    assert shelf.done == [("on", "mine"), ("off", "mine")]


def test_what_is_refused(client):
    assert told(client.post(LOAD, json={"lora_name": "base", "lora_path": "x"}), 400)["param"] == "lora_name"
    assert told(client.post(LOAD, json={"lora_name": "a b", "lora_path": "x"}), 400)["param"] == "lora_name"
    unknown = told(client.post(LOAD, json={"lora_name": "x", "lora_path": "none"}), 400)
    assert (unknown["param"], unknown["code"]) == ("lora_path", "no_such_adapter")
    broken = told(client.post(LOAD, json={"lora_name": "x", "lora_path": "broken"}), 400)
    assert broken["code"] == "adapter_unfit"
    assert "secret" not in broken["message"]
    assert told(client.post(UNLOAD, json={"lora_name": "base"}), 400)["code"] == "not_an_adapter"
    told(client.post(UNLOAD, json={"lora_name": "none"}), 404)


def test_an_adapters_last_answers_end_before_it_is_taken_off():
    shelf = FakeShelf()
    slow = scripted_chat("word " * 30, pause=0.01)
    service = service_of(scripted_chat(), slow)
    with client_of(service, shelf=shelf) as client:
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(client.post(CHAT, json=chat_body(model="shop")))
        )
        asking.start()
        wait_until(lambda: service.in_hand("shop") == 1)
        assert client.post(UNLOAD, json={"lora_name": "shop"}).status_code == 200
        assert slow.engine.running == 0
        asking.join(5)
    assert answers[0].status_code == 200
    assert shelf.done == [("off", "shop")]
