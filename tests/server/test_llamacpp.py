"""The API around llama.cpp: a tiny random model, adapters on it, and the same prompts as in training."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.encoder import Encoder
from conch.inference import open as opening
from conch.inference.engine import Request
from conch.inference.open import EngineWish, choose_engine
from conch.models.gguf import kept
from conch.models.locate import Located
from conch.server import loading
from conch.server.service import Service, empty_service
from tests.server.scripted import chat_body, client_of, streamed_texts
from tests.server.test_live import running
from tests.server.test_service import wait_until

pytest.importorskip("xllamacpp")
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Adapters as they are."""
    monkeypatch.setattr(kept, "LORA_KIND", "f32")


_services: list[Service] = []


@pytest.fixture(autouse=True)
def closed():
    """Every service is closed that a test has opened."""
    yield
    while _services:
        _services.pop().close()


def opened(config: ServeConfig, notes: list[str] | None = None):
    service = empty_service(config)
    _services.append(service)
    shelf = loading.fill(service, config, (notes if notes is not None else []).append)
    return client_of(service, config, shelf=shelf)


def config_of(folder: Path, **more) -> ServeConfig:
    return ServeConfig(model=str(folder), name="base", max_new_tokens=24, gguf_type="f32", **more)


def content(client, **more) -> str:
    answer = client.post(CHAT, json=chat_body(**more))
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def test_it_is_chosen_told_of_and_kept(home, tiny_folder):
    notes: list[str] = []
    client = opened(config_of(tiny_folder), notes)
    assert client.app.state.service.models[0].chat.engine.name == "llamacpp"
    assert [note for note in notes if "llamacpp" in note and "no GPU" in note]
    assert [note for note in notes if "once" in note]
    again: list[str] = []
    opened(config_of(tiny_folder), again)
    assert not [note for note in again if "once" in note]
    assert len(list(kept.folder().glob("*.gguf"))) == 1


def test_reasons_for_the_other_engine(home, tiny_folder, monkeypatch):
    located = Located("m", tiny_folder)
    choice = choose_engine(located, EngineWish(remote_code=True))
    assert choice.engine == "transformers"
    assert "code" in choice.reason
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "not installed" in choose_engine(located).reason
    with pytest.raises(ServeError, match="not installed"):
        choose_engine(located, EngineWish("llamacpp"))


@pytest.mark.parametrize(
    ("answers", "room", "engine"),
    [(None, 1e9, "llamacpp"), (8, 1e9, "llamacpp"), (32, 1e9, "transformers"), (32, 1e3, "llamacpp")],
)
def test_many_answers_of_a_small_model_are_one_batch(home, tiny_folder, monkeypatch, answers, room, engine):
    memory = SimpleNamespace(available=room)
    monkeypatch.setattr(opening.psutil, "virtual_memory", lambda: memory)
    choice = choose_engine(Located("m", tiny_folder), EngineWish(answers=answers))
    assert choice.engine == engine
    assert ("32" in choice.reason) == (engine == "transformers")


def test_both_engines_say_the_same(home, tiny_folder, adapter):
    answers = {}
    for engine in ("llamacpp", "transformers"):
        client = opened(config_of(tiny_folder, engine=engine, adapters={"shop": str(adapter)}))
        logprobs = {
            "model": "shop",
            "prompt": [5, 17, 230, 8, 9],
            "echo": True,
            "max_tokens": 0,
            "logprobs": 2,
        }
        given = client.post(TEXT, json=logprobs).json()["choices"][0]["logprobs"]["token_logprobs"]
        answers[engine] = (content(client), content(client, model="shop"), given)
    (base, shop, given), (same_base, same_shop, expected) = answers["llamacpp"], answers["transformers"]
    assert (base, shop) == (same_base, same_shop)
    assert base != shop
    assert given[1:] == pytest.approx(expected[1:], abs=5e-3)  # its cache is fp16


