"""A job's answer as one document, or as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from anyio import move_on_after
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from conch.inference.engine import FinishReason
from conch.inference.marks import Mark
from conch.server.answer import Answer
from conch.server.documents import Usage
from conch.server.errors import RequestError, failure_of
from conch.server.job import Job, Part
from conch.server.service import Served, Service

_log = logging.getLogger(__name__)
LAST_WORDS_SECONDS = 1.0
"""How long a stream that took too long may go on to say so, to a client that reads."""
KEEP_ALIVE_SECONDS = 10.0
"""After this long without a piece a stream sends a comment, so that no proxy takes it for dead."""
KEEP_ALIVE = ": keep-alive\n\n"

ResultT = TypeVar("ResultT")


class Form(Protocol):
    """How pieces look to a client."""

    def chunk(self, part: Part) -> dict[str, Any] | None:
        """The event of a piece; None for one that shows nothing."""
        ...

    def usage_chunk(self, usage: Usage) -> dict[str, Any] | None:
        """The event that ends a stream with the counts, if it was asked for."""
        ...


@dataclass
class Whole:
    """One finished answer. `calls` are names and arguments."""

    said: str = ""
    thought: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    finish: FinishReason = "stop"

    def add(self, part: Part) -> None:
        self.marks.extend(part.delta.marks)
        self.finish = part.delta.finish or self.finish
        for fragment in part.fragments:
            match fragment.kind:
                case "said":
                    self.said += fragment.text
                case "thought":
                    self.thought += fragment.text
                case "call":
                    self.calls.append((fragment.text, ""))
                case "arguments":
                    name, arguments = self.calls[fragment.call]
                    self.calls[fragment.call] = (name, arguments + fragment.text)


class Tally:
    """Counts tokens over a job's answers: a prompt counts once, however many answers it gets."""

    def __init__(self, job: Job) -> None:
        self._each = job.count
        self._prompt = 0
        self._completion = 0

    def add(self, part: Part) -> None:
        if part.delta.finish is None:
            return
        self._completion += part.delta.completion_tokens
        self._prompt += part.delta.prompt_tokens if part.index % self._each == 0 else 0

    def usage(self) -> Usage:
        return Usage.of(self._prompt, self._completion)


async def while_there(receive: Receive, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What `call` gives. It is cancelled as soon as the client has gone, and RequestError raised."""
    watch = Watch(receive)
    try:
        return await call()
    except asyncio.CancelledError:
        if not watch.gone:
            raise
        await watch.tell()
        raise RequestError("serving.client_gone", status=499) from None
    finally:
        watch.end()


class Watch:
    """Cancels the task that made it as soon as the client has gone. (A scope of anyio costs much more.)"""

    def __init__(self, receive: Receive) -> None:
        self.gone = False
        self._receive = receive
        self._task = asyncio.current_task()
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._task is not None:
            self.gone = True
            self._task.cancel()

    async def tell(self) -> None:
        """Raises what ended the watch, such as a body that is too large. The task is no longer cancelled."""
        uncancel = getattr(self._task, "uncancel", None)  # Python 3.11
        if uncancel is not None:
            uncancel()
        await self._watching

    def end(self) -> None:
        self._task = None
        self._watching.cancel()


async def collect(request: Request, service: Service, served: Served, job: Job) -> tuple[list[Whole], Usage]:
    """All answers, whole. The work ends early where the client has gone."""
    answer = service.start(job, served)
    try:
        return await while_there(request.receive, partial(_gather, answer, job))
    finally:
        await answer.close()


async def _gather(answer: Answer, job: Job) -> tuple[list[Whole], Usage]:
    wholes = [Whole() for _ in range(len(job.prompts) * job.count)]
    tally = Tally(job)
    while answer.left:
        await answer.ready(hurry=False)
        for part in answer.take():
            tally.add(part)
            wholes[part.index].add(part)
    return wholes, tally.usage()


class EventStream(StreamingResponse):
    """Server-sent events. When it ends, for whatever reason, so does the work.

    It ends when the time is up also for a client that stays but does not read.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], answer: Answer) -> None:
        super().__init__(events, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = suppress(RequestError, OSError)  # nobody is left to be told
        try:
            with gone, move_on_after(self._answer.limit.seconds_left + LAST_WORDS_SECONDS):
                await while_there(receive, partial(self.stream_response, send))
        finally:
            await self._answer.close()


async def stream(request: Request, service: Service, served: Served, job: Job, form: Form) -> EventStream:
    """The answers as they are made.

    Errors before the first piece are raised: they get their HTTP status. Where the first piece takes
    long, the stream begins without it.
    """
    answer = service.start(job, served)
    try:
        await while_there(request.receive, partial(answer.ready, KEEP_ALIVE_SECONDS))
    except BaseException:
        await answer.close()
        raise
    return EventStream(_events(answer, Tally(job), form), answer)


async def _events(answer: Answer, tally: Tally, form: Form) -> AsyncIterator[str]:
    try:
        while answer.left:
            if not await answer.ready(KEEP_ALIVE_SECONDS):
                yield KEEP_ALIVE
            elif shown := _shown(answer.take(), tally, form):
                yield shown
        usage = form.usage_chunk(tally.usage())
        if usage is not None:
            yield event(usage)
    except Exception as error:  # the status line has gone out: the news must travel in the stream
        failure = failure_of(error)
        if failure.status == 500:
            _log.exception("error in mid-stream")
        yield event(failure.body())
    yield "data: [DONE]\n\n"


def _shown(parts: Sequence[Part], tally: Tally, form: Form) -> str:
    """The events of pieces that came together."""
    shown = ""
    for part in parts:
        tally.add(part)
        document = form.chunk(part)
        if document is not None:
            shown += event(document)
    return shown


def event(document: dict[str, Any]) -> str:
    """A document as a server-sent event."""
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n"
