"""`conch serve --upstream …` as a command, before two `conch serve MODEL`."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from tests.server.test_run import document, start
from tests.server.test_service import wait_until

__all__ = ["start"]


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_gateway_from_start_to_end(start, tiny_folder: Path, tmp_path: Path, monkeypatch, number):
    monkeypatch.setenv("CONCH_API_KEY", "of-the-hosts")
    words = (str(tiny_folder), "--engine", "transformers", "--port", "0", "--json")
    hosts = [start(*words, "--name", "one"), start(*words, "--name", "two", "--require-key")]
    urls = [document(host)["url"] for host in hosts]
    monkeypatch.delenv("CONCH_API_KEY")
    key = tmp_path / "key"
    key.write_text("of-the-hosts")
    file = tmp_path / "gateway.yaml"
    file.write_text(f"upstream: [{', '.join(urls)}]\nupstream_key_file: {key}\nport: 0\nhost: 0.0.0.0\n")
    gateway = start(str(file), "--json")
    told = document(gateway)
    assert told["models"] == ["one", "two"]
    assert told["api_key"]
    client = httpx.Client(
        base_url=told["url"], headers={"authorization": f"Bearer {told['api_key']}"}, trust_env=False
    )
    answers = {
        name: client.get("/generate", params={"prompt": "Hi", "model": name, "max_new_tokens": 4}, timeout=60)
        for name in told["models"]
    }
    assert [answer.json()["model"] for answer in answers.values()] == ["one", "two"]
    assert httpx.get(f"{told['url']}/v1/models", trust_env=False).status_code == 401

    hosts[1].kill()
    wait_until(lambda: client.get("/health").json()["upstreams"]["up"] == 1, 20)
    gone = client.get("/generate", params={"prompt": "Hi", "model": "two"})
    assert gone.status_code == 503
    assert client.get("/generate", params={"prompt": "Hi", "model": "one"}, timeout=60).status_code == 200
    gateway.send_signal(number)
    _, errors = gateway.communicate(timeout=30)
    assert gateway.returncode == 0
    assert "Traceback" not in errors
    assert f"{urls[1]} is down" in errors
    assert "of-the-hosts" not in errors
    assert "Stopped." in errors
