"""A job's answer as one document, or as a stream of server-sent events."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from conch.inference.engine import FinishReason
from conch.server.errors import RequestError, failure_of
from conch.server.job import Job, Part
from conch.server.schema import Usage
from conch.server.service import Answer, Service

_log = logging.getLogger(__name__)

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
        if part.finish is None:
            return
        self._completion += part.completion_tokens
        self._prompt += part.prompt_tokens if part.index % self._each == 0 else 0

    def usage(self) -> Usage:
        return Usage.of(self._prompt, self._completion)


async def collect(request: Request, service: Service, job: Job) -> tuple[list[Whole], Usage]:
    """All answers, whole. The work ends early where the client has gone."""
    answer = service.start(job)
    wholes = [Whole() for _ in range(len(job.prompts) * job.count)]
    tally = Tally(job)
    try:
        while (part := await answer.next()) is not None:
            tally.add(part)
            whole = wholes[part.index]
            whole.text += part.text
            whole.finish = part.finish or whole.finish
            if await request.is_disconnected():
                raise RequestError("serving.client_gone", status=499)
    finally:
        await answer.close()
    return wholes, tally.usage()


class EventStream(StreamingResponse):
    """Server-sent events. When it ends, for whatever reason, so does the work."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], answer: Answer) -> None:
        super().__init__(events, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.close()


async def stream(service: Service, job: Job, chunk: Chunk, usage: UsageChunk | None) -> EventStream:
    """The answers as they are made. Errors before the first piece are raised: they get their HTTP status."""
    answer = service.start(job)
    try:
        first = await answer.next()
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
            if part.text or part.finish or part.index not in begun:
                yield _event(chunk(part.index, part.text, part.finish, part.index not in begun))
                begun.add(part.index)
        if usage is not None:
            yield _event(usage(tally.usage()))
    except Exception as error:  # the status line has gone out: the news must travel in the stream
        failure = failure_of(error)
        if failure.status == 500:
            _log.exception("error in mid-stream")
        yield _event(failure.body())
    yield "data: [DONE]\n\n"


def _event(document: dict[str, Any]) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n"
