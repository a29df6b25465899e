"""One request, handed on to a server behind the gateway, and to another where that one is lost.

Another is asked only while nothing of an answer has gone to the client. The lost server can't be at
work on it any more: its connection is closed. Once something was passed on, the stream ends with an error.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from conch.core.errors import first_line
from conch.core.text import tr
from conch.server.answer import LOOK_SECONDS, Limit
from conch.server.answering import event, while_there
from conch.server.errors import RequestError, failure_of
from conch.server.fleet.choice import beginning_of, choose
from conch.server.fleet.fleet import Fleet
from conch.server.fleet.metrics import Outcome
from conch.server.fleet.upstream import Upstream

PASSED_ON = ("content-type", "accept", "traceparent")
PASSED_BACK = ("content-type", "cache-control", "retry-after", "x-accel-buffering")
"""Headers. All others, keys above all, stay on their side of the gateway."""
STREAM = "text/event-stream"
DONE = b"data: [DONE]"
LOST = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""Nobody is at work on the request any more, or ever was."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Asked:
    """A request as it is handed on."""

    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]
    model: str | None
    beginning: str | None

    @staticmethod
    async def read(request: Request) -> Asked:
        """Raises RequestError for a body that is no JSON object."""
        body = await request.body()
        told = _object(body) if request.method == "POST" else dict(request.query_params)
        model = told.get("model")
        if model is not None and not isinstance(model, str):
            raise RequestError(
                "serving.invalid", param="model", expected=tr("config.expect.text"), code="invalid_value"
            )
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        headers |= {"accept-encoding": "identity", "x-request-id": request.state.request_id}
        url = request.url
        return Asked(request.method, url.path, url.query, body, headers, model, beginning_of(told))


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise RequestError("serving.bad_json", code="bad_json")
    return told


class Attempt:
    """A request at one server. It must be closed, which ends the server's work on it."""

    def __init__(self, fleet: Fleet, upstream: Upstream, asked: Asked) -> None:
        self.upstream = upstream
        self._fleet = fleet
        self._asked = asked
        self._response: httpx.Response | None = None
        self._outcome: Outcome = "cancelled"
        self._begun = time.monotonic()
        self._open = True
        upstream.in_hand += 1

    @property
    def response(self) -> httpx.Response:
        assert self._response is not None
        return self._response

    @property
    def streams(self) -> bool:
        kind = self.response.headers.get("content-type", "")
        return self.response.status_code == 200 and kind.startswith(STREAM)

    @property
    def headers(self) -> dict[str, str]:
        given = self.response.headers
        return {name: given[name] for name in PASSED_BACK if name in given}

    async def send(self) -> None:
        """Until the answer begins, or is there whole if it is no stream. Raises what `LOST` names."""
        asked, client = self._asked, self._fleet.client
        url = f"{self.upstream.url}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        headers = {**asked.headers, **self.upstream.headers}
        made = client.build_request(asked.method, url, content=asked.body, headers=headers)
        self._response = await client.send(made, stream=True)
        self._chunks = self._response.aiter_raw()
        self.first = b""
        if self.streams:
            self.first = await anext(self._chunks, b"")
        else:
            await self._response.aread()
        self._fleet.metrics.first.labels(self.upstream.name).observe(time.monotonic() - self._begun)
        self._outcome = "failed" if self._response.status_code >= 500 else "answered"

    async def next(self) -> bytes:
        """The next piece of a stream; nothing at its end. Raises what `LOST` names."""
        piece, self.first = self.first, b""
        return piece or await anext(self._chunks, b"")

    async def close(self, outcome: Outcome | None = None) -> None:
        """The server is done, or gives its work up. `outcome` is how it ended, where that is not seen."""
        if not self._open:
            return
        self._open = False
        self.upstream.in_hand -= 1
        self._fleet.metrics.count(self.upstream, outcome or self._outcome)
        if self._response is not None:
            with suppress(httpx.HTTPError, RuntimeError):
                await self._response.aclose()


