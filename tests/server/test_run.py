"""`conch serve` as a process: the address, the port, the signals; and a real tiny model behind it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conch.core.errors import ServeError
from conch.server.run import listening


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
