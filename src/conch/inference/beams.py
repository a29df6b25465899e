"""Beam search: several answers to a prompt are kept side by side, and the likeliest is given.

By transformers' own `generate`. Whole answers only: what is streamed has no second thoughts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from conch.inference.batching import BATCH
from conch.inference.engine import Completion, Request
from conch.inference.engines.transformers import TransformersEngine


@dataclass(frozen=True)
class Beams:
    """How many answers are kept. Their log-probabilities are divided by length ** `length_penalty`."""

    count: int = 1
    length_penalty: float = 1.0


class BeamSearch(TransformersEngine):
    """The transformers engine, its whole answers found by beam search."""

    def __init__(self, model: Any, beams: Beams) -> None:
        super().__init__(model)
        self.beams = beams

    def completions(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Prompts of like length are searched together; all answers of one search have the same bound."""

        def bound(place: int) -> int:
            return requests[place].sampling.max_new_tokens

        order = sorted(range(len(requests)), key=lambda place: (-bound(place), -len(requests[place].prompt)))
        together = max(1, BATCH // self.beams.count)
        for _, group in groupby(order, key=bound):
            places = list(group)
            for start in range(0, len(places), together):
                part = places[start : start + together]
                yield from zip(part, self._search([requests[place] for place in part]), strict=True)

    @torch.inference_mode()
    def _search(self, requests: Sequence[Request]) -> list[Completion]:
        width = max(len(request.prompt) for request in requests)
        ids = torch.zeros(len(requests), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, request in enumerate(requests):
            ids[row, width - len(request.prompt) :] = torch.tensor(request.prompt)
            mask[row, width - len(request.prompt) :] = 1
        found = self.model.generate(
            input_ids=ids.to(self.model.device),
            attention_mask=mask.to(self.model.device),
            generation_config=self._wanted(requests[0]),
        )
        return [
            _completion(row[width:].tolist(), request) for row, request in zip(found, requests, strict=True)
        ]

    def _wanted(self, request: Request) -> Any:
        from transformers import GenerationConfig

        return GenerationConfig(
            do_sample=False,
            num_beams=self.beams.count,
            length_penalty=self.beams.length_penalty,
            max_new_tokens=request.sampling.max_new_tokens,
            repetition_penalty=request.sampling.repetition_penalty,
            eos_token_id=sorted(request.stop_ids) or None,
            pad_token_id=0,
        )


def _completion(tokens: list[int], request: Request) -> Completion:
    """What stands behind the token that ends an answer only fills up its row."""
    end = next((at for at, token in enumerate(tokens) if token in request.stop_ids), None)
    return Completion(tuple(tokens), "length") if end is None else Completion(tuple(tokens[:end]), "stop")
