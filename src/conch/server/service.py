"""The models that are served, by name, and what bounds the work on them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from conch.config.serve import ServeConfig
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.server.answer import Answer, Limit
from conch.server.errors import RequestError
from conch.server.job import Job
from conch.server.metrics import Meter, Metrics
from conch.server.room import Room
from conch.server.schema import SamplingBody

RETRY_SECONDS = 2
"""When a client that was sent away should come again."""


@dataclass(frozen=True)
class Served:
    """One name in the API. `sampling` is what a request gets that asks for nothing.

    Requests may also use one of `aliases`, which no list shows.
    """

    name: str
    chat: Chat
    sampling: Sampling = field(default_factory=Sampling)
    parent: str | None = None
    aliases: tuple[str, ...] = ()

    def sampling_for(self, asked: SamplingBody) -> Sampling:
        """What a request asks for on top of the model's own. Raises RequestError for unknown tokens."""
        sampling = asked.sampling(self.sampling)
        size = self.chat.vocabulary
        strange = next((token for token, _ in sampling.logit_bias if token >= size), None)
        if strange is not None:
            raise RequestError("serving.no_token", param="logit_bias", token=strange, size=size)
        return sampling


class Service:
    """What the routes speak to. The first of `models` is the base; without any, they are yet to come.

    Requests beyond `max_concurrent_requests` are sent away. Of those in hand, at most
    `max_parallel_answers` answers are made at once; the others wait for their turn.
    """

    def __init__(
        self,
        models: Sequence[Served] = (),
        *,
        max_concurrent_requests: int = 64,
        max_parallel_answers: int = 16,
        request_seconds: float = 600.0,
    ) -> None:
        self._models: dict[str, Served] = {}
        self._most = max_concurrent_requests
        self._seconds = request_seconds
        self._room = Room(max_parallel_answers)
        self._threads = ThreadPoolExecutor(max_concurrent_requests, "answer")
        self._last_moment = math.inf
        self._in_hand: Counter[str] = Counter()
        self.progress = ""
        """What is being loaded, in words."""
        self.started = int(time.time())
        self.metrics = Metrics()
        self.metrics.watch(lambda: self._room.working, lambda: self._room.waiting)
        for served in models:
            self.add(served)

    @property
    def running(self) -> int:
        """How many requests are in hand."""
        return self._room.requests

    @property
    def models(self) -> tuple[Served, ...]:
        return tuple(self._models.values())

    @property
    def names(self) -> list[str]:
        return list(self._models)

    def make_at_once(self, answers: int) -> None:
        """How many answers are made at once."""
        self._room.resize(answers)

    def add(self, served: Served) -> None:
        """Serve a model. The first is the base."""
        self._models = {**self._models, served.name: served}

    def remove(self, name: str) -> None:
        """No more requests for this model. Answers that are being made go on."""
        self._models = {key: served for key, served in self._models.items() if key != name}

    def knows(self, name: str) -> bool:
        """Whether a model has this name, or answers to it."""
        return any(name in {served.name, *served.aliases} for served in self.models)

    def in_hand(self, name: str) -> int:
        """How many requests are being answered by the model of this name."""
        return self._in_hand[name]

    def model(self, name: str | None) -> Served:
        """The model of this name or alias; the base for none.

        Raises RequestError for an unknown name, and while models are loaded.
        """
        self.check_open()
        if name is None:
            return self.models[0]
        known = {alias: served for served in self.models for alias in served.aliases} | self._models
        if name not in known:
            raise RequestError(
                "serving.no_model",
                status=404,
                param="model",
                code="model_not_found",
                name=name[:200],
                known=", ".join(self._models),
            )
        return known[name]

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return bool(self._models) and self._last_moment == math.inf

    def check_open(self) -> None:
        """Raises RequestError where requests are not taken yet, or no more."""
        if self._last_moment != math.inf:
            raise RequestError("serving.closing", status=503)
        if not self._models:
            raise RequestError(
                "serving.still_loading",
                status=503,
                headers={"retry-after": str(RETRY_SECONDS)},
                progress=self.progress,
            )

    def start(self, job: Job, served: Served | None = None) -> Answer:
        """Begin to work on `job`. Raises RequestError where too many are being answered already."""
        self.check_open()
        name = (served or self.models[0]).name
        if self.running >= self._most:
            Meter(self.metrics, name).count("refused")
            raise RequestError(
                "serving.busy", status=429, headers={"retry-after": str(RETRY_SECONDS)}, count=self.running
            )
        limit = Limit(self._seconds, lambda: self._last_moment)
        self._in_hand[name] += 1
        meter = Meter(self.metrics, name, lambda: self._in_hand.subtract([name]))
        return Answer(job, self._room.enter(), self._threads, limit, meter)

    def end_within(self, seconds: float) -> None:
        """Take no more requests; answers that are being made have `seconds` left."""
        self._last_moment = min(self._last_moment, time.monotonic() + seconds)

    def close(self) -> None:
        """Give back what the engines hold."""
        self.end_within(0)
        close_engines(self.models)
        self._threads.shutdown(wait=False)


def close_engines(models: Sequence[Served]) -> None:
    """Give back what the engines of `models` hold."""
    for engine in {id(served.chat.engine): served.chat.engine for served in models}.values():
        engine.close()


def empty_service(config: ServeConfig) -> Service:
    """A service whose models are yet to come."""
    return Service(
        max_concurrent_requests=config.max_concurrent_requests,
        request_seconds=config.request_seconds,
    )


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _dependency(request: Request) -> Service:
    """Not a plain function: FastAPI would send those to a thread."""
    return service_of(request)


ServiceOf = Annotated[Service, Depends(_dependency)]
"""A route's parameter that holds the service. (Routes that many ask ask `service_of`: that takes less.)"""
