"""Tokens a second and waiting times of `conch serve` under load, beside llama.cpp and a tutorial's script.

Every server gets the same questions, and each answer has the same number of tokens: what would end one
early is forbidden. Conch with llama.cpp and llama.cpp by itself read the same GGUF file and have as many
slots; Conch with transformers computes in fp32, as the script does. The last part asks Conch around an engine
that computes nothing, held to one core, for what the gateway costs by itself.

    python -m benchmarks.serve_load --model FOLDER [--engine llamacpp transformers] [--clients 1 8 32]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.serving.clients import Answered, Call, conch_chat, load, raw_completion, tutorial_call
from conch.config.model import ModelConfig
from conch.core import env
from conch.core.conversation import Message
from conch.data.template import ChatTemplate
from conch.models.gguf.kept import kept_model
from conch.models.load import load_tokenizer
from conch.models.locate import Request, locate

OTHERS = ("tutorial", "llama.cpp")
ENGINES = ("llamacpp", "transformers", "auto")
START_SECONDS = 180
CONTEXT = 512
GATEWAY_REQUESTS = 2000
GATEWAY_ROUNDS = 5
QUESTIONS = (
    "What is a magic conch?",
    "How do I bake bread at home?",
    "Tell me about the sea and its tides.",
    "Why is the sky blue in the morning?",
)


@dataclass(frozen=True)
class Figures:
    """Of one server at one number of clients. Times in seconds."""

    server: str
    clients: int
    tokens_per_second: float
    tokens_per_processor_second: float
    """The fairer figure where others use the machine."""
    first_median: float
    first_p99: float

    @staticmethod
    def of(
        server: str, clients: int, answered: Sequence[Answered], seconds: float, processor: float
    ) -> Figures:
        firsts = sorted(answer.first for answer in answered)
        tokens = sum(answer.tokens for answer in answered)
        late = firsts[min(len(firsts) - 1, int(len(firsts) * 0.99))]
        speeds = tokens / seconds, tokens / processor
        return Figures(server, clients, *speeds, statistics.median(firsts), late)


class Setting:
    """The model as the servers and the questions need it."""

    def __init__(self, asked: argparse.Namespace) -> None:
        config = ModelConfig(model_name_or_path=str(asked.model))
        located = locate(Request.of(config, lambda _: None))
        self.folder, self.tokens, self.kind = located.folder, int(asked.tokens), str(asked.type)
        self.file = kept_model(located, self.kind, located.folder, lambda _: None)
        self.template = ChatTemplate.of(load_tokenizer(self.folder, config))
        self.stops = sorted(self.template.stop_ids())

    def command(self, server: str, port: int, clients: int) -> list[str]:
        slots = min(clients, 8)
        if server == "tutorial":
            words = ["benchmarks.serving.tutorial", self.folder, port, self.tokens]
        elif server == "llama.cpp":
            words = ["benchmarks.serving.raw_llamacpp", self.file, port, slots, CONTEXT]
        else:
            engine = server.removeprefix("conch ")
            words = ["conch.cli", "serve", self.folder, "--port", port, "--name", "base", "--engine", engine]
            words += ["--gguf-type", self.kind] if engine != "auto" else []
            words += ["--context-length", CONTEXT] if engine == "llamacpp" else []
        return [sys.executable, "-m", *map(str, words)]

    def calls(self, server: str, count: int) -> list[Call]:
        return [self.call(server, f"{QUESTIONS[i % len(QUESTIONS)]} ({i})") for i in range(count)]

    def call(self, server: str, question: str) -> Call:
        if server == "tutorial":
            return tutorial_call(question, self.tokens)
        if server.startswith("conch"):
            return conch_chat(question, self.tokens, self.stops)
        prompt = self.template.prompt_ids([Message("user", question)])
        return raw_completion(prompt, self.tokens, self.stops)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], port: int, path: str) -> Iterator[psutil.Process]:
    """A server, from when it answers at `path` until the block ends. Ends it by its own handle."""
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=env.child_environment())
        try:
            _wait(child, f"http://127.0.0.1:{port}{path}")
            yield psutil.Process(child.pid)
        except RuntimeError:
            said.seek(0)
            print(said.read()[-2000:], file=sys.stderr)
            raise
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait(child: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {url}")


def measure(setting: Setting, server: str, clients: int, requests: int) -> Figures:
    """One server under one load, after an answer that warms it."""
    port = free_port()
    path = "/health/ready" if server.startswith("conch") else "/health"
    with running(setting.command(server, port, clients), port, path) as process:
        load(port, setting.calls(server, 1), 1)
        before = _processor_seconds(process)
        answered, seconds = load(port, setting.calls(server, requests), clients)
        processor = _processor_seconds(process) - before
    return Figures.of(server, clients, answered, seconds, processor)


def _processor_seconds(process: psutil.Process) -> float:
    """Of a server with all its processes."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(time.user + time.system for time in times))


