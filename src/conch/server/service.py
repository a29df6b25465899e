"""The models that are served, by name, and the work in hand. Engines block, so they run in threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends, Request

from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.server.errors import RequestError
from conch.server.job import Job, Part, parts

RETRY_SECONDS = 2
"""When a client that was sent away should come again."""


@dataclass(frozen=True)
class Served:
    """One name in the API. `sampling` is what a request gets that asks for nothing."""

    name: str
    chat: Chat
    sampling: Sampling = field(default_factory=Sampling)
    parent: str | None = None


class Answer:
    """A job at work. It holds a place in the queue until it is closed, and must be closed."""

    def __init__(
        self, work: Generator[Part, None, None], limiter: CapacityLimiter, done: Callable[[], None]
    ) -> None:
        self._work = work
        self._limiter = limiter
        self._done = done
        self._closed = False

    async def next(self) -> Part | None:
        """The next piece; None at the end."""
        return await to_thread.run_sync(next, self._work, None, limiter=self._limiter)

    async def close(self) -> None:
        """End the work and give the place back, also while the caller is being cancelled."""
        if self._closed:
            return
        self._closed = True
        try:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._work.close, limiter=self._limiter)
        finally:
            self._done()


class Service:
    """What the routes speak to. The first of `models` is the base."""

    def __init__(
        self, models: Sequence[Served], *, queue_size: int = 64, request_seconds: float = 600.0
    ) -> None:
        self._models = {served.name: served for served in models}
        self._queue_size = queue_size
        self._seconds = request_seconds
        self._limiter = CapacityLimiter(queue_size)
        self.running = 0
        self.is_open = True
        self.started = int(time.time())

    @property
    def models(self) -> tuple[Served, ...]:
        return tuple(self._models.values())

    @property
    def names(self) -> list[str]:
        return list(self._models)

    def model(self, name: str | None) -> Served:
        """The model of this name, the base if there is none. Raises RequestError for an unknown name."""
        if name is None:
            return self.models[0]
        if name not in self._models:
            raise RequestError(
                "serving.no_model",
                status=404,
                param="model",
                code="model_not_found",
                name=name[:200],
                known=", ".join(self._models),
            )
        return self._models[name]

    def start(self, job: Job) -> Answer:
        """Begin to work on `job`. Raises RequestError where too many are being answered already."""
        if self.running >= self._queue_size:
            raise RequestError(
                "serving.busy", status=429, headers={"retry-after": str(RETRY_SECONDS)}, count=self.running
            )
        self.running += 1
        return Answer(parts(job, self._seconds), self._limiter, self._leave)

    def _leave(self) -> None:
        self.running -= 1

    def close(self) -> None:
        """Give back what the engines hold."""
        self.is_open = False
        for served in self.models:
            served.chat.engine.close()


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(service_of)]
"""A route's parameter that holds the service."""
