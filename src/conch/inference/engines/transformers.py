"""Any model that transformers can load, on CPU, CUDA or MPS.

Requests given together are decoded together: prompts are padded on the left, each row stops by
itself. Streams of several threads take turns token by token.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from conch.inference.engine import Completion, FinishReason, Piece, Request, Sampling

BATCH = 16
"""Most rows decoded at once. On CPU the gain of more is small and the padding grows."""


class TransformersEngine:
    """Decodes with a transformers model (with or without a peft adapter)."""

    name = "transformers"

    def __init__(self, model: Any) -> None:
        self.model = model.eval()
        self.context_length = int(getattr(model.config, "max_position_embeddings", 4096))
        self._turn = threading.Lock()
        self._device = next(model.parameters()).device

    def stream(self, request: Request) -> Iterator[Piece]:
        for _, piece in self._decode([request]):
            yield piece

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Rows of like length are decoded together."""
        order = sorted(range(len(requests)), key=lambda index: len(requests[index].prompt))
        answers: dict[int, Completion] = {}
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
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
        with self._turn:
            logits = self.model(ids, use_cache=False).logits[0, :-1].float()
        return list(logits.log_softmax(-1).gather(1, ids[0, 1:, None]).squeeze(1).tolist())

    def close(self) -> None:
        pass

    def _decode(self, requests: Sequence[Request]) -> Iterator[tuple[int, Piece]]:
        """(row, piece) pairs until every row has finished."""
        rows = [_Row(request, self._device) for request in requests]
        step = _Step.first([request.prompt for request in requests], self._device)
        while True:
            logits = self._forward(step)
            chosen = [row.pick(logits[index]) for index, row in enumerate(rows)]
            for index, row in enumerate(rows):
                yield from ((index, piece) for piece in row.advance(chosen[index]))
            if all(row.finished for row in rows):
                return
            step.go_on(chosen)

    def _forward(self, step: _Step) -> torch.Tensor:
        """Next-token logits, fp32, shape [rows, vocabulary]."""
        with self._turn, torch.inference_mode():
            output = self.model(
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

    def __init__(self, request: Request, device: torch.device) -> None:
        self.request = request
        self.finished = False
        self._made = 0
        self._generator = _generator(request.sampling, device)
        penalised = request.sampling.repetition_penalty != 1.0
        self._seen = torch.tensor(sorted(set(request.prompt)), device=device) if penalised else None

    def pick(self, logits: torch.Tensor) -> int:
        """The next token, from logits of shape [vocabulary]."""
        if self.finished:
            return 0
        if self._seen is not None:
            logits = _penalise(logits, self._seen, self.request.sampling.repetition_penalty)
        token = _draw(logits, self.request.sampling, self._generator)
        if self._seen is not None:
            self._seen = torch.cat([self._seen, self._seen.new_tensor([token])])
        return token

    def advance(self, token: int) -> Iterator[Piece]:
        """What `token` means for the caller."""
        if self.finished:
            return
        if token in self.request.stop_ids:
            self.finished = True
            yield Piece(finish="stop")
            return
        self._made += 1
        yield Piece(token)
        if self._made >= self.request.sampling.max_new_tokens:
            self.finished = True
            yield Piece(finish="length")


def _generator(sampling: Sampling, device: torch.device) -> torch.Generator | None:
    if sampling.seed is None:
        return None
    return torch.Generator(device=device).manual_seed(sampling.seed)


def _penalise(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    chosen = logits[seen]
    changed = torch.where(chosen > 0, chosen / penalty, chosen * penalty)
    return logits.scatter(0, seen, changed)


def _draw(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator | None) -> int:
    """Greedy at temperature 0; else from the top-k, then the nucleus (Holtzman et al. 2020, 1904.09751)."""
    if sampling.temperature <= 0:
        return int(logits.argmax())
    logits = logits / sampling.temperature
    order = logits.argsort(descending=True)
    if sampling.top_k > 0:
        order = order[: sampling.top_k]
    probabilities = logits[order].softmax(0)
    if sampling.top_p < 1:
        before = probabilities.cumsum(0) - probabilities
        probabilities = probabilities * (before < sampling.top_p)
    return int(order[torch.multinomial(probabilities, 1, generator=generator)])
