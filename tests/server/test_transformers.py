"""The API around a real engine: a tiny random model, and an adapter on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.models.load import load
from conch.server import loading
from conch.server.loading import open_service
from tests.server.scripted import chat_body, client_of, streamed_texts

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(scope="module")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model

    from tests.tiny import tiny_model

    torch.manual_seed(1)
    model = get_peft_model(
        tiny_model(), LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    folder = tmp_path_factory.mktemp("adapter") / "shop"
    model.peft_config["default"].base_model_name_or_path = str(tiny_folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def client(tiny_folder: Path, adapter: Path):
    config = ServeConfig(
        model=str(tiny_folder), name="base", adapters={"shop": str(adapter)}, max_new_tokens=24
    )
    notes: list[str] = []
    client = client_of(open_service(config, notes.append), config)
    assert len(notes) == 2
    return client


def content(client, **more) -> str:
    return client.post(CHAT, json=chat_body(**more)).json()["choices"][0]["message"]["content"]


def test_adapter_and_base_answer_differently(client):
    assert content(client) != content(client, model="shop")
    cards = client.get("/v1/models").json()["data"]
    assert [(card["id"], card["parent"], card["context_length"]) for card in cards] == [
        ("base", None, 512),
        ("shop", "base", 512),
    ]


def test_the_configs_bound_holds_for_requests_that_name_none(client):
    usage = client.post(TEXT, json={"model": "base", "prompt": "I am"}).json()["usage"]
    assert usage["completion_tokens"] <= 24


@pytest.mark.parametrize(
    "more", [{}, {"seed": 3, "temperature": 1.2}, {"seed": 3, "temperature": 1.0, "n": 3, "top_p": 0.9}]
)
def test_streamed_equals_unstreamed(client, more):
    plain = client.post(CHAT, json=chat_body(**more)).json()["choices"]
    assert streamed_texts(client, CHAT, chat_body(**more)) == [
        choice["message"]["content"] for choice in plain
    ]


def test_seeds(client):
    drawn = {seed: content(client, seed=seed, temperature=1.5) for seed in range(4)}
    assert drawn[2] == content(client, seed=2, temperature=1.5)
    assert len(set(drawn.values())) > 1
    both = client.post(CHAT, json=chat_body(seed=1, n=2, temperature=1.5)).json()["choices"]
    assert [choice["message"]["content"] for choice in both] == [drawn[1], drawn[2]]


def test_stop_strings_cut_the_same_answer(client):
    whole = content(client)
    stop = whole[5:8]
    assert content(client, stop=stop) == whole.partition(stop)[0]


def test_the_reference_that_was_given_is_a_name_too(client, tiny_folder):
    for name in (str(tiny_folder), tiny_folder.name):
        assert client.post(CHAT, json=chat_body(model=name)).json()["model"] == "base"
        assert content(client, model=name) == content(client)


def test_settings_reach_the_model(tiny_folder, tmp_path, monkeypatch):
    template = tmp_path / "own.jinja"
    template.write_text("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    config = ServeConfig(
        model=str(tiny_folder),
        template=str(template),
        enable_thinking=False,
        trust_remote_code=True,
        max_concurrent_requests=3,
        max_parallel_answers=2,
        request_seconds=5,
    )
    asked = []
    monkeypatch.setattr(loading, "load", lambda model, **more: asked.append(model) or load(model, **more))
    service = loading.open_service(config, str)
    assert asked[0].trust_remote_code
    assert service.models[0].chat.template.render([Message("user", "Hi")]) == "[Hi]"
    assert service.models[0].chat.template.thinking is False
    assert service.models[0].sampling.max_new_tokens == config.max_new_tokens


def test_a_template_that_is_not_used_is_told(tiny_folder):
    notes = []
    loading.open_service(ServeConfig(model=str(tiny_folder), template="llama3"), notes.append)
    assert "llama3" in notes[-1]
    assert "the model's own" in notes[-1]


def test_two_names_may_not_be_the_same(tiny_folder):
    with pytest.raises(ServeError, match="would be called"):
        open_service(ServeConfig(model=str(tiny_folder), name="a", adapters={"a": "x"}), str)