def gateway(setting: Setting) -> dict[str, float]:
    """The gateway alone: milliseconds of a request by itself, and requests a second of one core."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.serving.scripted", str(setting.folder), str(port), "0"]
    call = conch_chat("Who are you?", 16, (), streams=False)
    with running(command, port, "/health/live"), _away_from(0):
        load(port, [call] * 200, 1)
        alone, _ = load(port, [call] * 500, 1)
        rounds = [load(port, [call] * GATEWAY_REQUESTS, 16) for _ in range(GATEWAY_ROUNDS)]
    median = statistics.median(answer.whole for answer in alone)
    speeds = [len(answered) / seconds for answered, seconds in rounds]
    return {"median_ms": median * 1000, "requests_per_second": statistics.median(speeds)}


@contextlib.contextmanager
def _away_from(core: int) -> Iterator[None]:
    """Clients leave `core` to the server, where there is another."""
    own = psutil.Process()
    cores = own.cpu_affinity()
    own.cpu_affinity([other for other in cores if other != core] or cores)
    try:
        yield
    finally:
        own.cpu_affinity(cores)


def show(found: Sequence[Figures]) -> None:
    print(f"\n{'server':<19}{'clients':>8}{'tok/s':>9}{'tok/cpu s':>11}{'first, median':>15}{'p99':>9}")
    for one in found:
        times = f"{one.first_median:>14.2f}s{one.first_p99:>8.2f}s"
        print(
            f"{one.server:<19}{one.clients:>8}{one.tokens_per_second:>9.1f}{one.tokens_per_processor_second:>11.1f}{times}"
        )
    for measure in ("tokens_per_second", "tokens_per_processor_second"):
        _compare(found, measure)


def _compare(found: Sequence[Figures], measure: str) -> None:
    """Conch over the others, medians of all rounds."""
    speeds: dict[tuple[str, int], list[float]] = {}
    for one in found:
        speeds.setdefault((one.server, one.clients), []).append(getattr(one, measure))
    medians = {key: statistics.median(values) for key, values in speeds.items()}
    for (server, clients), ours in medians.items():
        for other in OTHERS if server not in OTHERS else ():
            if theirs := medians.get((other, clients)):
                print(f"{server} over {other}, {clients} clients, {measure}: {ours / theirs:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model folder or name")
    parser.add_argument("--type", default="q8_0", choices=["q8_0", "f16", "bf16", "f32"])
    parser.add_argument("--tokens", type=int, default=128, help="new tokens of each answer")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--engine", nargs="+", default=["llamacpp", "transformers"], choices=ENGINES)
    parts = [*OTHERS, "conch", "gateway"]
    parser.add_argument("--only", nargs="+", default=parts, choices=parts)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args()
    setting = Setting(asked)
    servers = [name for name in OTHERS if name in asked.only]
    servers += [f"conch {engine}" for engine in asked.engine if "conch" in asked.only]
    found = []
    for _ in range(asked.rounds):
        for clients in asked.clients:
            for server in servers:
                # the script answers one after another: more requests would only repeat what it does
                requests = max(4, clients) if server == "tutorial" else max(8, 2 * clients)
                found.append(measure(setting, server, clients, requests))
                print(found[-1], flush=True)
    show(found)
    alone = gateway(setting) if "gateway" in asked.only else {}
    if alone:
        print(
            f"Gateway: {alone['median_ms']:.2f} ms, {alone['requests_per_second']:.0f} requests/s on one core"
        )
    if asked.json:
        told = {"servers": [vars(one) for one in found], "gateway": alone}
        asked.json.write_text(json.dumps(told, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
