"""/tokenize and /detokenize tell what the model reads."""

from __future__ import annotations

from tests.server.scripted import TEMPLATE, prompt_of
from tests.server.test_errors import told


def test_text_there_and_back(client):
    answer = client.post("/tokenize", json={"prompt": "神奇海螺 🐚", "return_token_strs": True}).json()
    assert answer["tokens"] == TEMPLATE.encode("神奇海螺 🐚")
    assert answer["count"] == len(answer["tokens"]) == len(answer["token_strs"])
    assert answer["max_model_len"] == 4096
    back = client.post("/detokenize", json={"model": "shop", "tokens": answer["tokens"]}).json()
    assert back == {"model": "shop", "prompt": "神奇海螺 🐚"}


def test_messages_are_as_chat_shows_them(client):
    turns = [{"role": "user", "content": "Who are you?"}]
    answer = client.post("/tokenize", json={"model": "base", "messages": turns}).json()
    assert answer["tokens"] == prompt_of("Who are you?")
    assert "token_strs" not in answer
    without = client.post("/tokenize", json={"messages": turns, "add_generation_prompt": False}).json()
    assert answer["tokens"][: without["count"]] == without["tokens"]
    assert without["count"] < answer["count"]


def test_what_is_refused(client):
    assert told(client.post("/tokenize", json={}), 400)["param"] == "prompt"
    both = {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}
    assert told(client.post("/tokenize", json=both), 400)["param"] == "prompt"
    assert told(client.post("/detokenize", json={"tokens": [99999]}), 400)["code"] == "no_token"
    assert told(client.post("/detokenize", json={"tokens": "x"}), 400)["param"] == "tokens"
    told(client.post("/tokenize", json={"model": "none", "prompt": "x"}), 404)
