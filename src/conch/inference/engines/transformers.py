"""Any model that transformers can load, on CPU, CUDA or MPS.

Requests given together are decoded together: prompts are padded on the left, each row stops by
itself. Streams of several threads take turns token by token.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from conch.core.errors import ServeError
from conch.inference.engine import Completion, FinishReason, Piece, Request, Scored
from conch.inference.sampling import Constrain, Constraint, Sampler, likeliest
from conch.models.adapter_set import AdapterSet

BATCH = 16
"""Most rows decoded at once. On CPU the gain of more is small and the padding grows."""


class TransformersEngine:
    """Decodes with a transformers model (with or without a peft adapter).

    `constrain` is needed for requests with a grammar. Adapters that are loaded share the base's weights;
    requests for different ones take turns.
    """

    name = "transformers"

    def __init__(self, model: Any, constrain: Constrain | None = None) -> None:
        self.model = model.eval()
        self._constrain = constrain
        self._adapters = AdapterSet(self.model)
        self.context_length = int(getattr(model.config, "max_position_embeddings", 4096))
        self._turn = threading.Lock()
        self._device = next(model.parameters()).device

    def stream(self, request: Request) -> Iterator[Piece]:
        for _, piece in self._decode([request]):
            yield piece

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Rows of like length are decoded together."""
        answers: dict[int, Completion] = {}
        for chosen in _batches(requests):
            tokens: list[list[int]] = [[] for _ in chosen]
            ends: list[FinishReason] = ["length"] * len(chosen)
            for row, piece in self._decode([requests[index] for index in chosen]):
                if piece.token is not None:
                    tokens[row].append(piece.token)
                if piece.finish is not None:
                    ends[row] = piece.finish
            for row, index in enumerate(chosen):
                answers[index] = Completion(tuple(tokens[row]), ends[row])
        return [answers[index] for index in range(len(requests))]

    @torch.inference_mode()
    def score(self, tokens: Sequence[int]) -> list[float]:
        ids = torch.tensor([list(tokens)], device=self._device)
        logits = self._logits(ids, None)
        return list(logits.log_softmax(-1).gather(1, ids[0, 1:, None]).squeeze(1).tolist())

    @torch.inference_mode()
    def weigh(self, tokens: Sequence[int], top: int = 0, adapter: str | None = None) -> list[Scored]:
        ids = torch.tensor([list(tokens)], device=self._device)
        rows = zip(tokens[1:], self._logits(ids, adapter), strict=True)
        return [Scored(token, *likeliest(logits, token, top)) for token, logits in rows]

    def _logits(self, ids: torch.Tensor, adapter: str | None) -> torch.Tensor:
        """What is foretold for each token of `ids`, of shape [1, tokens], but the first."""
        with self._turn:
            self._adapters.use(adapter)
            logits: torch.Tensor = self._adapters.model(ids, use_cache=False).logits[0, :-1].float()
        return logits

    def load_adapter(self, name: str, folder: Path) -> None:
        with self._turn:
            self._adapters.load(name, folder)

    def unload_adapter(self, name: str) -> None:
        with self._turn:
            self._adapters.unload(name)

    def close(self) -> None:
        pass

    def _constraint(self, request: Request) -> Constraint | None:
        if request.grammar is None:
            return None
        if self._constrain is None:
            raise ServeError("serving.no_grammar")
        return self._constrain(request.grammar, request.stop_ids)

    def _decode(self, requests: Sequence[Request]) -> Iterator[tuple[int, Piece]]:
        """(row, piece) pairs until every row has finished. Rows of one batch have one adapter."""
        rows = [_Row(request, self._device, self._constraint(request)) for request in requests]
        step = _Step.first([request.prompt for request in requests], self._device)
        while True:
            logits = self._forward(step, requests[0].adapter)
            chosen = [row.pick(logits[index]) for index, row in enumerate(rows)]
            for index, row in enumerate(rows):
                yield from ((index, piece) for piece in row.advance(chosen[index], logits[index]))
            if all(row.finished for row in rows):
                return
            step.go_on(chosen)

    def _forward(self, step: _Step, adapter: str | None) -> torch.Tensor:
        """Next-token logits, fp32, shape [rows, vocabulary]."""
        with self._turn, torch.inference_mode():
            self._adapters.use(adapter)
            output = self._adapters.model(
                input_ids=step.tokens,
                attention_mask=step.mask,
                position_ids=step.positions,
                past_key_values=step.cache,
                use_cache=True,
                logits_to_keep=1,
            )
            step.cache = output.past_key_values
            logits: torch.Tensor = output.logits[:, -1].float()
        return logits


def _batches(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Places of requests that are decoded together: of one adapter, and of like length."""
    names = dict.fromkeys(request.adapter for request in requests)
    for name in names:
        places = [place for place, request in enumerate(requests) if request.adapter == name]
        places.sort(key=lambda place: len(requests[place].prompt))
        for start in range(0, len(places), BATCH):
            yield places[start : start + BATCH]


class _Step:
    """The inputs of one forward pass over all rows."""

    def __init__(self, tokens: torch.Tensor, mask: torch.Tensor) -> None:
        self.tokens = tokens
        self.mask = mask
        self.positions = (mask.cumsum(1) - 1).clamp(min=0)
        self.cache: Any = None

    @staticmethod
    def first(prompts: Sequence[Sequence[int]], device: torch.device) -> _Step:
        longest = max(map(len, prompts))
        tokens = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts], device=device)
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        return _Step(tokens, mask)

    def go_on(self, chosen: Sequence[int]) -> None:
        """Feed the chosen tokens. Finished rows go on with theirs, unread."""
        self.tokens = torch.tensor(chosen, device=self.tokens.device)[:, None]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(chosen), 1)], dim=1)
        self.positions = self.positions[:, -1:] + 1


class _Row:
    """One request on its way."""

    def __init__(self, request: Request, device: torch.device, constraint: Constraint | None) -> None:
        self.request = request
        self.finished = False
        self._made = 0
        self._sampler = Sampler(request.sampling, request.prompt, device, constraint)

    def pick(self, logits: torch.Tensor) -> int:
        """The next token, from logits of shape [vocabulary]."""
        return 0 if self.finished else self._sampler.pick(logits)

    def advance(self, token: int, logits: torch.Tensor) -> Iterator[Piece]:
        """What `token`, drawn from `logits`, means for the caller."""
        if self.finished:
            return
        if token in self.request.stop_ids:
            yield self._end("stop")
            return
        self._made += 1
        self._sampler.push(token)
        yield self._piece(token, logits)
        if self._sampler.finished:
            yield self._end("stop")
        elif self._made >= self.request.sampling.max_new_tokens:
            yield self._end("length")

    def _piece(self, token: int, logits: torch.Tensor) -> Piece:
        if self.request.top is None:
            return Piece(token)
        logprob, top = likeliest(logits, token, self.request.top)
        return Piece(token, logprob=logprob, top=top)

    def _end(self, reason: FinishReason) -> Piece:
        self.finished = True
        return Piece(finish=reason)