@pytest.mark.parametrize("engine", ["llamacpp", "transformers"])
def test_the_prompt_is_token_for_token_what_training_used(home, tiny_folder, engine):
    client = opened(config_of(tiny_folder, engine=engine))
    service: Service = client.app.state.service
    chat = service.models[0].chat
    seen: list[Request] = []
    real = chat.engine.stream
    chat.engine.stream = lambda request: seen.append(request) or real(request)
    turns = [Message("system", "Be kind."), Message("user", "你是谁? 🐚"), Message("assistant", "I am.")]
    prompt, answer = chat.template.turn(turns[:2], turns[2])
    trained, _ = Encoder(chat.template.reader, chat.template.end_of_turn).turn(prompt, answer)
    body = {"model": "base", "messages": [{"role": m.role, "content": m.content} for m in turns[:2]]}
    usage = client.post(CHAT, json=body).json()["usage"]
    assert list(seen[0].prompt) == trained
    assert usage["prompt_tokens"] == len(trained)
    assert seen[0].stop_ids == chat.template.stop_ids() | chat.stop_ids


def test_streamed_equals_unstreamed(home, tiny_folder):
    client = opened(config_of(tiny_folder))
    for more in ({}, {"seed": 3, "temperature": 1.2, "n": 3}):
        plain = client.post(CHAT, json=chat_body(**more)).json()["choices"]
        texts = [choice["message"]["content"] for choice in plain]
        assert streamed_texts(client, CHAT, chat_body(**more)) == texts


def test_a_run_is_merged_and_served(home, tiny_folder, adapter):
    """An adapter as the model: its base with the adapter merged in."""
    merged = opened(config_of(adapter))
    shop = opened(config_of(tiny_folder, adapters={"shop": str(adapter)}))
    assert content(merged) == content(shop, model="shop")


def test_adapters_come_and_go_while_it_serves(home, tiny_folder, adapter):
    client = opened(config_of(tiny_folder, adapter_dir=str(adapter.parent)))
    before = content(client)
    loaded = client.post("/v1/load_lora_adapter", json={"lora_name": "mine", "lora_path": "shop"})
    assert loaded.status_code == 200, loaded.text
    assert loaded.json()["probe"] > 0.01
    assert content(client, model="mine") != before
    assert content(client) == before
    assert client.post("/v1/unload_lora_adapter", json={"lora_name": "mine"}).status_code == 200
    assert content(client) == before


def test_a_schema_holds_the_answer(home, tiny_folder):
    client = opened(config_of(tiny_folder))
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "yes"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    text = content(client, response_format=form, temperature=1, seed=1, max_tokens=100)
    assert json.loads(text)["a"] in {"x", "yes"}


def test_clients_that_vanish_leave_nothing_behind(home, tiny_folder, request, proofs):
    """While they wait, while their prompt is read, and while they are answered."""
    clients = 200 if request.config.getoption("--prove") else 60
    config = config_of(tiny_folder, max_parallel_answers=2)
    service = loading.open_service(config, str)
    engine = service.models[0].chat.engine
    dice = random.Random(7)

    def vanish(address: str, number: int) -> None:
        wait, stream = dice.choice([0.002, 0.01, 0.03, 0.1]), bool(number % 2)
        body = chat_body("word " * dice.choice([1, 60]), stream=stream, max_tokens=300, temperature=1)
        with suppress(httpx.HTTPError):
            httpx.post(f"{address}{CHAT}", json=body, timeout=httpx.Timeout(5, read=wait))

    with running(service, config) as address:
        before = httpx.post(f"{address}{CHAT}", json=chat_body(), timeout=20).json()["choices"]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: vanish(address, number), range(clients)))
        wait_until(lambda: service.running == 0 and engine.running == 0, 20)
        after = httpx.post(f"{address}{CHAT}", json=chat_body(), timeout=20).json()["choices"]
    assert after == before
    proofs.tell(
        "clients that vanish at random moments, plain and streaming: no generation goes on, no slot is lost, "
        "and the next answer is as before",
        f"{clients} clients, 16 at once, 2 slots of llama.cpp",
    )
