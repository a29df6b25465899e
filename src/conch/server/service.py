"""The models that are served, by name, and what bounds the work on them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.server.answer import Answer, Limit
from conch.server.errors import RequestError
from conch.server.job import Job
from conch.server.room import Room

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


class Service:
    """What the routes speak to. The first of `models` is the base.

    Requests beyond `max_concurrent_requests` are sent away. Of those in hand, at most
    `max_parallel_answers` answers are made at once; the others wait for their turn.
    """

    def __init__(
        self,
        models: Sequence[Served],
        *,
        max_concurrent_requests: int = 64,
        max_parallel_answers: int = 16,
        request_seconds: float = 600.0,
    ) -> None:
        self._models = {served.name: served for served in models}
        self._known = {alias: served for served in models for alias in served.aliases} | self._models
        self._most = max_concurrent_requests
        self._seconds = request_seconds
        self._room = Room(max_parallel_answers)
        self._threads = CapacityLimiter(max_concurrent_requests)
        self._last_moment = math.inf
        self.started = int(time.time())

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

    def model(self, name: str | None) -> Served:
        """The model of this name or alias; the base for none. Raises RequestError for an unknown name."""
        if name is None:
            return self.models[0]
        if name not in self._known:
            raise RequestError(
                "serving.no_model",
                status=404,
                param="model",
                code="model_not_found",
                name=name[:200],
                known=", ".join(self._models),
            )
        return self._known[name]

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._last_moment == math.inf

    def start(self, job: Job) -> Answer:
        """Begin to work on `job`. Raises RequestError where too many are being answered already."""
        if not self.is_open:
            raise RequestError("serving.closing", status=503)
        if self.running >= self._most:
            raise RequestError(
                "serving.busy", status=429, headers={"retry-after": str(RETRY_SECONDS)}, count=self.running
            )
        limit = Limit(self._seconds, lambda: self._last_moment)
        return Answer(job, self._room.enter(), self._threads, limit)

    def end_within(self, seconds: float) -> None:
        """Take no more requests; answers that are being made have `seconds` left."""
        self._last_moment = min(self._last_moment, time.monotonic() + seconds)

    def close(self) -> None:
        """Give back what the engines hold."""
        self.end_within(0)
        for served in self.models:
            served.chat.engine.close()


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(service_of)]
"""A route's parameter that holds the service."""
