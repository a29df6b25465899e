"""What callers ask of an engine, request by request, and what was made for them so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from conch.inference.engine import FinishReason, Piece, Request
from conch.inference.sampling import Sampler, likeliest

SHARING, SHARED = 4, 8
"""So many prompts that begin with so many of the same tokens have these read once."""


class Row:
    """One request on its way."""

    def __init__(self, number: int, request: Request, sampler: Sampler, ask: Ask) -> None:
        self.number = number
        self.request = request
        self.ask = ask
        self._sampler = sampler
        self._ended = False
        self._made = 0

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be made, also because whoever asked has gone."""
        return self._ended or self.ask.gone

    def pick(self, logits: torch.Tensor, likeliest: int) -> int:
        """The next token, from logits of shape [vocabulary] and their likeliest token.

        What goes wrong in here, and in `advance`, concerns this row alone.
        """
        if self.finished:
            return 0
        if self._sampler.takes_likeliest:
            return likeliest
        try:
            return self._sampler.pick(logits)
        except Exception as error:
            self.fail(error)
            return 0

    def advance(self, token: int, logits: torch.Tensor) -> None:
        """Tell what `token`, drawn from `logits`, means for whoever asked."""
        if self.finished:
            return
        try:
            for piece in self._pieces(token, logits):
                self._ended = piece.finish is not None
                self.ask.made.append((self.number, piece))
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        if not self.finished:
            self._ended = True
            self.ask.made.append((self.number, error))

    def _pieces(self, token: int, logits: torch.Tensor) -> Iterator[Piece]:
        if token in self.request.stop_ids:
            yield Piece(finish="stop")
            return
        self._made += 1
        self._sampler.push(token)
        yield self._piece(token, logits)
        reason = self._reason()
        if reason is not None:
            yield Piece(finish=reason)

    def _reason(self) -> FinishReason | None:
        if self._sampler.finished:
            return "stop"
        return "length" if self._made >= self.request.sampling.max_new_tokens else None

    def _piece(self, token: int, logits: torch.Tensor) -> Piece:
        if self.request.top is None:
            return Piece(token)
        logprob, top = likeliest(logits, token, self.request.top)
        return Piece(token, logprob=logprob, top=top)


@dataclass
class Prefix:
    """The first tokens of all prompts of one caller (a system's words, as a rule), read once."""

    tokens: tuple[int, ...]
    cache: Any = None
    """Their keys and values, once they were read."""


class Ask:
    """Requests of one caller, all for the same adapter, in the order in which they begin."""

    def __init__(self, requests: Sequence[Request], samplers: Sequence[Sampler]) -> None:
        pairs = zip(requests, samplers, strict=True)
        self.waiting = deque(Row(number, *pair, self) for number, pair in enumerate(pairs))
        self.adapter = requests[0].adapter
        self.prefix = _prefix([request.prompt for request in requests])
        self.made: deque[tuple[int, Piece | BaseException]] = deque()
        """What was made and not taken yet, with the numbers of its rows."""
        self.left = len(requests)
        """Rows whose end was not taken yet."""
        self.gone = False

    def goes_with(self, other: Ask) -> bool:
        """Whether prompts of both can be read in one pass."""
        alone = self.prefix is not None or other.prefix is not None
        return self is other or (self.adapter == other.adapter and not alone)

    def take(self) -> tuple[int, Piece]:
        """The oldest piece that was not taken. Raises what ended the work."""
        number, made = self.made.popleft()
        if isinstance(made, BaseException):
            raise made
        self.left -= made.finish is not None
        return number, made


def _prefix(prompts: Sequence[tuple[int, ...]]) -> Prefix | None:
    """What so many prompts share that it is worth reading it once. Each has one more token of its own."""
    if len(prompts) < SHARING:
        return None
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    shared = next((at for at in range(most) if first[at] != last[at]), most)
    return Prefix(first[:shared]) if shared >= SHARED else None
