"""A job's answer as one document, or as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from anyio import CancelScope, move_on_after
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from conch.inference.engine import FinishReason
from conch.server.answer import Answer
from conch.server.errors import RequestError, failure_of
from conch.server.job import Job, Part
from conch.server.schema import Usage
from conch.server.service import Service

_log = logging.getLogger(__name__)
LAST_WORDS_SECONDS = 1.0
"""How long a stream that took too long may go on to say so, to a client that reads."""

ResultT = TypeVar("ResultT")

Chunk = Callable[[int, str, FinishReason | None, bool], dict[str, Any]]
"""Index, text, finish reason, whether it is the answer's first → the event's document."""
UsageChunk = Callable[[Usage], dict[str, Any]]


@dataclass
class Whole:
    """One finished answer."""

    text: str = ""
    finish: FinishReason = "stop"


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
    scope = CancelScope()

    async def watch() -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            scope.cancel()

    watching = asyncio.create_task(watch())
    try:
        with scope:
            return await call()
        await watching  # raises what ended it, such as a body that is too large
        raise RequestError("serving.client_gone", status=499)
    finally:
        watching.cancel()


async def collect(request: Request, service: Service, job: Job) -> tuple[list[Whole], Usage]:
    """All answers, whole. The work ends early where the client has gone."""
    answer = service.start(job)
    try:
        return await while_there(request.receive, partial(_gather, answer, job))
    finally:
        await answer.close()


async def _gather(answer: Answer, job: Job) -> tuple[list[Whole], Usage]:
    wholes = [Whole() for _ in range(len(job.prompts) * job.count)]
    tally = Tally(job)
    while (part := await answer.next()) is not None:
        tally.add(part)
        whole = wholes[part.index]
        whole.text += part.delta.text
        whole.finish = part.delta.finish or whole.finish
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


async def stream(
    request: Request, service: Service, job: Job, chunk: Chunk, usage: UsageChunk | None
) -> EventStream:
    """The answers as they are made. Errors before the first piece are raised: they get their HTTP status."""
    answer = service.start(job)
    try:
        first = await while_there(request.receive, answer.next)
    except BaseException:
        await answer.close()
        raise
    return EventStream(_events(_Rest(first, answer), Tally(job), chunk, usage), answer)


@dataclass(frozen=True)
class _Rest:
    """An answer whose first piece has been taken already."""

    first: Part | None
    answer: Answer

    async def parts(self) -> AsyncIterator[Part]:
        part = self.first
        while part is not None:
            yield part
            part = await self.answer.next()


async def _events(rest: _Rest, tally: Tally, chunk: Chunk, usage: UsageChunk | None) -> AsyncIterator[str]:
    begun: set[int] = set()
    try:
        async for part in rest.parts():
            tally.add(part)
            index, delta = part.index, part.delta
            if delta.text or delta.finish or index not in begun:
                yield _event(chunk(index, delta.text, delta.finish, index not in begun))
                begun.add(index)
        if usage is not None:
            yield _event(usage(tally.usage()))
    except Exception as error:  # the status line has gone out: the news must travel in the stream
        await rest.answer.close()
        failure = failure_of(error)
        if failure.status == 500:
            _log.exception("error in mid-stream")
        yield _event(failure.body())
    yield "data: [DONE]\n\n"


def _event(document: dict[str, Any]) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n"
