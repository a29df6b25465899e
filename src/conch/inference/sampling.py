"""From the logits of one step to the next token, as a request's sampling says.

The order is that of Hugging Face: bias, penalties, grammar, temperature, top_k, top_p, min_p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from conch.inference.engine import Alternatives, Sampling

COLDEST = 1e-5
"""Below this temperature the likeliest token is taken: logits divided by less are no numbers any more."""


class Constraint(Protocol):
    """What a grammar allows, token by token."""

    @property
    def finished(self) -> bool:
        """Whether the document is complete, and nothing may follow."""
        ...

    def allowed(self, size: int) -> torch.Tensor:
        """Which of `size` tokens may come next, as booleans on the CPU."""
        ...

    def push(self, token: int) -> None: ...


Constrain = Callable[[str, frozenset[int]], Constraint]
"""A grammar and the tokens that end an answer → the constraint at its beginning."""


class Sampler:
    """Draws one answer's tokens."""

    def __init__(
        self,
        sampling: Sampling,
        prompt: Sequence[int],
        device: torch.device,
        constraint: Constraint | None = None,
    ) -> None:
        self._sampling = sampling
        self._generator = _generator(sampling, device)
        self._constraint = constraint
        self._tokens = list(prompt) if _penalises(sampling) else None

    @property
    def takes_likeliest(self) -> bool:
        """Whether it always picks the likeliest token, whatever came before."""
        bound = self._constraint is not None or self._tokens is not None or self._sampling.logit_bias
        return self._sampling.temperature < COLDEST and not bound

    def pick(self, logits: torch.Tensor) -> int:
        """The next token, from logits of shape [vocabulary]."""
        sampling = self._sampling
        for token, bias in sampling.logit_bias:
            logits = logits.index_add(0, _one(token, logits), logits.new_tensor([bias]))
        if self._tokens is not None:
            logits = _penalise(logits, self._tokens, sampling)
        if self._constraint is not None:
            allowed = self._constraint.allowed(len(logits)).to(logits.device)
            logits = logits.masked_fill(~allowed, -torch.inf)
        return _draw(logits, sampling, self._generator)

    def push(self, token: int) -> None:
        """`token` is part of the answer."""
        if self._tokens is not None:
            self._tokens.append(token)
        if self._constraint is not None:
            self._constraint.push(token)

    @property
    def finished(self) -> bool:
        """Whether the grammar lets nothing follow."""
        return self._constraint is not None and self._constraint.finished


def likeliest(logits: torch.Tensor, token: int, top: int) -> tuple[float, Alternatives]:
    """Log-probability of `token` and the `top` likeliest tokens, from logits of shape [vocabulary]."""
    scores = logits.float().log_softmax(-1)
    if not top:
        return float(scores[token]), ()
    best = scores.topk(min(top, len(scores)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return float(scores[token]), tuple(pairs)


def _penalises(sampling: Sampling) -> bool:
    return bool(sampling.repetition_penalty != 1 or sampling.presence_penalty or sampling.frequency_penalty)


def _one(token: int, logits: torch.Tensor) -> torch.Tensor:
    return torch.tensor([token], device=logits.device)


def _generator(sampling: Sampling, device: torch.device) -> torch.Generator | None:
    if sampling.seed is None:
        return None
    return torch.Generator(device=device).manual_seed(sampling.seed)


def _penalise(logits: torch.Tensor, tokens: Sequence[int], sampling: Sampling) -> torch.Tensor:
    seen, counts = torch.unique(torch.tensor(tokens, device=logits.device), return_counts=True)
    chosen, penalty = logits[seen], sampling.repetition_penalty
    chosen = torch.where(chosen > 0, chosen / penalty, chosen * penalty)
    changed = chosen - sampling.presence_penalty - sampling.frequency_penalty * counts
    return logits.scatter(0, seen, changed)


def _draw(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator | None) -> int:
    """Greedy at temperature 0; else from what the filters left.

    Chance belongs to the token and not to its rank: two tokens that are all but equally likely change
    ranks with the rounding of whatever shares the batch, and the answer of a seed must not go by that.
    """
    if sampling.temperature < COLDEST:
        return int(logits.argmax())
    probabilities = _filtered(logits / sampling.temperature, sampling)
    return int(torch.multinomial(probabilities, 1, generator=generator))


def _filtered(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Weights of all tokens: 0 outside the top-k, the nucleus (Holtzman et al. 2020, 1904.09751), min_p."""
    if sampling.top_k > 0 or sampling.top_p < 1:
        order = logits.argsort(descending=True)
        if sampling.top_k > 0:
            order = order[: sampling.top_k]
        weights = logits[order].softmax(0)
        if sampling.top_p < 1:
            before = weights.cumsum(0) - weights
            weights = weights * (before < sampling.top_p)
        probabilities = torch.zeros_like(logits).scatter(0, order, weights)
    else:
        probabilities = logits.softmax(0)
    if sampling.min_p > 0:
        probabilities = probabilities * (probabilities >= sampling.min_p * probabilities.max())
    return probabilities
