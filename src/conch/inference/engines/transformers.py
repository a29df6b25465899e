"""Any model that transformers can load, on CPU, CUDA or MPS.

Requests of all callers and threads are decoded together (`conch.inference.batching`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from conch.core.errors import ServeError
from conch.inference.batching import Batch
from conch.inference.engine import Completion, Piece, Request, Scored
from conch.inference.sampling import Constrain, Constraint, Sampler, likeliest
from conch.inference.step import Inputs
from conch.models.adapter_set import AdapterSet


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
        self._batch = Batch(self._forward, model.config.get_text_config(), self._device)

    @property
    def running(self) -> int:
        """How many answers are under way."""
        return self._batch.running

    def stream(self, request: Request) -> Iterator[Piece]:
        for _, piece in self._pieces([request]):
            yield piece

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        answers = dict(self.completions(requests))
        return [answers[index] for index in range(len(requests))]

    def completions(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Rows of like length are decoded together; where one is done, the next takes its place."""
        for places in _by_adapter(requests):
            tokens: list[list[int]] = [[] for _ in places]
            for row, piece in self._pieces([requests[place] for place in places]):
                if piece.token is not None:
                    tokens[row].append(piece.token)
                if piece.finish is not None:
                    yield places[row], Completion(tuple(tokens[row]), piece.finish)

    def _pieces(self, requests: Sequence[Request]) -> Iterator[tuple[int, Piece]]:
        samplers = [self._sampler(request) for request in requests]
        return self._batch.pieces(requests, samplers)

    def _sampler(self, request: Request) -> Sampler:
        return Sampler(request.sampling, request.prompt, self._device, self._constraint(request))

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
            self._use(adapter)
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

    def _forward(self, inputs: Inputs) -> torch.Tensor:
        """Next-token logits, fp32, shape [rows, vocabulary]."""
        with self._turn, torch.inference_mode():
            self._use(inputs.adapter)
            output = self._adapters.model(
                input_ids=inputs.tokens,
                attention_mask=inputs.mask,
                position_ids=inputs.positions,
                past_key_values=inputs.cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def _use(self, adapter: str | None) -> None:
        if adapter is not None and not self._adapters.has(adapter):
            raise ServeError("serving.adapter_gone", name=adapter)
        self._adapters.use(adapter)


def _by_adapter(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Places of requests for the same adapter, those with the longest prompts first."""
    for name in dict.fromkeys(request.adapter for request in requests):
        places = [place for place, request in enumerate(requests) if request.adapter == name]
        yield sorted(places, key=lambda place: -len(requests[place].prompt))
