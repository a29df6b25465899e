"""One question to llama.cpp over its own HTTP API, whose server is C++: no Python stands between.

Each has a connection of its own. Closing it is what ends the work: llama.cpp looks at it with every piece
that it writes.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

READ_BYTES = 65536
AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""SO_LINGER: what is closed is reset, so that the next thing written to it fails."""


class LlamaError(Exception):
    """llama.cpp could not do it, for the reason given."""


class LostError(Exception):
    """The connection ended before the answer."""


@dataclass(frozen=True)
class Address:
    """Where llama.cpp listens, and the key that it asks for."""

    url: str
    key: str

    def ask(self, question: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The pieces of an answer that is streamed. Raises LlamaError and LostError."""
        with self._posted("/completion", question) as answer:
            for told in _events(answer):
                yield told
                if told.get("stop"):
                    return
            raise IncompleteRead(b"")

    def call(self, path: str, asked: dict[str, Any], seconds: float) -> Any:
        """What it answers in one piece within `seconds`. Raises LlamaError and LostError."""
        with self._posted(path, asked, seconds) as answer:
            return json.load(answer)

    @contextmanager
    def _posted(
        self, path: str, asked: dict[str, Any], seconds: float | None = None
    ) -> Iterator[HTTPResponse]:
        at = urlsplit(self.url)
        line = HTTPConnection(at.hostname or "", at.port, timeout=seconds)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        try:
            line.connect()
            line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            line.request("POST", path, json.dumps(asked, separators=(",", ":")), headers)
            answer = line.getresponse()
            if answer.status != 200:
                raise LlamaError(_reason(answer))
            with closing(answer):
                yield answer
        except (OSError, HTTPException, ValueError) as error:  # ValueError: what came is no JSON
            raise LostError(str(error) or type(error).__name__) from error
        finally:
            line.close()


def _events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """Server-sent events as they come. Raises LlamaError where one tells of an error."""
    rest = b""
    while piece := answer.read1(READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                told = json.loads(line[len(b"data: ") :])
                if "error" in told:
                    raise LlamaError(_message(told))
                yield told


def _reason(answer: HTTPResponse) -> str:
    try:
        return _message(json.load(answer))
    except ValueError:
        return f"HTTP status {answer.status}"


def _message(told: Any) -> str:
    error = told.get("error", told) if isinstance(told, dict) else told
    return str(error.get("message", error) if isinstance(error, dict) else error)
