"""One server to put behind a gateway, as a process: `python -m tests.server.fleet.host NAME PORT [PAUSE]`.

A whole server of ours around the scripted engine. It answers with its name, or counts up to a number
that it is asked for, so that answers tell who gave them and whether they are whole.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
SLOTS = 8


def main(name: str, port: str, pause: str = "0") -> None:
    from conch.config.serve import ServeConfig
    from conch.inference.engine import Request, Sampling
    from conch.server.app import create_app
    from conch.server.run import Server, listening
    from conch.server.service import Served, Service
    from tests.server.scripted import TEMPLATE, scripted_chat

    def answer(request: Request) -> str:
        asked = TEMPLATE.tokenizer.decode(list(request.prompt))
        count = re.findall(r"count to (\d+)", asked)
        return " ".join(map(str, range(1, int(count[-1]) + 1))) if count else f"I am {name}."

    chat = scripted_chat(answer, pause=float(pause))
    models = [Served("base", chat, Sampling(max_new_tokens=2000)), Served(f"only-{name}", chat)]
    service = Service(models, max_concurrent_requests=200, max_parallel_answers=SLOTS)
    with listening("127.0.0.1", int(port)) as taken:
        config = ServeConfig(model="base", api_key="upstream-secret")
        Server(create_app(service, config), service).run(sockets=[taken])


class Host:
    """Such a process. It can be killed, and started again at the same address."""

    def __init__(self, name: str, port: int, pause: float = 0.0) -> None:
        self.name, self.port, self.pause = name, port, pause
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        words = [self.name, str(self.port), str(self.pause)]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.server.fleet.host", *words], cwd=ROOT)

    def wait(self) -> None:
        """Until it answers."""
        while True:
            assert self.process.poll() is None
            try:
                httpx.get(f"{self.url}/health", trust_env=False)
                return
            except httpx.ConnectError:
                time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def running(self) -> float:
        """How many requests it is at work on, by its own word."""
        headers = {"authorization": "Bearer upstream-secret"}
        text = httpx.get(f"{self.url}/metrics", headers=headers, trust_env=False).text
        return sum(
            float(value) for value in re.findall(r"^conch_requests_(?:running|waiting) (\S+)", text, re.M)
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
