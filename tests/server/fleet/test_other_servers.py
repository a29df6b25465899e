"""Servers that are not ours behind a gateway: llama.cpp's own, and the stand-in for vLLM's."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.server.fleet.test_gateway import KEY, gateway
from tests.server.scripted import events
from tests.tiny import save_tiny
from tests.vllm_server import Started

TEXT = "/v1/completions"
ASKED = {"prompt": [5, 17, 230], "max_tokens": 6, "temperature": 0}


@pytest.fixture
def llamacpp(tmp_path: Path):
    pytest.importorskip("xllamacpp")
    from conch.inference.llama.process import LlamaProcess, LlamaSettings
    from conch.models.gguf.bare import Bare
    from conch.models.gguf.model import write
    from conch.models.merging import Model

    folder = save_tiny(tmp_path / "model")
    written = write(Model.of(folder), tmp_path / "model.gguf", "f32", None, "tiny", Bare())
    process = LlamaProcess(LlamaSettings(written.file, context=256, threads=1))
    yield process
    process.close()


def test_llamacpps_own_server(llamacpp, tmp_path):
    key = tmp_path / "key"
    key.write_text(llamacpp.at.key)
    with gateway([llamacpp.at.url], upstream_key_file=str(key)) as (url, fleet):
        client = httpx.Client(base_url=url, headers=KEY, timeout=60, trust_env=False)
        (model,) = client.get("/v1/models").json()["data"]
        asked = {**ASKED, "model": model["id"]}
        plain = client.post(TEXT, json=asked)
        assert plain.status_code == 200, plain.text
        streamed = client.post(TEXT, json={**asked, "stream": True})
        texts = [event["choices"][0]["text"] for event in events(streamed.text.splitlines())]
        assert "".join(texts) == plain.json()["choices"][0]["text"]
        assert len(texts) >= 6
        assert client.post(TEXT, json={**asked, "model": "other"}).status_code == 404
        assert fleet.upstreams[0].in_hand == 0
    llamacpp.close()
    with gateway([llamacpp.at.url], upstream_key_file=str(key)) as (url, _):
        assert httpx.post(f"{url}{TEXT}", json=ASKED, headers=KEY, trust_env=False).status_code == 503


def test_vllms_protocol(tiny_folder):
    """Fields that only vLLM knows go on, and so do the fields of its answers."""
    server = Started(tiny_folder)
    try:
        with gateway([server.url]) as (url, _):
            asked = {**ASKED, "model": "org/model", "return_token_ids": True, "ignore_eos": True}
            answer = httpx.post(f"{url}{TEXT}", json={**asked, "stream": True}, headers=KEY, trust_env=False)
            ids = [event["choices"][0]["token_ids"] for event in events(answer.text.splitlines())]
            assert [len(each) for each in ids] == [1] * 6
            seen = httpx.get(f"{server.url}/fake/seen", trust_env=False).json()
            assert seen == [{**asked, "stream": True}]
            refused = httpx.post(f"{url}{TEXT}", json={**asked, "presence_penalty": 9}, headers=KEY)
            assert refused.status_code == 400
            assert "presence_penalty" in json.dumps(refused.json())
    finally:
        server.close()
