"""A job at work: bounded in time and room. Engines block, so they run in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, move_on_after, to_thread

from conch.server.errors import RequestError
from conch.server.job import Job, Part, Work
from conch.server.metrics import Meter, Outcome
from conch.server.room import Share

ResultT = TypeVar("ResultT")
LOOK_SECONDS = 0.25
"""How often an answer that waits for its place looks whether it is still allowed to."""


class Limit:
    """When an answer has to end: after `seconds`, or when the server does.

    It is looked at between two tokens: a single step of an engine can't be cut short.
    """

    def __init__(self, seconds: float, last_moment: Callable[[], float]) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._last_moment = last_moment

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def check(self) -> None:
        """Raises RequestError when it is time."""
        if self.seconds_left < 0:
            raise RequestError("serving.timeout", status=504, seconds=f"{self._seconds:g}")
        if time.monotonic() > self._last_moment():
            raise RequestError("serving.closing", status=503)


class Answer:
    """A job at work. It counts among the requests in hand until it is closed, and must be closed."""

    def __init__(self, job: Job, share: Share, threads: CapacityLimiter, limit: Limit, meter: Meter) -> None:
        self.limit = limit
        self._meter = meter
        self._job = job
        self._share = share
        self._threads = threads
        self._work: Work | None = None
        self._closed = self._failed = False
        # asyncio may cancel a task whose thread goes on: closing has to wait for that thread
        self._turn = threading.Lock()

    async def next(self) -> Part | None:
        """The next piece; None at the end. Raises RequestError where it takes too long.

        The first call raises ServeError or DataError where a prompt can't be read.
        """
        try:
            return await self._next()
        except Exception:
            self._failed = True
            raise

    async def _next(self) -> Part | None:
        if self._work is None:
            self._work = await self._in_thread(lambda: Work(self._job))
            self._share.want(self._work.left)
        if not self._work.left:
            return None
        await self._may_go_on()
        part = await self._in_thread(self._step)
        self._meter.add(part, part.index // self._job.count)
        if part.delta.finish is not None:
            self._share.give_back()
        return part

    async def _may_go_on(self) -> None:
        """Wait for a place for at least one of the answers."""
        self.limit.check()
        while not self._share.held:
            with move_on_after(LOOK_SECONDS):
                await self._share.wait()
            self.limit.check()

    def _step(self) -> Part:
        assert self._work is not None
        with self._turn:
            return self._work.step(self._share.held)

    async def close(self) -> None:
        """End the work and give the places back, also while the caller is being cancelled."""
        if self._closed:
            return
        self._closed = True
        self._meter.count(self._outcome())
        try:
            with CancelScope(shield=True):
                await self._in_thread(self._end)
        finally:
            self._share.leave()
            self._meter.leave()

    def _outcome(self) -> Outcome:
        if self._failed:
            return "failed"
        return "finished" if self._work is not None and not self._work.left else "cancelled"

    def _end(self) -> None:
        with self._turn:
            if self._work is not None:
                self._work.close()

    async def _in_thread(self, call: Callable[[], ResultT]) -> ResultT:
        return await to_thread.run_sync(call, limiter=self._threads)
