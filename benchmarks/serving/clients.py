"""Clients that cost next to nothing: HTTP by hand, so that what is measured is the server.

Each of `clients` sends one request after another over a connection of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Answered:
    """One request: seconds to its first token and to its end, and how many tokens it got."""

    first: float
    whole: float
    tokens: int


@dataclass(frozen=True)
class Call:
    """A request, and how to read how many tokens its answer has."""

    head: str
    body: bytes
    streams: bool
    count: Callable[[bytes], int]

    def sent(self) -> bytes:
        lines = [self.head, "Host: 127.0.0.1", "Content-Type: application/json"]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body


def conch_chat(question: str, tokens: int, stops: Sequence[int], *, streams: bool = True) -> Call:
    """Chat with Conch; `stops` are the tokens that would end an answer early."""
    body: dict[str, Any] = {
        "model": "base",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": tokens,
        "temperature": 0,
        "logit_bias": {str(token): -100 for token in stops},
    }
    if streams:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Call("POST /v1/chat/completions HTTP/1.1", json.dumps(body).encode(), streams, _usage)


def _usage(document: bytes) -> int:
    usage = json.loads(document).get("usage")
    return int(usage["completion_tokens"]) if usage else 0


def raw_completion(prompt: Sequence[int], tokens: int, stops: Sequence[int]) -> Call:
    """llama.cpp's own route, with the tokens that Conch makes of the same question."""
    body = {
        "prompt": list(prompt),
        "n_predict": tokens,
        "temperature": 0,
        "stream": True,
        "cache_prompt": True,
        "logit_bias": [[token, False] for token in stops],
    }
    return Call("POST /completion HTTP/1.1", json.dumps(body).encode(), True, _predicted)


def _predicted(document: bytes) -> int:
    return int(json.loads(document).get("tokens_predicted", 0))


def tutorial_call(question: str, tokens: int) -> Call:
    """The tutorial's endpoint tells no counts: its answers never end early."""
    return Call(f"GET /generate?prompt={quote(question)} HTTP/1.1", b"", False, lambda _: tokens)


class ClosedError(Exception):
    """The connection was closed before the request was seen."""


async def ask(call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answered:
    """Send one request and read all of its answer. Raises RuntimeError where it is refused."""
    began = time.perf_counter()
    writer.write(call.sent())
    length, status = 0, await _status(reader)
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if b" 200 " not in status:
        raise RuntimeError(f"{status!r} {await reader.read(length or 500)!r}")
    if not call.streams:
        document = await reader.readexactly(length)
        taken = time.perf_counter() - began
        return Answered(taken, taken, call.count(document))
    return await _streamed(call, reader, began)


async def _status(reader: asyncio.StreamReader) -> bytes:
    try:
        status = await reader.readline()
    except ConnectionError as error:
        raise ClosedError from error
    if not status:
        raise ClosedError
    return status


async def _streamed(call: Call, reader: asyncio.StreamReader, began: float) -> Answered:
    """An answer in events. The end of the body is that of its chunks."""
    first, last = 0.0, b"{}"
    while (line := await reader.readline()) not in {b"0\r\n", b""}:
        if line.startswith(b"data: {"):
            first = first or time.perf_counter()
            last = line[len(b"data: ") :]
    await reader.readline()
    return Answered(first - began, time.perf_counter() - began, call.count(last))


def load(port: int, calls: Sequence[Call], clients: int) -> tuple[list[Answered], float]:
    """What each of `calls` got, asked by so many clients at once, and the seconds that all took."""
    return asyncio.run(_load(port, calls, clients))


async def _load(port: int, calls: Sequence[Call], clients: int) -> tuple[list[Answered], float]:
    queue = list(reversed(calls))
    answered: list[Answered] = []

    async def client() -> None:
        while queue:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
            try:
                while queue and not reader.at_eof():
                    call = queue.pop()
                    answered.append(await ask(call, reader, writer))
            except ClosedError:  # some servers keep no connection
                queue.append(call)
            finally:
                writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return answered, time.perf_counter() - began
