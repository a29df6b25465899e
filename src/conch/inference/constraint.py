"""A grammar held against a tokenizer: which tokens may come next. Computed by llguidance."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer

from conch.core.errors import ServeError


class Constrainer:
    """Makes constraints for one tokenizer. Reading it takes a second, so it is done once, when needed."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._read: LLTokenizer | None = None

    def __call__(self, grammar: str, stop_ids: frozenset[int]) -> TokenConstraint:
        """Raises ServeError where the tokenizer can't be read this way."""
        if self._read is None:
            try:
                self._read = from_tokenizer(self._tokenizer, n_vocab=len(self._tokenizer))
            except ValueError as error:  # a tokenizer without a fast core
                raise ServeError("serving.no_grammar") from error
        return TokenConstraint(LLMatcher(self._read, grammar), stop_ids)


class TokenConstraint:
    """Where an answer stands in its grammar. The end tokens are allowed where the document may end."""

    def __init__(self, matcher: LLMatcher, stop_ids: frozenset[int]) -> None:
        self._matcher = matcher
        self._stop = sorted(stop_ids)

    @property
    def finished(self) -> bool:
        return bool(self._matcher.is_stopped())

    def allowed(self, size: int) -> torch.Tensor:
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        mask = np.zeros(size, dtype=bool)
        mask[: len(bits)] = bits[:size]
        stop = [token for token in self._stop if token < size]
        mask[stop] = self._matcher.is_accepting()
        return torch.from_numpy(mask)

    def push(self, token: int) -> None:
        self._matcher.consume_token(token)
