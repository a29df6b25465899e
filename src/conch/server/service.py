"""The models that are served, by name, and the work in hand. Engines block, so they run in threads."""

from __future__ import annotations

import math
import threading
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
        # asyncio may cancel a task whose thread goes on: closing has to wait for that thread
        self._turn = threading.Lock()

    async def next(self) -> Part | None:
        """The next piece; None at the end."""
        return await to_thread.run_sync(self._step, limiter=self._limiter)

    def _step(self) -> Part | None:
        with self._turn:
            return next(self._work, None)

    async def close(self) -> None:
        """End the work and give the place back, also while the caller is being cancelled."""
        if self._closed:
            return
        self._closed = True
        try:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._end, limiter=self._limiter)
        finally:
            self._done()

    def _end(self) -> None:
        with self._turn:
            self._work.close()


class Service:
    """What the routes speak to. The first of `models` is the base."""

    def __init__(
        self, models: Sequence[Served], *, queue_size: int = 64, request_seconds: float = 600.0
    ) -> None:
        self._models = {served.name: served for served in models}
        self._queue_size = queue_size
        self._seconds = request_seconds
        self._limiter = CapacityLimiter(queue_size)
        self._last_moment = math.inf
        self.running = 0
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

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._last_moment == math.inf

    def start(self, job: Job) -> Answer:
        """Begin to work on `job`. Raises RequestError where too many are being answered already."""
        if not self.is_open:
            raise RequestError("serving.closing", status=503)
        if self.running >= self._queue_size:
            raise RequestError(
                "serving.busy", status=429, headers={"retry-after": str(RETRY_SECONDS)}, count=self.running
            )
        self.running += 1
        return Answer(parts(job, self._limit()), self._limiter, self._leave)

    def _limit(self) -> Callable[[], None]:
        """What ends work that takes too long, or goes on when the server ends."""
        deadline = time.monotonic() + self._seconds

        def check() -> None:
            now = time.monotonic()
            if now > deadline:
                raise RequestError("serving.timeout", status=504, seconds=round(self._seconds))
            if now > self._last_moment:
                raise RequestError("serving.closing", status=503)

        return check

    def end_within(self, seconds: float) -> None:
        """Take no more requests; answers that are being made have `seconds` left."""
        self._last_moment = min(self._last_moment, time.monotonic() + seconds)

    def _leave(self) -> None:
        self.running -= 1

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
