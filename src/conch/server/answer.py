"""A job at work: bounded in time and room. Engines block, so they run in threads.

A thread works ahead of whoever reads, piece by piece, and wakes the event loop only where somebody
waits: a hop between threads for every token would cost more than the rest of the server.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from anyio import CancelScope, move_on_after

from conch.server.errors import RequestError
from conch.server.job import Job, Part, Work
from conch.server.metrics import Meter, Outcome
from conch.server.room import Share

_log = logging.getLogger(__name__)
LOOK_SECONDS = 0.25
"""How often an answer that waits for its place looks whether it is still allowed to."""
AHEAD = 64
"""Most pieces that are made before the first of them is read."""


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

    def __init__(self, job: Job, share: Share, threads: Executor, limit: Limit, meter: Meter) -> None:
        self.limit = limit
        self._meter = meter
        self._share = share
        self._making = Making(job, share, threads, limit, meter)
        self._wanted = self._closed = self._failed = False

    @property
    def left(self) -> bool:
        """Whether anything is still to be taken."""
        return self._making.left > 0

    async def ready(self, seconds: float = math.inf, *, hurry: bool = True) -> bool:
        """Whether there is a piece to take, or nothing is left, after waiting for `seconds` at most.

        Raises RequestError where the answer takes too long, ServeError or DataError where a prompt can't be
        read, and whatever else ended the work. Without `hurry` a piece may come together with those after
        it, which costs less.
        """
        try:
            return await self._ready(time.monotonic() + seconds, hurry)
        except Exception:
            self._failed = True
            raise

    async def _ready(self, until: float, hurry: bool) -> bool:
        if not self._wanted:
            self._wanted = True
            self._share.want(self._making.left)
        self.limit.check()
        while self.left and not self._making.at_hand:
            self.limit.check()
            if time.monotonic() >= until:
                return False
            if self._making.begun:
                await self._place(until)
            if self._share.held or not self._making.begun:
                await self._making.some(hurry, until)
        self._making.check()
        return True

    def take(self) -> list[Part]:
        """All pieces that are there. (What ended the work is raised by `ready`, behind the last of them.)"""
        parts = self._making.take()
        for part in parts:
            if part.delta.finish is not None:
                self._share.give_back()
        return parts

    async def _place(self, until: float) -> None:
        """Wait for a place for at least one of the answers."""
        while not self._share.held and (left := until - time.monotonic()) > 0:
            with move_on_after(min(LOOK_SECONDS, left)):
                await self._share.wait()
            self.limit.check()

    async def close(self) -> None:
        """End the work and give the places back, also while the caller is being cancelled."""
        if self._closed:
            return
        self._closed = True
        self._meter.count(self._outcome())
        try:
            if not self._making.over:
                with CancelScope(shield=True):
                    await self._making.end()
        finally:
            self._share.leave()
            self._meter.leave()

    def _outcome(self) -> Outcome:
        if self._failed:
            return "failed"
        return "cancelled" if self._making.left else "finished"


class Making:
    """The thread's side: makes pieces while there is a place, until told to end.

    It pauses where an answer has ended, since the place of that one must be given back first, and
    where nobody reads. `left` counts the answers whose end was not taken yet.
    """

    def __init__(self, job: Job, share: Share, threads: Executor, limit: Limit, meter: Meter) -> None:
        self.left = len(job.prompts) * job.count
        self._job = job
        self._share = share
        self._threads = threads
        self._limit = limit
        self._meter = meter
        self._work: Work | None = None
        self._made: deque[Part | Exception] = deque()
        self._busy = self._ended = False
        self._hurry = True
        self._waiter: asyncio.Future[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether the prompts were read."""
        return self._work is not None

    @property
    def over(self) -> bool:
        """Whether nothing is made, and nothing is left that the engine must be told to end."""
        return not self._busy and not (self._work is not None and self._work.left)

    @property
    def at_hand(self) -> bool:
        return bool(self._made)

    def check(self) -> None:
        """Raises what ended the work, where nothing is before it."""
        if self._made and isinstance(self._made[0], Exception):
            raise self._made[0]

    def take(self) -> list[Part]:
        """The pieces that were not taken."""
        parts: list[Part] = []
        while self._made and isinstance(part := self._made[0], Part):
            parts.append(part)
            self._made.popleft()
        self.left -= sum(part.delta.finish is not None for part in parts)
        return parts

    async def some(self, hurry: bool, until: float) -> None:
        """Until there is a piece, or nothing can be made, or it is time.

        Without a place the prompts are only read. Without `hurry` until the thread pauses.
        """
        self._hurry = hurry
        self._start()
        while self._goes_on() and time.monotonic() < until:
            await self._news(until)

    async def end(self) -> None:
        """Until nothing is made any more. If the waiting is cut short, the thread still ends the work."""
        self._ended, self._hurry = True, False
        while not self.over:
            self._start()
            await self._news(math.inf)

    def _start(self) -> None:
        if not self._busy:
            self._busy = True
            try:
                self._threads.submit(self._make, asyncio.get_running_loop())
            except RuntimeError:  # no more threads: the service has ended
                self._busy = False
                raise

    async def _news(self, until: float) -> None:
        """Until the thread has made something or paused, or it is time."""
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        if not self._goes_on():  # looked at with the waiter in place
            return
        left = until - time.monotonic()
        timer = loop.call_later(left, _resolve, waiter) if left < math.inf else None
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()

    def _goes_on(self) -> bool:
        """Whether there is something to wait for."""
        return self._busy and not (self._made and self._hurry)

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            if self._work is None and not self._ended:
                self._work = Work(self._job)
            self._go_on(loop)
        except Exception as error:
            self._made.append(error)
        except BaseException as error:  # a library in Rust panicked
            self._made.append(RuntimeError(repr(error)))
        finally:
            self._pause(loop)

    def _pause(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whatever became of the work, whoever waits is told."""
        try:
            if self._ended and self._work is not None:
                self._work.close()
        except Exception:  # what was asked for is over, so nobody else would hear of it
            _log.exception("an engine failed to end its work")
        finally:
            self._busy = False
            self._wake(loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Steps, up to where the reader has something to do first."""
        work = self._work
        while work is not None and work.left and self._may_go_on():
            part = work.step(self._share.held)
            if part.delta.waits:
                continue
            self._meter.add(part, part.index // self._job.count)
            self._made.append(part)
            if part.delta.finish is not None:
                return
            if self._hurry:
                self._wake(loop)

    def _may_go_on(self) -> bool:
        self._limit.check()
        room = len(self._made) < AHEAD or not self._hurry
        return room and not self._ended and self._share.held > 0

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
