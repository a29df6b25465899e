"""The public fake: an engine that says what it is told to. For tests, and for trying a client."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conch.inference.engine import Completion, Piece, Request, Scored

Script = Callable[[Request], Sequence[int]]
COIN = math.log(0.5)


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
                yield self._piece(token, request)
            yield Piece(finish="stop")
        finally:
            self.running -= 1

    def _piece(self, token: int, request: Request) -> Piece:
        if request.top is None:
            return Piece(token)
        return Piece(token, logprob=COIN, top=((token, COIN),)[: request.top])

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [self._complete(request) for request in requests]

    def _complete(self, request: Request) -> Completion:
        pieces = list(self.stream(request))
        tokens = tuple(piece.token for piece in pieces if piece.token is not None)
        return Completion(tokens, pieces[-1].finish or "stop")

    def score(self, tokens: Sequence[int]) -> list[float]:
        """Every token is as likely as a coin's head."""
        return [COIN] * (len(tokens) - 1)

    def weigh(self, tokens: Sequence[int], top: int = 0, adapter: str | None = None) -> list[Scored]:
        return [Scored(token, COIN, ((token, COIN),)[:top]) for token in tokens[1:]]

    def load_adapter(self, name: str, folder: Path) -> None:
        """The script may look at a request's adapter; the folder is not read."""

    def unload_adapter(self, name: str) -> None:
        pass

    def close(self) -> None:
        pass
