"""The API around vLLM's protocol: the same prompts as in training, adapters, forms, and what fails.

vLLM itself needs a GPU. What answers here is a stand-in that speaks its protocol (`tests/vllm_server.py`).
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.encoder import Encoder
from conch.inference import open as opening
from conch.inference.open import EngineWish, choose_engine
from conch.inference.vllm import environment
from conch.models.hardware import Device
from conch.models.locate import Located
from conch.server import loading
from conch.server.service import Service, empty_service
from tests.server.scripted import chat_body, client_of, streamed_texts
from tests.tiny import save_tiny
from tests.vllm_server import Started, install

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
GUIDANCE = ("--structured-outputs-config", '{"backend": "guidance"}')
SCHEMA = {
    "type": "object",
    "properties": {"a": {"enum": ["x", "yes"]}},
    "required": ["a"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
_services: list[Service] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every service is closed that a test has opened, and its vLLM with it."""
    yield
    while _services:
        _services.pop().close()


def opened(config: ServeConfig, notes: list[str] | None = None):
    service = empty_service(config)
    _services.append(service)
    shelf = loading.fill(service, config, (notes if notes is not None else []).append)
    return client_of(service, config, shelf=shelf)


def config_of(folder: Path, **more) -> ServeConfig:
    settings = {"name": "base", "engine": "vllm", "max_new_tokens": 24, **more}
    return ServeConfig(model=str(folder), **settings)


def content(client, **more) -> str:
    answer = client.post(CHAT, json=chat_body(**more))
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def fake_of(client) -> str:
    return client.app.state.service.models[0].chat.engine._server.url


def test_the_whole_api_on_a_server_that_is_started(home, tiny_folder, adapter):
    install(environment.program())
    notes: list[str] = []
    client = opened(config_of(tiny_folder, adapter_dir=str(adapter.parent)), notes)
    assert [note for note in notes if "vllm" in note]

    # token for token what training used, and our own tokens end the answer
    chat = client.app.state.service.models[0].chat
    turns = [Message("system", "Be kind."), Message("user", "你是谁? 🐚"), Message("assistant", "I am.")]
    prompt, answer = chat.template.turn(turns[:2], turns[2])
    trained, _ = Encoder(chat.template.reader, chat.template.end_of_turn).turn(prompt, answer)
    body = {"model": "base", "messages": [{"role": m.role, "content": m.content} for m in turns[:2]]}
    assert client.post(CHAT, json=body).json()["usage"]["prompt_tokens"] == len(trained)
    seen = httpx.get(f"{fake_of(client)}/fake/seen").json()[-1]
    assert seen["prompt"] == trained
    assert set(seen["stop_token_ids"]) == set(chat.template.stop_ids() | chat.stop_ids)
    assert seen["ignore_eos"] is True

    # streamed equals unstreamed, drawn and not
    for more in ({}, {"seed": 3, "temperature": 1.2, "n": 2}):
        plain = client.post(CHAT, json=chat_body(**more)).json()["choices"]
        assert streamed_texts(client, CHAT, chat_body(**more)) == [c["message"]["content"] for c in plain]

    # a schema holds the answer
    text = content(client, response_format=FORM, temperature=1, seed=1, max_tokens=100)
    assert json.loads(text)["a"] in {"x", "yes"}

    # adapters come and go
    before = content(client)
    loaded = client.post("/v1/load_lora_adapter", json={"lora_name": "mine", "lora_path": "shop"})
    assert loaded.status_code == 200, loaded.text
    assert loaded.json()["probe"] > 0.01
    assert content(client, model="mine") != before
    assert content(client) == before
    assert client.post("/v1/unload_lora_adapter", json={"lora_name": "mine"}).status_code == 200
    assert content(client) == before


def test_it_says_the_same_as_the_other_engines(home, tiny_folder, adapter):
    install(environment.program())
    answers = {}
    asked = {"prompt": [5, 17, 230, 8, 9], "echo": True, "max_tokens": 0, "logprobs": 2}
    for engine in ("vllm", "transformers"):
        client = opened(config_of(tiny_folder, engine=engine, adapters={"shop": str(adapter)}))
        told = [
            client.post(TEXT, json={**asked, "model": model}).json()["choices"][0]["logprobs"]
            for model in ("base", "shop")
        ]
        answers[engine] = content(client), content(client, model="shop"), told
    (base, shop, told), (same_base, same_shop, expected) = answers["vllm"], answers["transformers"]
    assert (base, shop) == (same_base, same_shop)
    assert base != shop
    for ours, theirs in zip(told, expected, strict=True):
        assert ours["token_logprobs"][1:] == pytest.approx(theirs["token_logprobs"][1:], abs=1e-4)
        assert [set(top) for top in ours["top_logprobs"][1:]] == [set(t) for t in theirs["top_logprobs"][1:]]


