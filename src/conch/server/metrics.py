"""What a monitor reads at `/metrics`, in Prometheus' form."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from conch.server.job import Part

Outcome = Literal["finished", "failed", "cancelled", "refused"]

FIRST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
EACH = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """Counts of one server. Names of models are those that it serves: clients can't make new ones."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "conch_requests",
            "Requests for an answer, by how they ended",
            ["model", "outcome"],
            registry=self.registry,
        )
        self.prompt_tokens = Counter(
            "conch_prompt_tokens", "Tokens of prompts", ["model"], registry=self.registry
        )
        self.answer_tokens = Counter(
            "conch_generated_tokens", "Tokens of answers", ["model"], registry=self.registry
        )
        self.first = Histogram(
            "conch_time_to_first_token_seconds",
            "From a request to the first token of its answer",
            ["model"],
            buckets=FIRST,
            registry=self.registry,
        )
        self.each = Histogram(
            "conch_time_per_token_seconds",
            "Mean time from token to token of an answer",
            ["model"],
            buckets=EACH,
            registry=self.registry,
        )
        self._running = Gauge(
            "conch_requests_running", "Requests that are being answered", registry=self.registry
        )
        self._waiting = Gauge(
            "conch_requests_waiting", "Requests that wait for their turn", registry=self.registry
        )

    def watch(self, running: Callable[[], float], waiting: Callable[[], float]) -> None:
        self._running.set_function(running)
        self._waiting.set_function(waiting)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Meter:
    """Follows one request. Its model's name is the one that the server gives it."""

    def __init__(self, metrics: Metrics, model: str, ended: Callable[[], None] = lambda: None) -> None:
        self._ended = ended
        self._metrics = metrics
        self._model = model
        self._begun = time.monotonic()
        self._firsts: dict[int, float] = {}
        self._prompts: set[int] = set()

    def add(self, part: Part, prompt: int) -> None:
        """A piece of an answer to prompt number `prompt`."""
        if part.delta.finish is None and part.index in self._firsts:
            return
        now = time.monotonic()
        if part.index not in self._firsts:
            self._firsts[part.index] = now
            if len(self._firsts) == 1:
                self._metrics.first.labels(self._model).observe(now - self._begun)
        if part.delta.finish is None:
            return
        if prompt not in self._prompts:
            self._prompts.add(prompt)
            self._metrics.prompt_tokens.labels(self._model).inc(part.delta.prompt_tokens)
        made = part.delta.completion_tokens
        self._metrics.answer_tokens.labels(self._model).inc(made)
        if made > 1:
            mean = (now - self._firsts[part.index]) / (made - 1)
            self._metrics.each.labels(self._model).observe(mean)

    def count(self, outcome: Outcome) -> None:
        """How the request ended."""
        self._metrics.requests.labels(self._model, outcome).inc()

    def leave(self) -> None:
        """Nothing is left of the work on it."""
        self._ended()