class Errand:
    """A request on its way: tries servers, each once at most."""

    def __init__(self, fleet: Fleet, asked: Asked) -> None:
        self.limit = fleet.limit()
        self._fleet = fleet
        self._asked = asked
        self._left = fleet.holders(asked.model)
        self._attempt: Attempt | None = None

    async def attempt(self) -> Attempt:
        """The first server that answers. Raises RequestError where none does.

        Where those that answer are all too busy, or about to end, the last of them.
        """
        refusal: Attempt | None = None
        while (upstream := self._next()) is not None:
            attempt = self._attempt = Attempt(self._fleet, upstream, self._asked)
            try:
                await attempt.send()
            except LOST as error:
                await self.lost(error)
                continue
            if attempt.response.status_code not in {429, 503}:
                return _sound(attempt)
            refusal = attempt
            await attempt.close("refused")
            if attempt.response.status_code == 503:
                self._fleet.lost(upstream, "HTTP 503")
        if refusal is None:
            raise self._fleet.nobody(self._asked.model)
        return refusal

    def _next(self) -> Upstream | None:
        upstream = choose([each for each in self._left if each.up], self._asked.beginning)
        if upstream is not None:
            self._left.remove(upstream)
        return upstream

    async def lost(self, error: Exception) -> None:
        """The server in use is gone."""
        assert self._attempt is not None
        self._fleet.lost(self._attempt.upstream, first_line(error))
        await self._attempt.close("lost")

    async def close(self) -> None:
        if self._attempt is not None:
            await self._attempt.close()

    async def within(self, work: Awaitable[ResultT]) -> ResultT:
        """What `work` gives, if that is in time. Raises RequestError if not."""
        return await _within(self.limit, work)


async def _within(limit: Limit, work: Awaitable[ResultT]) -> ResultT:
    """Looked at in turns: the time may become shorter meanwhile, when the gateway is told to end."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            limit.check()
            await asyncio.wait({task}, timeout=LOOK_SECONDS)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _sound(attempt: Attempt) -> Attempt:
    """A key that is refused is the gateway's: no client could mend it."""
    if attempt.response.status_code in {401, 403}:
        raise RequestError("serving.upstream_odd", status=502)
    return attempt


async def forward(request: Request, fleet: Fleet) -> Response:
    """The answer of one of the servers, as it comes."""
    fleet.check_open()
    asked = await Asked.read(request)
    async with AsyncExitStack() as held:
        errand = Errand(fleet, asked)
        held.enter_context(fleet.entered())
        held.push_async_callback(errand.close)
        attempt = await while_there(request.receive, lambda: errand.within(errand.attempt()))
        if attempt.streams:
            return Passing(errand, attempt, held.pop_all())
        return Response(attempt.response.content, attempt.response.status_code, attempt.headers)


class Passing(StreamingResponse):
    """A stream that is passed on, piece by piece, as it comes. It ends with the client."""

    def __init__(self, errand: Errand, attempt: Attempt, held: AsyncExitStack) -> None:
        super().__init__(_pieces(errand, attempt), attempt.response.status_code, attempt.headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with suppress(RequestError, OSError):  # nobody is left to be told
                await while_there(receive, partial(self.stream_response, send))
        finally:
            await self._held.aclose()


async def _pieces(errand: Errand, attempt: Attempt) -> AsyncIterator[bytes]:
    """The stream, of another server where one is lost before it has said anything but comments."""
    try:
        while True:
            begun, tail = False, b""
            lost: Exception = httpx.RemoteProtocolError("the stream ended without [DONE]")
            try:
                while piece := await errand.within(attempt.next()):
                    tail = (tail + piece)[-64 - len(piece) :]
                    begun = begun or b"data:" in tail
                    yield piece
                if DONE in tail[-64:]:
                    return
            except LOST as error:
                lost = error
            await errand.lost(lost)
            if begun:
                raise RequestError("serving.upstream_lost", status=502)
            attempt = await errand.within(errand.attempt())
            if not attempt.streams:
                yield _as_event(attempt.response).encode()
                break
    except Exception as failure:  # the status line has gone out: the news must travel in the stream
        yield event(failure_of(failure).body()).encode()
    yield DONE + b"\n\n"


def _as_event(refusal: httpx.Response) -> str:
    """A refusal that came as a document of its own."""
    try:
        return event(refusal.json())
    except ValueError:
        return event(failure_of(RequestError("serving.upstream_lost", status=502)).body())
