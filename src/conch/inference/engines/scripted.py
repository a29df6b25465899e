"""The public fake: an engine that says what it is told to. For tests, and for trying a client."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

from conch.inference.engine import Completion, Piece, Request

Script = Callable[[Request], Sequence[int]]


class ScriptedEngine:
    """Answers each request with the tokens that `script` gives for it, `pause` seconds apart.

    Stop tokens and bounds are honoured as real engines do. `running` counts unfinished streams.
    """

    name = "scripted"

    def __init__(self, script: Script, context_length: int = 4096, pause: float = 0.0) -> None:
        self._script = script
        self.context_length = context_length
        self._pause = pause
        self.running = 0

    def stream(self, request: Request) -> Iterator[Piece]:
        self.running += 1
        try:
            for number, token in enumerate(self._script(request)):
                if self._pause:
                    time.sleep(self._pause)
                if token in request.stop_ids:
                    break
                if number >= request.sampling.max_new_tokens:
                    yield Piece(finish="length")
                    return
                yield Piece(token)
            yield Piece(finish="stop")
        finally:
            self.running -= 1

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [self._complete(request) for request in requests]

    def _complete(self, request: Request) -> Completion:
        pieces = list(self.stream(request))
        tokens = tuple(piece.token for piece in pieces if piece.token is not None)
        return Completion(tokens, pieces[-1].finish or "stop")

    def score(self, tokens: Sequence[int]) -> list[float]:
        """Every token is as likely as a coin's head."""
        return [math.log(0.5)] * (len(tokens) - 1)

    def close(self) -> None:
        pass
