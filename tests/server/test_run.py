"""`conch serve` as a process: the address, the port, the signals; and a real tiny model behind it."""

from __future__ import annotations

import gc
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from conch.config.serve import ServeConfig
from conch.core.errors import ServeError
from conch.server import loading, run
from conch.server.run import Server, listening
from conch.server.service import Service


@pytest.fixture
def start(home: Path) -> Iterator[object]:
    """Starts `conch serve` with the words given; ends what is left of it."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "conch.cli", "serve", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def document(process: subprocess.Popen[str]) -> dict:
    """The first JSON document that the process prints."""
    lines = ""
    for line in process.stdout:
        lines += line
        if line.startswith("}"):
            return json.loads(lines)
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_from_start_to_end(start, tiny_folder, number):
    process = start(str(tiny_folder), "--port", "0", "--json")
    told = document(process)
    assert told["models"] == [tiny_folder.name]
    assert told["api_key"] is None
    answer = httpx.get(f"{told['url']}/generate", params={"prompt": "Hi", "max_new_tokens": 4}, timeout=30)
    assert answer.status_code == 200
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "Stopped." in errors


def test_other_hosts_get_a_key_that_is_shown_once(start, tiny_folder):
    process = start(str(tiny_folder), "--host", "0.0.0.0", "--port", "0", "--json", "--name", "mine")
    told = document(process)
    assert httpx.get(f"{told['url']}/v1/models").status_code == 401
    answer = httpx.get(f"{told['url']}/v1/models", headers={"authorization": f"Bearer {told['api_key']}"})
    assert answer.json()["data"][0]["id"] == "mine"
    assert told["network"].startswith("http://")
    assert told["network"].endswith(told["url"].rpartition(":")[2])


def test_people_are_told_that_a_server_is_open_to_the_network(start, tiny_folder):
    process = start(str(tiny_folder), "--host", "0.0.0.0", "--port", "0", "--api-key", "secret")
    lines = [process.stdout.readline() for _ in range(2)]
    assert "Open to the network" in lines[1]
    assert "--api-key" in lines[1]
    assert "secret" not in lines[1]


def test_people_are_told_where_to_go(start, tiny_folder):
    process = start(str(tiny_folder), "--port", "0")
    lines = [process.stdout.readline() for _ in range(4)]
    assert "http://127.0.0.1:" in lines[0]
    assert "/docs" in lines[1]
    assert lines[3].strip().startswith("curl 'http://127.0.0.1:")


def test_a_server_says_that_it_loads(tiny_folder, monkeypatch):
    """Requests that come early are told so at once, and answered when the models are there."""
    go_on, opened = threading.Event(), threading.Event()
    real = loading.fill

    def slowly(service, config, notify):
        service.progress = "Loading 3 %"
        assert go_on.wait(20)
        return real(service, config, notify)

    monkeypatch.setattr(loading, "fill", slowly)
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    taken.close()
    server = []
    monkeypatch.setattr(run, "Server", lambda *words: server.append(Server(*words)) or server[0])
    config = ServeConfig(model=str(tiny_folder), name="base", port=port)
    thread = threading.Thread(target=run.serve, args=(config, lambda _: opened.set(), str))
    thread.start()
    try:
        url = f"http://127.0.0.1:{port}"
        early = httpx.get(f"{url}/generate", params={"prompt": "Hi"}, timeout=20)
        assert early.status_code == 503
        assert "Loading 3 %" in early.json()["error"]["message"]
        assert early.headers["retry-after"]
        assert httpx.get(f"{url}/health/live").status_code == 200
        for path in ("/health/ready", "/health", "/v1/models"):
            assert httpx.get(f"{url}{path}").status_code == 503
        assert httpx.get(f"{url}/openapi.json").status_code == 200
        go_on.set()
        assert opened.wait(20)
        assert httpx.get(f"{url}/health/ready").status_code == 200
        assert httpx.get(f"{url}/generate?prompt=Hi&max_new_tokens=2", timeout=20).status_code == 200
    finally:
        go_on.set()
        server[0].should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def test_a_model_that_can_not_be_loaded_ends_the_server(start):
    process = start("no-such-model", "--port", "0")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no-such-model" in errors
    assert "Traceback" not in errors


def test_a_port_in_use_is_told_before_anything_is_loaded(start):
    with listening("127.0.0.1", 0) as taken:
        process = start("no-such-model", "--port", str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is in use" in errors
    assert "--port 0" in errors


@pytest.mark.parametrize(
    "words",
    [
        ("m", "--adapter", "x"),
        ("m", "--adapter", "=x"),
        ("m", "--adapter", "a=x", "--adapter", "a=y"),
        ("m", "--port", "70000"),
        ("m", "--engine", "warp"),
        ("m", "--request-seconds", "0"),
        ("m", "--max-concurrent-requests", "0"),
        ("m", "--max-parallel-answers", "0"),
        ("m", "--max-new-tokens", "0"),
        (),
    ],
)
def test_wrong_words_are_usage_errors(start, words):
    process = start(*words)
    process.communicate(timeout=60)
    assert process.returncode == 2


def test_hosts_that_are_not_ours():
    with pytest.raises(ServeError, match="Can't listen"), listening("192.0.2.1", 0):
        pass
    with pytest.raises(ServeError, match="Can't listen"), listening("no such host", 0):
        pass


def test_ipv6():
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        with listening("::1", 0) as taken:
            assert taken.family == socket.AF_INET6
    except ServeError:
        pytest.skip("no IPv6 loopback")


def test_what_was_loaded_is_no_work_for_the_garbage_collector():
    """While the server runs. Afterwards a program that goes on has its garbage collected as before."""
    before = gc.get_freeze_count()
    server = Server(FastAPI(), Service())
    server.settle()
    try:
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
