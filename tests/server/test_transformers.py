"""The API around a real engine: a tiny random model, and an adapter on it."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

import conch.data
from conch.config.model import ModelConfig
from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.inference.engine import Sampling
from conch.inference.open import open_chat
from conch.models.load import load
from conch.server import loading
from conch.server.loading import open_service
from conch.server.service import Service, empty_service
from tests.server.scripted import chat_body, client_of, streamed_texts
from tests.server.test_live import running
from tests.server.test_service import wait_until

CHATML_FILE = Path(conch.data.__file__).parent / "templates" / "chatml.jinja"
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(scope="module")
def client(tiny_folder: Path, adapter: Path):
    config = ServeConfig(
        model=str(tiny_folder),
        engine="transformers",
        name="base",
        adapters={"shop": str(adapter)},
        max_new_tokens=24,
    )
    notes: list[str] = []
    client = client_of(open_service(config, notes.append), config)
    assert [note for note in notes if "Adapter shop is live" in note]
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
        engine="transformers",
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


@pytest.mark.parametrize(("asked", "places"), [(None, 32), (3, 3)])
def test_as_many_answers_at_once_as_suit_the_engine(tiny_folder, asked, places):
    config = ServeConfig(model=str(tiny_folder), engine="transformers", max_parallel_answers=asked)
    assert open_service(config, str)._room._free == places


def test_a_template_that_is_not_used_is_told(tiny_folder):
    notes = []
    loading.open_service(ServeConfig(model=str(tiny_folder), template="llama3"), notes.append)
    assert "llama3" in notes[-1]
    assert "the model's own" in notes[-1]


def test_two_names_may_not_be_the_same(tiny_folder):
    with pytest.raises(ServeError, match="would be called"):
        open_service(ServeConfig(model=str(tiny_folder), name="a", adapters={"a": "x"}), str)


def test_adapters_share_the_bases_weights(client, tiny_folder):
    service = client.app.state.service
    base, shop = service.models
    assert base.chat.engine is shop.chat.engine
    before = content(client)
    assert content(client, model="shop") != before
    assert content(client) == before


def test_an_adapter_answers_as_a_model_of_its_own_would(client, tiny_folder, adapter):
    config = ServeConfig(
        model=str(tiny_folder), engine="transformers", name="base", adapters={}, max_new_tokens=24
    )
    alone = load(ModelConfig(model_name_or_path=str(tiny_folder), adapter_name_or_path=(str(adapter),)))
    chat = open_chat(alone)
    reply = chat.answer([Message("user", "Who are you?")], Sampling(max_new_tokens=config.max_new_tokens))
    assert content(client, model="shop") == reply.text


def test_an_adapter_of_the_folder_is_put_on_and_taken_off(tiny_folder, adapter):
    config = ServeConfig(
        model=str(tiny_folder), engine="transformers", name="base", adapter_dir=str(adapter.parent)
    )
    service = empty_service(config)
    client = client_of(service, config, shelf=loading.fill(service, config, str))
    before = content(client)
    load_body = {"lora_name": "mine", "lora_path": "shop"}
    answer = client.post("/v1/load_lora_adapter", json=load_body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["probe"] > 0
    assert content(client, model="mine") != before
    assert client.post("/v1/load_lora_adapter", json={**load_body, "lora_name": "too"}).status_code == 200
    assert content(client, model="too") == content(client, model="mine")
    for name in ("mine", "too"):
        assert client.post("/v1/unload_lora_adapter", json={"lora_name": name}).status_code == 200
    assert content(client) == before


@pytest.mark.parametrize("name", ["/etc", "..", "../adapter0", "http://example.com/x", ".", "none"])
def test_no_path_of_a_client_is_opened(tiny_folder, adapter, name):
    config = ServeConfig(
        model=str(tiny_folder), engine="transformers", name="base", adapter_dir=str(adapter.parent)
    )
    service = empty_service(config)
    client = client_of(service, config, shelf=loading.fill(service, config, str))
    for reference in (name, str(adapter)):
        answer = client.post("/v1/load_lora_adapter", json={"lora_name": "x", "lora_path": reference})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "no_such_adapter"


def test_an_adapter_that_does_nothing_is_refused(tiny_folder, tmp_path):
    from peft import LoraConfig, get_peft_model

    from tests.tiny import tiny_model

    get_peft_model(tiny_model(), LoraConfig(target_modules=["q_proj"])).save_pretrained(tmp_path / "idle")
    with pytest.raises(ServeError, match="changes nothing"):
        open_service(
            ServeConfig(
                model=str(tiny_folder), engine="transformers", adapters={"idle": str(tmp_path / "idle")}
            ),
            str,
        )


def test_answers_in_the_form_of_a_schema(client):
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "yes"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = client.post(CHAT, json=chat_body(response_format=form, temperature=1, seed=1, max_tokens=100))
    choice = answer.json()["choices"][0]
    assert json.loads(choice["message"]["content"])["a"] in {"x", "yes"}
    assert choice["finish_reason"] == "stop"


def test_a_call_that_must_be_made_is_made(tiny_folder):
    config = ServeConfig(
        model=str(tiny_folder),
        engine="transformers",
        name="base",
        template=str(CHATML_FILE),
        max_new_tokens=100,
    )
    client = client_of(open_service(config, str), config)
    parameters = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    tool = {
        "type": "function",
        "function": {"name": "add", "parameters": {**parameters, "additionalProperties": False}},
    }
    body = chat_body(tools=[tool], tool_choice="required", temperature=1, seed=3)
    choice = client.post(CHAT, json=body).json()["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "add"
    assert json.loads(call["function"]["arguments"])["a"] in {1, 2}
    assert choice["finish_reason"] == "tool_calls"


def test_prompt_log_probabilities_are_the_models(client):
    tokens = [5, 17, 230, 8]
    answer = client.post(
        TEXT, json={"model": "shop", "prompt": tokens, "echo": True, "max_tokens": 0, "logprobs": 2}
    )
    given = answer.json()["choices"][0]["logprobs"]["token_logprobs"]
    chat = client.app.state.service.model("shop").chat
    weighed = chat.engine.weigh(tokens, 0, "shop")
    assert given[1:] == pytest.approx([scored.logprob for scored in weighed], abs=1e-5)


def test_clients_that_vanish_leave_nothing_behind(client):
    """While they wait, while their prompt is read, and while they are answered."""
    service, dice = client.app.state.service, random.Random(7)
    engine = service.models[0].chat.engine
    config = ServeConfig(model="base", max_parallel_answers=4)
    small = Service(service.models, max_parallel_answers=4)

    def vanish(address: str, number: int) -> None:
        wait, stream = dice.choice([0.002, 0.01, 0.03, 0.1]), bool(number % 2)
        body = chat_body("word " * dice.choice([1, 60]), stream=stream, max_tokens=300, temperature=1)
        body["model"] = dice.choice(["base", "shop"])
        with suppress(httpx.HTTPError):
            httpx.post(f"{address}{CHAT}", json=body, timeout=httpx.Timeout(5, read=wait))

    with running(small, config) as address:
        before = httpx.post(f"{address}{CHAT}", json=chat_body(), timeout=20).json()["choices"]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: vanish(address, number), range(60)))
        wait_until(lambda: small.running == 0 and engine.running == 0, 20)
        assert not engine._batch._steps()
        after = httpx.post(f"{address}{CHAT}", json=chat_body(), timeout=20).json()["choices"]
    assert after == before


def test_clients_at_once_share_passes_and_get_their_own_answers(client):
    service = client.app.state.service
    batch = service.models[0].chat.engine._batch
    asked = [{"text": f"Question {n}?", "model": ("base", "shop")[n % 2]} for n in range(8)]
    bodies = [chat_body(max_tokens=60, logit_bias={"2": -100}, **one) for one in asked]
    alone = [client.post(CHAT, json=body).json()["choices"] for body in bodies]
    rows, real = [], batch._forward

    def forward(inputs):
        rows.append(len(inputs.tokens))
        return real(inputs)

    with running(Service(service.models), ServeConfig(model="base")) as address:
        batch._forward = forward
        with ThreadPoolExecutor(8) as pool:
            post = partial(httpx.post, f"{address}{CHAT}", timeout=60)
            found = list(pool.map(lambda body: post(json=body).json()["choices"], bodies))
        batch._forward = real
    assert found == alone
    assert max(rows) > 1
    assert len(rows) < 8 * 60