def test_a_run_is_its_base_with_the_adapter_on(home, tiny_folder, adapter):
    install(environment.program())
    own = opened(config_of(adapter))
    shop = opened(config_of(tiny_folder, adapters={"shop": str(adapter)}, engine="transformers"))
    assert content(own) == content(shop, model="shop")


@pytest.fixture
def given(tiny_folder: Path) -> Iterator[Started]:
    server = Started(tiny_folder)
    yield server
    server.close()


def test_a_server_that_runs_already(home, tiny_folder, given, tmp_path):
    client = opened(config_of(tiny_folder, engine="auto", vllm_url=f"{given.url}/v1/"))
    reference = opened(config_of(tiny_folder, engine="transformers"))
    assert content(client) == content(reference)

    # one that was not started for our grammars refuses them, and the field is named
    refused = client.post(CHAT, json=chat_body(response_format=FORM))
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "response_format"
    assert "EBNF" in refused.json()["error"]["message"]

    # it takes no adapters: neither do we
    told = client.post("/v1/load_lora_adapter", json={"lora_name": "mine", "lora_path": "no"})
    assert told.status_code == 400

    # another model's tokens are other tokens
    other = save_tiny(tmp_path / "other")
    settings = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    settings["model"]["merges"] = settings["model"]["merges"][:5]
    (other / "tokenizer.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ServeError, match="another model"):
        opened(config_of(other, vllm_url=given.url))

    given.close()
    lost = client.post(CHAT, json=chat_body())
    assert lost.status_code == 503
    assert lost.json()["error"]["code"] == "vllm_ended"


def test_a_server_that_wants_a_key(home, tiny_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("VLLM_API_KEY", "sesam")
    server = Started(tiny_folder)
    monkeypatch.delenv("VLLM_API_KEY")
    try:
        with pytest.raises(ServeError, match="key") as caught:
            opened(config_of(tiny_folder, vllm_url=server.url))
        assert caught.value.key == "serving.vllm_key"
        file = tmp_path / "key"
        file.write_text("sesam\n")
        assert content(opened(config_of(tiny_folder, vllm_url=server.url, vllm_key_file=str(file))))
        monkeypatch.setenv("CONCH_VLLM_KEY", "sesam")
        assert content(opened(config_of(tiny_folder, vllm_url=server.url)))
    finally:
        server.close()


def test_an_address_where_nobody_is(home, tiny_folder):
    with pytest.raises(ServeError) as caught:
        opened(config_of(tiny_folder, vllm_url="http://127.0.0.1:9"))
    assert caught.value.key == "serving.vllm_ended"


@pytest.mark.parametrize("says", ["404", "<html>Hello</html>", "[]", '{"data": [{"id": "base"}]}'])
def test_an_address_where_something_else_answers(home, tiny_folder, says):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            body = says.encode()
            self.send_response(404 if says == "404" else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        try:
            with pytest.raises(ServeError) as caught:
                opened(config_of(tiny_folder, vllm_url=f"http://127.0.0.1:{other.server_port}"))
        finally:
            other.shutdown()
    assert caught.value.key == "serving.vllm_odd"


@pytest.mark.parametrize(
    ("ready", "engine", "word"),
    [(True, "vllm", "environment"), (False, "transformers", "--engine vllm"), (None, "transformers", "GPU")],
)
def test_what_is_chosen_on_a_gpu(home, tiny_folder, monkeypatch, ready, engine, word):
    monkeypatch.setattr(opening, "find_device", lambda: Device("cuda", True, "H100"))
    choice = choose_engine(Located("m", tiny_folder), EngineWish(vllm=ready))
    assert choice.engine == engine
    assert word in choice.reason
    assert "H100" in choice.reason


def test_what_vllm_can_not_put_on_a_base_is_left_to_the_other_engine(
    home, tiny_folder, adapter, tmp_path, monkeypatch
):
    monkeypatch.setattr(opening, "find_device", lambda: Device("cuda", True, "H100"))
    odd = tmp_path / "odd"
    shutil.copytree(adapter, odd)
    settings = json.loads((odd / "adapter_config.json").read_text())
    (odd / "adapter_config.json").write_text(json.dumps({**settings, "bias": "all"}))
    for adapters, engine in (
        ((adapter,), "vllm"),
        ((odd,), "transformers"),
        ((adapter, adapter), "transformers"),
    ):
        assert choose_engine(Located("m", tiny_folder, adapters), EngineWish(vllm=True)).engine == engine
    install(environment.program())
    with pytest.raises(ServeError, match="plain LoRA"):
        opened(config_of(odd))


def test_without_a_gpu_it_is_not_chosen(home, tiny_folder, monkeypatch):
    monkeypatch.setattr(opening, "find_device", lambda: Device("cpu", False, "no GPU"))
    assert choose_engine(Located("m", tiny_folder), EngineWish(vllm=True)).engine != "vllm"
    assert choose_engine(Located("m", tiny_folder), EngineWish("vllm", vllm=False)).engine == "vllm"
