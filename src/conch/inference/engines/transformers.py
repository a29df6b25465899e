"""Any model that transformers can load, on CPU, CUDA or MPS.

Requests given together are decoded together: prompts are padded on the left, each row stops by
itself, and the next request takes its place. Streams of several threads take turns token by token.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from conch.core.errors import ServeError
from conch.inference.engine import Completion, FinishReason, Piece, Request, Scored
from conch.inference.growing import begin_with, cut, growing_cache, join, keep_rows, loses_rows, takes_rows
from conch.inference.sampling import Constrain, Constraint, Sampler, likeliest
from conch.models.adapter_set import AdapterSet
from conch.models.outline import cache_bytes

BATCH, FEW = 64, 16
"""Most rows decoded at once, and where nobody knows how much memory there is."""
REFILL = 8
"""Rows go and come where that is at least such a part of all."""
TOGETHER = 16
"""Most prompts read in one pass, since all are filled up to the longest of them."""
SHARING, SHARED = 4, 8
"""So many prompts that begin with so many of the same tokens have these read once."""
MEMORY_SHARE = 0.25
"""How much of the free memory keys and values may take."""


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
        self._config = model.config.get_text_config()

    def stream(self, request: Request) -> Iterator[Piece]:
        for _, piece in self._decode([request]):
            yield piece

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        answers = dict(self.completions(requests))
        return [answers[index] for index in range(len(requests))]

    def completions(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Rows of like length are decoded together; where one is done, the next takes its place."""
        for places in _by_adapter(requests):
            tokens: list[list[int]] = [[] for _ in places]
            for row, piece in self._decode([requests[place] for place in places]):
                if piece.token is not None:
                    tokens[row].append(piece.token)
                if piece.finish is not None:
                    yield places[row], Completion(tuple(tokens[row]), piece.finish)

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
        """(row, piece) pairs until every row has finished. Rows of one call have one adapter."""
        waiting = [_Row(number, request) for number, request in enumerate(requests)]
        adapter, most = requests[0].adapter, self._most_rows(requests)
        prefix = self._prefix(requests, adapter)
        step: _Step | None = None
        while waiting or step:
            count = self._at_first(len(waiting), most) if step is None else step.takes(len(waiting), most)
            if count:
                coming, waiting = waiting[:count], waiting[count:]
                more = self._begin(coming, prefix, adapter)
                yield from more.advance()
                step = more if step is None else step.with_rows(more)
            elif step:
                step.go_on()
                step.logits = self._forward(step, adapter)
                yield from step.advance()
            step = step.without_finished(refills=bool(waiting)) if step else None

    def _at_first(self, waiting: int, most: int) -> int:
        """How many rows begin; others join them at once, where they can."""
        return min(waiting, most, TOGETHER if takes_rows(growing_cache(self._config)) else most)

    def _prefix(self, requests: Sequence[Request], adapter: str | None) -> _Prefix | None:
        """What all prompts begin with (a system's words, as a rule), computed once for all."""
        prompts = [request.prompt for request in requests]
        shared = _shared(prompts)
        cache = growing_cache(self._config)
        if len(prompts) < SHARING or shared < SHARED or not takes_rows(cache):
            return None
        ids = torch.tensor([prompts[0][:shared]], device=self._device)
        self._forward(_Step([], ids, torch.ones_like(ids), cache), adapter)
        return _Prefix(shared, cache)

    def _begin(self, rows: list[_Row], prefix: _Prefix | None, adapter: str | None) -> _Step:
        for row in rows:
            row.begin(self._device, self._constraint(row.request))
        step = _Step.first(rows, prefix, growing_cache(self._config), self._device)
        step.logits = self._forward(step, adapter)
        return step

    def _most_rows(self, requests: Sequence[Request]) -> int:
        """As many as are decoded at once: fewer where their keys and values would take much of the memory."""
        free = _free_memory(self._device)
        if free is None or not hasattr(self._config, "num_attention_heads"):
            return FEW
        longest = max(len(request.prompt) + request.sampling.max_new_tokens for request in requests)
        room = free * MEMORY_SHARE
        return max(1, min(BATCH, int(room // (2 * cache_bytes(self._config) * longest))))

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
            logits: torch.Tensor = output.logits[:, -1].float()
        return logits


def _free_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available) if device.type == "cpu" else None


def _by_adapter(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Places of requests for the same adapter, those with the longest prompts first."""
    for name in dict.fromkeys(request.adapter for request in requests):
        places = [place for place, request in enumerate(requests) if request.adapter == name]
        yield sorted(places, key=lambda place: -len(requests[place].prompt))


def _shared(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all prompts begin with alike; each has one more of its own."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    return next((at for at in range(most) if first[at] != last[at]), most)


@dataclass(frozen=True)
class _Prefix:
    """The first `length` tokens of all prompts, read."""

    length: int
    cache: Any


class _Step:
    """The rows that are under way, and the inputs and logits of one forward pass over all of them."""

    def __init__(self, rows: list[_Row], tokens: torch.Tensor, mask: torch.Tensor, cache: Any) -> None:
        self.rows = rows
        self.tokens = tokens
        self.mask = mask
        self.positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        self.cache = cache
        self.shared = 0
        """How many columns all rows begin with alike."""
        self.chosen: list[int] = []
        self.logits: Any = None

    @staticmethod
    def first(rows: list[_Row], prefix: _Prefix | None, cache: Any, device: torch.device) -> _Step:
        shared = prefix.length if prefix else 0
        own = [row.request.prompt[shared:] for row in rows]
        longest = max(map(len, own))
        tokens = torch.tensor([[0] * (longest - len(p)) + list(p) for p in own], device=device)
        mask = [[1] * shared + [0] * (longest - len(p)) + [1] * len(p) for p in own]
        if prefix:
            begin_with(cache, prefix.cache, len(rows))
        step = _Step(rows, tokens, torch.tensor(mask, device=device), cache)
        step.shared = shared
        return step

    def advance(self) -> Iterator[tuple[int, Piece]]:
        """Choose the next tokens from the logits; what that means for the callers."""
        likeliest = self.logits.argmax(-1).tolist()
        self.chosen = [
            row.pick(*found) for row, *found in zip(self.rows, self.logits, likeliest, strict=True)
        ]
        for row, token, logits in zip(self.rows, self.chosen, self.logits, strict=True):
            yield from ((row.number, piece) for piece in row.advance(token, logits))

    def go_on(self) -> None:
        """Feed the chosen tokens. Rows that are finished and still here go on with theirs, unread."""
        self.tokens = torch.tensor(self.chosen, device=self.tokens.device)[:, None]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.rows), 1)], dim=1)
        self.positions = self.positions[:, -1:] + 1

    def takes(self, waiting: int, most: int) -> int:
        """How many of those that wait may join now: none, or enough to be worth a pass of their own."""
        free = min(most - len(self.rows), waiting, TOGETHER)
        worth = min(max(1, most // REFILL), waiting)
        return free if takes_rows(self.cache) and free >= worth else 0

    def with_rows(self, more: _Step) -> _Step:
        width = max(self.mask.shape[1], more.mask.shape[1])
        self.mask = torch.cat([_wider(mask, width, self.shared) for mask in (self.mask, more.mask)])
        self.positions = torch.cat([self.positions[:, -1:], more.positions[:, -1:]])
        join(self.cache, more.cache, self.shared)
        self.rows, self.chosen = self.rows + more.rows, self.chosen + more.chosen
        return self

    def without_finished(self, *, refills: bool) -> _Step | None:
        """None where all are. A few that are finished stay: letting them go costs more than they do.

        Where others wait that can't join these, the batch goes to its end as it is.
        """
        going = [place for place, row in enumerate(self.rows) if not row.finished]
        if not going:
            return None
        if not loses_rows(self.cache) or (refills and not takes_rows(self.cache)):
            return self
        if len(self.rows) - len(going) >= max(1, len(self.rows) // REFILL):
            keep_rows(self.cache, going)
            self.rows = [self.rows[place] for place in going]
            self.chosen = [self.chosen[place] for place in going]
            self.mask, self.positions = self.mask[going], self.positions[going]
            self._narrow()
        return self

    def _narrow(self) -> None:
        """Columns that no row looks at any more go: those between what all share and the longest row."""
        at = self.shared
        unread = int(self.mask[:, at:].any(0).int().argmax())
        if unread and takes_rows(self.cache):
            cut(self.cache, at, unread)
            self.mask = torch.cat([self.mask[:, :at], self.mask[:, at + unread :]], dim=1)


def _wider(mask: torch.Tensor, width: int, at: int) -> torch.Tensor:
    """Filled up behind the columns that all rows share."""
    more = mask.new_zeros(len(mask), width - mask.shape[1])
    return torch.cat([mask[:, :at], more, mask[:, at:]], dim=1)


class _Row:
    """One request on its way."""

    def __init__(self, number: int, request: Request) -> None:
        self.number = number
        self.request = request
        self.finished = False
        self._made = 0

    def begin(self, device: torch.device, constraint: Constraint | None) -> None:
        self._sampler = Sampler(self.request.sampling, self.request.prompt, device, constraint)

    def pick(self, logits: torch.Tensor, likeliest: int) -> int:
        """The next token, from logits of shape [vocabulary] and their likeliest token."""
        if self.finished:
            return 0
        return likeliest if self._sampler.takes_likeliest else self._sampler.pick(logits)

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
