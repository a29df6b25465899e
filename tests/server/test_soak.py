"""A server at work for half an hour, with clients that stay and clients that vanish: its memory stays."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from conch.core import env
from tests.proofs import Proofs
from tests.server.scripted import chat_body

SECONDS, WARM, CLIENTS = 1800.0, 60.0, 8
GROWTH = 20e6
CHAT = "/v1/chat/completions"


def memory(process: psutil.Process) -> int:
    """Bytes held by a process and those that it started."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def work(url: str, seconds: float, seed: int) -> int:
    """One client for so long: how many answers it got. Every fifth time it does not wait for the answer."""
    dice, got, end = random.Random(seed), 0, time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=60) as client:
        while time.monotonic() < end:
            more = {"stream": dice.random() < 0.5, "max_tokens": dice.randint(1, 64), "temperature": 1}
            body = chat_body("word " * dice.randint(1, 100), **more)
            if dice.random() < 0.2:
                with suppress(httpx.HTTPError):
                    client.post(CHAT, json=body, timeout=httpx.Timeout(5, read=dice.random() / 10))
                continue
            answer = client.post(CHAT, json=body)
            assert answer.status_code == 200, answer.text
            got += 1
    return got


def soak(url: str, process: psutil.Process, seconds: float, warm: float = WARM) -> tuple[int, list[int]]:
    """Answers given, and the memory after warming and then at each tenth of the time."""
    held = []
    got = 0
    for number, part in enumerate([warm, *[seconds / 10] * 10]):
        with ThreadPoolExecutor(CLIENTS) as pool:
            seeds = range(CLIENTS * number, CLIENTS * (number + 1))
            got += sum(pool.map(lambda seed, part=part: work(url, part, seed), seeds))
        held.append(memory(process))
    return got, held


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    words = [sys.executable, "-m", "conch.cli", "serve", str(folder), "--name", "base"]
    words += ["--engine", "llamacpp", "--port", "0", "--json"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env.child_environment())
    assert child.stdout is not None
    text = ""
    while not text.rstrip().endswith("}"):
        line = child.stdout.readline()
        assert line, "the server has ended"
        text += line
    return child, str(json.loads(text)["url"])


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 600)
def test_memory_stays(tiny_folder: Path, request: pytest.FixtureRequest, proofs: Proofs) -> None:
    if not request.config.getoption("--prove"):
        pytest.skip("half an hour: make prove")
    child, url = start(tiny_folder)
    try:
        got, held = soak(url, psutil.Process(child.pid), SECONDS)
        ended = httpx.get(f"{url}/metrics").text
    finally:
        child.terminate()
        child.wait(30)
    assert "conch_requests_running 0.0" in ended
    assert "conch_requests_waiting 0.0" in ended
    growth = max(held[1:]) - held[0]
    assert growth < GROWTH, held
    proofs.tell(
        "a server of llama.cpp asked without a pause for half an hour, with every fifth client vanishing: "
        "its memory grows by less than 20 MB",
        f"{got} answers; {held[0] / 1e6:.0f} MB after a minute, {growth / 1e6:+.1f} MB at most after it",
    )
