"""The seam between chat and whatever computes the next token.

An engine knows token ids only: no text, no templates, no stop words. `engines/scripted.py` is
the public fake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. `temperature` 0 takes the likeliest."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    """How many of the likeliest tokens are considered; 0 considers all."""
    repetition_penalty: float = 1.0
    """Keskar et al. 2019 (arXiv:1909.05858): logits of tokens seen are divided by it; 1 changes nothing."""
    seed: int | None = None
    min_p: float = 0.0
    """Tokens less likely than this part of the likeliest are left out."""
    presence_penalty: float = 0.0
    """Taken from the logit of every token that prompt and answer hold already (with vLLM: the answer)."""
    frequency_penalty: float = 0.0
    """Taken from the logit of a token once for each time that they hold it already."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Added to the logits of these tokens. 100 or more forces a token, -100 or less forbids it."""


@dataclass(frozen=True)
class Request:
    """A prompt to go on from, until one of `stop_ids` or the sampling's bound.

    `grammar` (in llguidance's form, see `inference/grammar.py`) is what the answer must be written in;
    it ends where the grammar does. `top` asks for log-probabilities, with so many alternatives.
    """

    prompt: tuple[int, ...]
    stop_ids: frozenset[int] = frozenset()
    sampling: Sampling = field(default_factory=Sampling)
    adapter: str | None = None
    grammar: str | None = None
    top: int | None = None


Alternatives = tuple[tuple[int, float], ...]
"""Tokens with their natural-log probabilities, likeliest first."""


@dataclass(frozen=True)
class Scored:
    """How likely the model held a token to be, by its logits as they stand, and which it held likeliest."""

    token: int
    logprob: float
    top: Alternatives = ()


@dataclass(frozen=True)
class Piece:
    """One step of an answer: a token, or (last) the reason why there are no more.

    One with neither says that nothing was made yet, so that whoever waits may look around, and leave.
    The token that stopped the answer is not given: it is not part of it.
    """

    token: int | None = None
    finish: FinishReason | None = None
    logprob: float | None = None
    """Where the request asks for it: the natural-log probability before sampling changed anything."""
    top: Alternatives = ()

    @property
    def empty(self) -> bool:
        return self.token is None and self.finish is None


@dataclass(frozen=True)
class Completion:
    """A whole answer."""

    tokens: tuple[int, ...]
    finish: FinishReason


class Engine(Protocol):
    """What every engine does. One contract suite tests them all."""

    name: str
    context_length: int
    """Most tokens that prompt and answer may have together."""

    def stream(self, request: Request) -> Iterator[Piece]:
        """Pieces as they are made. Closing the iterator ends the work. Safe to call from several threads."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Whole answers to many requests, computed together where the engine can."""
        ...

    def score(self, tokens: Sequence[int]) -> list[float]:
        """Natural-log probability of each token but the first, given those before it."""
        ...

    def weigh(self, tokens: Sequence[int], top: int = 0, adapter: str | None = None) -> list[Scored]:
        """The same with `top` alternatives each, and with an adapter."""
        ...

    def load_adapter(self, name: str, folder: Path) -> None:
        """Make requests for adapter `name` possible. Raises ServeError where this engine can't hold it."""
        ...

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter. Answers that are being made with it may end with an error."""
        ...

    def close(self) -> None:
        """Give back what the engine holds."""
        ...


def completions(
    engine: Engine, requests: Sequence[Request], batch: int = 16
) -> Iterator[tuple[int, Completion]]:
    """Whole answers with their requests' places, as soon as they are there.

    Of an engine that does not tell of single ones, `batch` requests are answered at a time.
    """
    told = getattr(engine, "completions", None)
    if told is not None:
        yield from told(requests)
        return
    for start in range(0, len(requests), batch):
        yield from enumerate(engine.complete(requests[start : start + batch]), start)
